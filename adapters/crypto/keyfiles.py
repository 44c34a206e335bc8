"""The node's secret files: made once, next to the data they protect, and never silently anew."""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from adapters.crypto.identity import Ed25519Identity, new_identity_pem

SECRET_BYTES = 32
_LATER = re.compile(r"[2-9]|[1-9][0-9]|1[0-9]{2}|2[0-4][0-9]|25[0-5]", re.ASCII)
_INSTANCE_ID = re.compile(r"[0-9a-f-]{36}", re.ASCII)


class KeyFilesBroken(Exception):
    """A secret file is missing, short or unreadable; the text says which and what to do."""


@dataclass(frozen=True, slots=True, repr=False)
class KeyFiles:
    """What the files hold; never printed."""

    pepper: bytes  # digests of credentials
    boxes: Mapping[int, bytes]  # secrets at rest, by version: box.key, box.2.key and so on
    sign: bytes  # signed links and cursors
    session: bytes  # browser sessions
    identity_pem: bytes
    instance_id: str


def load_or_create(data_dir: Path, *, fresh: bool) -> KeyFiles:
    """Read the files of ``data_dir/keys``; make the missing ones where the data is ``fresh``.

    Processes that start at the same time end with the same files.

    Args:
        data_dir: the node's directory; made where it is missing.
        fresh: nothing was stored under these keys yet. Otherwise a new key would lock away all
            that the old one protects, so a missing file is a fault.

    Raises:
        KeyFilesBroken: a file is missing though data exists, or it cannot be used.
    """
    folder = data_dir / "keys"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        files = _Folder(folder, fresh=fresh)
        return KeyFiles(
            pepper=files.secret("pepper"),
            boxes=files.versions("box"),
            sign=files.secret("sign.key"),
            session=files.secret("session.key"),
            identity_pem=files.identity_pem("identity.pem"),
            instance_id=files.instance_id("instance.id"),
        )
    except OSError as exc:
        raise KeyFilesBroken(
            f"{exc.filename or folder} cannot be read or written ({exc.strerror}). Give this user "
            f"the right to use {folder}."
        ) from exc


@dataclass(frozen=True, slots=True)
class _Folder:
    path: Path
    fresh: bool

    def secret(self, name: str) -> bytes:
        text = self.read(name, lambda: os.urandom(SECRET_BYTES).hex().encode() + b"\n")
        try:
            secret = bytes.fromhex(text.decode("ascii"))
        except ValueError:
            secret = b""
        if len(secret) < SECRET_BYTES:
            raise self._broken(name, f"does not hold {SECRET_BYTES} bytes in hexadecimal")
        return secret

    def versions(self, name: str) -> Mapping[int, bytes]:
        """Read ``name.key``, which is made where it may be, and the later ones beside it."""
        found = {1: self.secret(f"{name}.key")}
        for path in self.path.glob(f"{name}.*.key"):
            number = path.name.removeprefix(f"{name}.").removesuffix(".key")
            if not _LATER.fullmatch(number):
                raise self._broken(path.name, f"is not called {name}.2.key up to {name}.255.key")
            found[int(number)] = self.secret(path.name)
        return found

    def identity_pem(self, name: str) -> bytes:
        pem = self.read(name, new_identity_pem)
        try:
            Ed25519Identity(pem, instance_id="")
        except ValueError as exc:
            raise self._broken(name, "does not hold an Ed25519 key (PKCS#8 PEM)") from exc
        return pem

    def instance_id(self, name: str) -> str:
        text = self.read(name, f"{uuid4()}\n".encode).decode("ascii", "replace").strip()
        if not _INSTANCE_ID.fullmatch(text):
            raise self._broken(name, "does not hold an instance id")
        return text

    def read(self, name: str, make: Callable[[], bytes]) -> bytes:
        path = self.path / name
        if not path.exists():
            if not self.fresh:
                raise self._broken(name, "is missing")
            self._create(path, make())
        content = path.read_bytes()
        if not content:
            raise self._broken(name, "is empty")
        return content

    def _create(self, path: Path, content: bytes) -> None:
        # A file appears under its name only when it is complete, and the first one stays.
        draft = path.with_name(f".{path.name}.{os.getpid()}.{uuid4().hex}")
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink()
        folder = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _broken(self, name: str, what: str) -> KeyFilesBroken:
        return KeyFilesBroken(
            f"The secret file {self.path / name} {what}, and the data of this node was made with "
            "it. Put the file back from a backup. Without it, start over with an empty "
            "VELOUR_DATA_DIR and database."
        )
