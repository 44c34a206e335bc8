"""The CDN of a node that has none: a folder, and addresses of the node itself.

An address carries what it allows and until when, signed: ``/cdn/<token>/<version>.big``.
"""

import base64
import binascii
import errno
import hmac
import os
import stat
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from domain.errors import OutOfSpace
from ports.byte_body import ByteBody, FileBody
from ports.clock import Clock
from ports.crypto import Secrets
from ports.resources.cdn import (
    CdnClaim,
    CdnLinkRefused,
    CdnObject,
    CdnObjectExists,
    CdnObjectNotFound,
    CdnUnreachable,
    CdnUploadIncomplete,
    SignedRequest,
    UploadPlan,
    check_key,
)

PATH = "/cdn"
_PIECE = 1024 * 1024
_PURPOSE = "cdn-url"
_FORM = struct.Struct(">BcQQ")  # form, r or w, end (s), length of what is written
_FORM_NUMBER = 1
_SIGNATURE_BYTES = 32
_MAX_TOKEN = 1000
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_UNFINISHED = ".unfinished"


class LocalCdn:
    """Files below ``root``.

    Args:
        root: made when it is first written to; must be on one file system.
        secrets: sign the addresses.
        clock: ends them.
    """

    def __init__(self, root: Path, secrets: Secrets, clock: Clock) -> None:
        self._root, self._secrets, self._clock = root, secrets, clock

    def put(self, key: str, source: BinaryIO, *, length: int) -> CdnObject:
        """See Cdn: written beside, brought to the disk, then named."""
        path = self._path(key)
        with _translated():
            if path.exists():
                raise CdnObjectExists
            unfinished = self._root / _UNFINISHED
            unfinished.mkdir(parents=True, exist_ok=True, mode=0o700)
            fd, draft = tempfile.mkstemp(dir=unfinished)
            try:
                with os.fdopen(fd, "wb") as file:
                    _copy(source, file, length)
                    file.flush()
                    os.fsync(file.fileno())
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                try:
                    os.link(draft, path)
                except FileExistsError as exc:
                    raise CdnObjectExists from exc
            finally:
                with suppress(OSError):
                    Path(draft).unlink()
            self._sync(path.parent)
            return _describe(key, path.stat())

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> ByteBody:
        """See Cdn."""
        with _translated():
            try:
                fd = os.open(self._path(key), os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except (FileNotFoundError, NotADirectoryError) as exc:
                raise CdnObjectNotFound from exc
            rest = max(0, os.fstat(fd).st_size - start)
            return FileBody(fd, start=start, length=rest if length is None else min(length, rest))

    def head(self, key: str) -> CdnObject | None:
        """See Cdn."""
        with _translated():
            try:
                return _describe(key, self._path(key).lstat())
            except (FileNotFoundError, NotADirectoryError):
                return None

    def delete(self, key: str) -> None:
        """See Cdn. Folders that are empty then go too."""
        path = self._path(key)
        with _translated():
            path.unlink(missing_ok=True)
            for folder in path.relative_to(self._root).parents:
                if folder == Path():
                    break
                try:
                    (self._root / folder).rmdir()
                except OSError:
                    break

    def iter_objects(self, prefix: str = "") -> Iterator[CdnObject]:
        """See Cdn."""
        with _translated():
            for folder, names, files in os.walk(self._root):
                if _UNFINISHED in names:
                    names.remove(_UNFINISHED)
                for name in files:
                    path = Path(folder, name)
                    key = path.relative_to(self._root).as_posix()
                    with suppress(FileNotFoundError):
                        if key.startswith(prefix):
                            yield _describe(key, path.lstat())

    def presign_get(self, key: str, *, expires_s: int) -> SignedRequest:
        """See Cdn."""
        return SignedRequest("GET", self._address(b"r", key, 0, expires_s), {})

    def presign_put(self, key: str, *, length: int, expires_s: int) -> UploadPlan:
        """See Cdn: one request, however large the object."""
        if self.head(key) is not None:
            raise CdnObjectExists
        address = self._address(b"w", key, length, expires_s)
        return UploadPlan(whole=SignedRequest("PUT", address, {}))

    def discard_unfinished(self, *, before: datetime) -> int:
        """See Cdn: what nobody has written to since then."""
        count = 0
        with _translated(), suppress(FileNotFoundError):
            for entry in os.scandir(self._root / _UNFINISHED):
                with suppress(FileNotFoundError):
                    if entry.stat(follow_symlinks=False).st_mtime < before.timestamp():
                        Path(entry.path).unlink()
                        count += 1
        return count

    def claim(self, token: str, *, writes: bool) -> CdnClaim:
        """See ServedCdn."""
        try:
            raw = base64.b64decode(
                token[:_MAX_TOKEN].encode("ascii") + b"=" * (-len(token) % 4),
                altchars=b"-_",
                validate=True,
            )
        except (binascii.Error, ValueError) as exc:
            raise CdnLinkRefused from exc
        message, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
        if not hmac.compare_digest(self._secrets.sign(_PURPOSE, message), signature):
            raise CdnLinkRefused
        if len(message) < _FORM.size or message[0] != _FORM_NUMBER:
            raise CdnLinkRefused
        _, direction, expires_at, length = _FORM.unpack_from(message)
        if direction != (b"w" if writes else b"r"):
            raise CdnLinkRefused
        if expires_at <= self._clock.now().timestamp():
            raise CdnLinkRefused
        return CdnClaim(message[_FORM.size :].decode("ascii"), length)

    def _address(self, direction: bytes, key: str, length: int, expires_s: int) -> str:
        expires_at = int(self._clock.now().timestamp()) + expires_s
        message = _FORM.pack(_FORM_NUMBER, direction, expires_at, length) + check_key(key).encode()
        token = base64.urlsafe_b64encode(message + self._secrets.sign(_PURPOSE, message))
        return f"{PATH}/{token.decode().rstrip('=')}/{key.rpartition('/')[2]}"

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _sync(self, folder: Path) -> None:
        """Bring the names on the way to a new file to the disk."""
        while True:
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
            if folder == self._root:
                return
            folder = folder.parent


def _copy(source: BinaryIO, target: BinaryIO, length: int) -> None:
    left = length
    while left:
        try:
            piece = source.read(min(_PIECE, left))
        except OSError as exc:  # whoever sends it is gone, or stands still
            raise CdnUploadIncomplete from exc
        if not piece:
            raise CdnUploadIncomplete
        target.write(piece)
        left -= len(piece)
    if source.read(1):
        raise CdnUploadIncomplete


def _describe(key: str, found: os.stat_result) -> CdnObject:
    if not stat.S_ISREG(found.st_mode):
        raise CdnObjectNotFound
    return CdnObject(
        key=key,
        size_bytes=found.st_size,
        etag=f"{found.st_size:x}-{found.st_mtime_ns:x}",
        stored_at=datetime.fromtimestamp(found.st_mtime, UTC),
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        if exc.errno in _FULL:
            raise OutOfSpace from exc
        raise CdnUnreachable("the folder of the CDN cannot be used") from exc
