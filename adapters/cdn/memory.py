"""A CDN in memory, for tests."""

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import BinaryIO

from ports.byte_body import ByteBody, BytesBody
from ports.resources.cdn import (
    CdnObject,
    CdnObjectExists,
    CdnObjectNotFound,
    CdnUploadIncomplete,
    SignedRequest,
    UploadPlan,
    check_key,
)


def _now() -> datetime:
    return datetime.now(UTC)


class MemoryCdn:
    """Objects in a dictionary; its addresses lead nowhere."""

    def __init__(self, now: Callable[[], datetime] = _now) -> None:
        self._now = now
        self.objects: dict[str, tuple[bytes, datetime]] = {}

    def put(self, key: str, source: BinaryIO, *, length: int) -> CdnObject:
        """See Cdn."""
        if check_key(key) in self.objects:
            raise CdnObjectExists
        data = source.read(length)
        if len(data) != length or source.read(1):
            raise CdnUploadIncomplete
        self.objects[key] = data, self._now()
        return self._describe(key)

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> ByteBody:
        """See Cdn."""
        if check_key(key) not in self.objects:
            raise CdnObjectNotFound
        end = None if length is None else start + length
        return BytesBody(self.objects[key][0][start:end])

    def head(self, key: str) -> CdnObject | None:
        """See Cdn."""
        return self._describe(key) if check_key(key) in self.objects else None

    def delete(self, key: str) -> None:
        """See Cdn."""
        self.objects.pop(check_key(key), None)

    def iter_objects(self, prefix: str = "") -> Iterator[CdnObject]:
        """See Cdn."""
        yield from (self._describe(key) for key in list(self.objects) if key.startswith(prefix))

    def presign_get(self, key: str, *, expires_s: int) -> SignedRequest:
        """See Cdn."""
        return SignedRequest("GET", f"memory:/{check_key(key)}?expires={expires_s}", {})

    def presign_put(self, key: str, *, length: int, expires_s: int) -> UploadPlan:
        """See Cdn."""
        if check_key(key) in self.objects:
            raise CdnObjectExists
        url = f"memory:/{key}?expires={expires_s}&length={length}"
        return UploadPlan(whole=SignedRequest("PUT", url, {}))

    def discard_unfinished(self, *, before: datetime) -> int:  # noqa: ARG002 - the port's
        """See Cdn: nothing is ever begun without being ended."""
        return 0

    def _describe(self, key: str) -> CdnObject:
        data, stored_at = self.objects[key]
        etag = hashlib.sha256(data).hexdigest()[:32]
        return CdnObject(key=key, size_bytes=len(data), etag=etag, stored_at=stored_at)
