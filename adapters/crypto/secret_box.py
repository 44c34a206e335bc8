"""Secrets at rest: AES-256-GCM.

Format: version (1 byte) || nonce (12) || tag (16) || ciphertext. The place that a secret is kept
at is authenticated with it, so that swapping two rows of a database opens neither.
"""

import os
from collections.abc import Mapping
from typing import Any

from Crypto.Cipher import AES

from ports.crypto import SealBroken

NONCE, TAG, KEY = 12, 16, 32
_AAD = b"velour-box:"


class AesGcmSecretBox:
    """Seals with the newest key, opens with the one that a sealed value names.

    Args:
        keys: version (1 to 255) -> 32 bytes; the highest version seals.
    """

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        if not keys or any(len(key) != KEY or not 0 < v < 256 for v, key in keys.items()):
            raise ValueError(f"a box takes keys of {KEY} bytes, numbered from 1 to 255")
        self._keys = dict(keys)
        self._newest = max(self._keys)

    def seal(self, plain: str, *, place: str) -> bytes:
        """Encrypt for ``place``."""
        nonce = os.urandom(NONCE)
        cipher = self._cipher(self._newest, nonce, place)
        sealed, tag = cipher.encrypt_and_digest(plain.encode())
        return b"".join((bytes([self._newest]), nonce, tag, sealed))

    def open(self, sealed: bytes, *, place: str) -> str:
        """Decrypt what was sealed for the same place.

        Raises:
            SealBroken: another key, another place, or changed bytes; all look the same.
        """
        if len(sealed) < 1 + NONCE + TAG or sealed[0] not in self._keys:
            raise SealBroken
        nonce, tag = sealed[1 : 1 + NONCE], sealed[1 + NONCE : 1 + NONCE + TAG]
        cipher = self._cipher(sealed[0], nonce, place)
        try:
            plain: bytes = cipher.decrypt_and_verify(sealed[1 + NONCE + TAG :], tag)
        except ValueError as exc:
            raise SealBroken from exc
        return plain.decode()

    def _cipher(self, version: int, nonce: bytes, place: str) -> Any:
        cipher = AES.new(self._keys[version], AES.MODE_GCM, nonce=nonce, mac_len=TAG)
        cipher.update(_AAD + bytes([version]) + place.encode())
        return cipher
