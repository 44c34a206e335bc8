"""VLR1 on ``pycryptodome``: where ``cryptography`` has no wheel."""

from typing import Any

from Crypto.Cipher import AES
from Crypto.Hash import HMAC, SHA256
from Crypto.Protocol.KDF import HKDF

from domain.resources.vlr1 import ASSOCIATED_LENGTH, DERIVED_BYTES, IV_BYTES


class PycryptodomeCiphers:
    """Ciphers for ``Vlr1Sealer``."""

    def derive(self, data_key: bytes, *, salt: bytes, info: bytes) -> bytes:
        """Return ``DERIVED_BYTES`` of HKDF-SHA-256."""
        derived: bytes = HKDF(data_key, DERIVED_BYTES, salt, SHA256, context=info)
        return derived

    def lane(self, *, mac_key: bytes, encryption_key: bytes) -> "_Lane":
        """Make the ciphers of one thread."""
        return _Lane(mac_key, encryption_key)


class _Lane:
    def __init__(self, mac_key: bytes, encryption_key: bytes) -> None:
        arguments: Any = (encryption_key, AES.MODE_CBC, bytes(IV_BYTES))
        self._encrypt: Any = AES.new(*arguments).encrypt
        self._decrypt: Any = AES.new(*arguments).decrypt
        self._keyed: Any = HMAC.new(mac_key, digestmod=SHA256)

    def encrypt(self, blocks: bytes | memoryview, out: memoryview) -> None:
        self._encrypt(blocks, output=out[: len(blocks)])

    def decrypt(self, blocks: bytes | memoryview, out: memoryview) -> None:
        self._decrypt(blocks, output=out[: len(blocks)])

    def tag(self, associated_data: bytes, body: memoryview) -> bytes:
        mac = self._keyed.copy()
        mac.update(associated_data)
        mac.update(body)
        mac.update(ASSOCIATED_LENGTH)
        tag: bytes = mac.digest()
        return tag
