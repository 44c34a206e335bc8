"""Keyed digests and random bytes."""

import hmac
import os
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32


class NodeSecrets:
    """HMAC-SHA-256 under keys of files that never enter the database.

    Args:
        pepper: for digests of credentials, 32 bytes or more.
        signing_key: what a key per purpose is derived from by HKDF-SHA-256, 32 bytes or more.
    """

    def __init__(self, *, pepper: bytes, signing_key: bytes) -> None:
        if min(len(pepper), len(signing_key)) < KEY_BYTES:
            raise ValueError(f"pepper and signing key take {KEY_BYTES} bytes or more")
        self._pepper = pepper

        @cache
        def key_for(purpose: str) -> bytes:
            info = b"velour-sign-1:" + purpose.encode()
            return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=info).derive(signing_key)

        self._key_for = key_for

    def random_bytes(self, length: int) -> bytes:
        """Return ``length`` unpredictable bytes."""
        return os.urandom(length)

    def key_digest(self, text: str) -> bytes:
        """Return HMAC-SHA-256 of a credential under the pepper."""
        return hmac.digest(self._pepper, text.encode("utf-8", "surrogatepass"), "sha256")

    def sign(self, purpose: str, message: bytes) -> bytes:
        """Return HMAC-SHA-256 under the key of ``purpose``."""
        return hmac.digest(self._key_for(purpose), message, "sha256")
