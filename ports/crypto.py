"""Secrets: hashing, sealing, signing, randomness."""

from typing import Protocol

from domain.errors import DomainError


class SealBroken(DomainError):
    """A sealed value does not open: wrong key, wrong place or changed bytes."""

    code = "seal.broken"
    title = "A stored secret cannot be read with this node's key"


class PasswordHasher(Protocol):
    """Slow hashing of passwords (Argon2id)."""

    def hash(self, password: str) -> str:
        """Return an encoded hash with its parameters and salt."""
        ...

    def verify(self, encoded: str, password: str) -> bool:
        """Tell whether the password fits. An unreadable hash fits nothing; the time stays equal."""
        ...

    def needs_rehash(self, encoded: str) -> bool:
        """Tell whether the parameters have moved on since."""
        ...


class Secrets(Protocol):
    """Keyed digests and random bytes."""

    def random_bytes(self, length: int) -> bytes:
        """Return ``length`` unpredictable bytes."""
        ...

    def key_digest(self, text: str) -> bytes:
        """Return HMAC-SHA-256 of a credential under the pepper kept outside the database."""
        ...

    def sign(self, purpose: str, message: bytes) -> bytes:
        """Return HMAC-SHA-256 (32 bytes) under a key derived for ``purpose``."""
        ...


class SecretBox(Protocol):
    """Secrets at rest: authenticated encryption bound to the place they are kept at."""

    def seal(self, plain: str, *, place: str) -> bytes:
        """Encrypt for ``place`` (``table:column:row id``)."""
        ...

    def open(self, sealed: bytes, *, place: str) -> str:
        """Decrypt what was sealed for the same place.

        Raises:
            SealBroken: another key, another place, or changed bytes.
        """
        ...


class Identity(Protocol):
    """The node's Ed25519 key: who it is."""

    @property
    def instance_id(self) -> str:
        """The node's id, stable for as long as its data directory."""
        ...

    def public_jwk(self) -> dict[str, str]:
        """Return the public key as a JWK (OKP, Ed25519) with ``kid`` (RFC 7638 thumbprint)."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature (64 bytes)."""
        ...

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether this node signed ``message``."""
        ...
