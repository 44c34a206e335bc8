"""Reading parts of objects in storage locations: spans within a budget, and small files whole."""

import time
from collections.abc import Callable

from domain.errors import BadUpstream
from ports.byte_body import BodyTruncated
from ports.library.media import BudgetSpent, MediaUnreadable
from ports.library.storage import (
    ObjectChanged,
    ObjectInfo,
    OriginSlow,
    OriginUnreachable,
    ReadableStorage,
)


class StorageSpans:
    """An object as a SpanSource.

    Args:
        storage: where it is.
        locator: as the walk gave it.
        info: what ``stat`` said of it.
        budget_bytes: what may come over the network altogether.
        patience_s: how long all reading of this object may take; a source that drips does not
            hold the reader for ever.
    """

    def __init__(
        self,
        storage: ReadableStorage,
        locator: str,
        info: ObjectInfo,
        budget_bytes: int,
        *,
        patience_s: float = 60.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._storage, self._locator, self._info = storage, locator, info
        self._budget, self._spent = budget_bytes, 0
        self._patience_s, self._monotonic = patience_s, monotonic
        self._deadline: float | None = None

    @property
    def size_bytes(self) -> int:
        """See SpanSource."""
        return self._info.size_bytes

    @property
    def bytes_read(self) -> int:
        """See SpanSource."""
        return self._spent

    def read(self, start: int, length: int) -> bytes:
        """See SpanSource."""
        length = min(length, self._info.size_bytes - start)
        if start < 0 or length <= 0:
            return b""
        # An origin without ranges sends what lies before the span as well.
        skipped = 0 if self._info.ranges else start
        if self._spent + skipped + length > self._budget:
            raise BudgetSpent(
                f"{self._spent + skipped + length} bytes of it would have to be read, and no more "
                f"than {self._budget} may be"
            )
        if self._deadline is None:
            self._deadline = self._monotonic() + self._patience_s
        pieces = bytearray()
        self._spent += skipped
        body = self._storage.open(self._locator, start=start, length=length, etag=self._info.etag)
        try:
            for piece in body:
                self._spent += len(piece)
                pieces += piece
                if len(pieces) > length:
                    raise BadUpstream("the source sends more bytes than were asked for")
                if self._monotonic() > self._deadline:
                    raise OriginSlow("the source sends the file too slowly")
        except BodyTruncated as exc:
            raise OriginUnreachable("the connection broke in the middle of the file") from exc
        finally:
            body.close()
        if len(pieces) < length:
            raise BadUpstream("the source sends fewer bytes than were asked for")
        return bytes(pieces)


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
    return StorageSpans(storage, locator, info, most).read(0, most)
