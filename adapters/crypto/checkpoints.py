"""Signed heads of the audit chain, in a file beside the database."""

import base64
import binascii
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.federation.audit import Checkpoint
from ports.crypto import Identity, SealBroken

_CONTEXT = b"velour-audit-checkpoint-1\n"


class FileCheckpoints:
    r"""Keeps the newest checkpoint in one JSON file, replaced as a whole.

    ``{"origin", "size", "root", "signature"}``; the signature is Ed25519 over
    ``origin\nsize\nroot\n``, after C2SP's tlog-checkpoint.
    """

    def __init__(self, path: Path, identity: Identity) -> None:
        self._path, self._identity = path, identity

    def write(self, checkpoint: Checkpoint) -> None:
        """Sign and keep a checkpoint; an older one never replaces a newer one.

        Raises:
            SealBroken: the present file was tampered with; it is left as evidence.
        """
        with self._locked():
            present = self.read()
            if present is not None and present.size >= checkpoint.size:
                return
            root = base64.b64encode(checkpoint.root).decode()
            signature = self._identity.sign(self._message(checkpoint.size, root))
            fields = {
                "origin": self._identity.instance_id,
                "size": checkpoint.size,
                "root": root,
                "signature": base64.b64encode(signature).decode(),
            }
            self._replace(json.dumps(fields).encode() + b"\n")

    def read(self) -> Checkpoint | None:
        """Return the newest checkpoint, or None where none was written.

        Raises:
            SealBroken: it was changed or signed by another key.
        """
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            fields = json.loads(content)
            size, root = fields["size"], fields["root"]
            signature = base64.b64decode(fields["signature"], validate=True)
            digest = base64.b64decode(root, validate=True)
        except (ValueError, KeyError, TypeError, binascii.Error) as exc:
            raise SealBroken("the audit checkpoint cannot be read") from exc
        good = type(size) is int and self._identity.verify(self._message(size, root), signature)
        if not good:
            raise SealBroken("the audit checkpoint was not signed by this node")
        return Checkpoint(size, digest)

    def _message(self, size: int, root: str) -> bytes:
        return _CONTEXT + f"{self._identity.instance_id}\n{size}\n{root}\n".encode()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self._path.with_name(self._path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    def _replace(self, content: bytes) -> None:
        draft = self._path.with_name(self._path.name + ".new")
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
