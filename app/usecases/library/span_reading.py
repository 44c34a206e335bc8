"""Reading parts of objects in storage locations: spans within a budget, and small files whole."""

from domain.errors import BadUpstream
from ports.byte_body import BodyTruncated
from ports.library.media import BudgetSpent, MediaUnreadable
from ports.library.storage import ObjectChanged, ReadableStorage, StorageUnreachable


class StorageSpans:
    """An object of a location, read a span at a time.

    Args:
        storage: of the location.
        locator: of the object.
        size_bytes: of the whole object.
        etag: the spans are all of that object, or the read fails.
        budget_bytes: what all spans together may cost.
    """

    def __init__(
        self,
        storage: ReadableStorage,
        locator: str,
        size_bytes: int,
        etag: str | None,
        budget_bytes: int,
    ) -> None:
        self._storage, self._locator, self._etag = storage, locator, etag
        self._size, self._budget, self._read = size_bytes, budget_bytes, 0

    @property
    def size_bytes(self) -> int:
        """Length of the whole object."""
        return self._size

    @property
    def bytes_read(self) -> int:
        """Bytes that were fetched so far."""
        return self._read

    def read(self, start: int, length: int) -> bytes:
        """See SpanSource."""
        length = min(length, self._size - start)
        if length <= 0:
            return b""
        if self._read + length > self._budget:
            raise BudgetSpent
        data = bytearray()
        body = self._storage.open(self._locator, start=start, length=length, etag=self._etag)
        try:
            for piece in body:
                data += piece
                self._read += len(piece)
        except BodyTruncated as exc:
            raise StorageUnreachable("the connection broke") from exc
        finally:
            body.close()
        if len(data) != length:
            raise BadUpstream("the location sends more or fewer bytes than were asked for")
        return bytes(data)


def read_small(storage: ReadableStorage, locator: str, *, most: int) -> bytes:
    """Return a whole small object.

    Raises:
        MediaUnreadable: it is larger than ``most`` bytes.
        ObjectNotFound, ObjectChanged, StorageUnreachable, BadUpstream
    """
    try:
        return _read_whole(storage, locator, most)
    except ObjectChanged:  # size and tag of a remote object may have been a minute old
        return _read_whole(storage, locator, most)


def _read_whole(storage: ReadableStorage, locator: str, most: int) -> bytes:
    info = storage.stat(locator)
    if info.size_bytes > most:
        raise MediaUnreadable(f"it is larger than {most // 1024} KiB")
    return StorageSpans(storage, locator, info.size_bytes, info.etag, most).read(0, most)
