"""Secrets that are quick and predictable. Nothing here protects anything: for tests alone."""

import hashlib
import hmac
from itertools import count

from ports.crypto import SealBroken


class MemoryPasswordHasher:
    """Digests without cost."""

    def hash(self, password: str) -> str:
        return "memory$" + hashlib.sha256(password.encode()).hexdigest()

    def verify(self, encoded: str, password: str) -> bool:
        return hmac.compare_digest(encoded, self.hash(password))

    def needs_rehash(self, encoded: str) -> bool:
        return not encoded.startswith("memory$")


class MemorySecrets:
    """Keyed digests under a fixed key; "random" bytes that count up."""

    def __init__(self, pepper: bytes = b"pepper") -> None:
        self._pepper, self._drawn = pepper, count(1)

    def random_bytes(self, length: int) -> bytes:
        return hashlib.shake_256(str(next(self._drawn)).encode()).digest(length)

    def key_digest(self, text: str) -> bytes:
        return hmac.digest(self._pepper, text.encode(), "sha256")

    def sign(self, purpose: str, message: bytes) -> bytes:
        key = hmac.digest(self._pepper, purpose.encode(), "sha256")
        return hmac.digest(key, message, "sha256")


class MemorySecretBox:
    """Seals by remembering the place; the text stays readable."""

    def __init__(self, key: str = "key") -> None:
        self._key = key

    def seal(self, plain: str, *, place: str) -> bytes:
        return f"{self._key}|{place}|{plain}".encode()

    def open(self, sealed: bytes, *, place: str) -> str:
        key, _, rest = sealed.decode(errors="replace").partition("|")
        where, _, plain = rest.partition("|")
        if (key, where) != (self._key, place):
            raise SealBroken
        return plain
