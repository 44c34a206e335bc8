"""VLR1 on ``cryptography`` (OpenSSL) and the standard library's HMAC: the faster one."""

import hmac

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.resources.vlr1 import ASSOCIATED_LENGTH, DERIVED_BYTES, IV_BYTES


class CryptographyCiphers:
    """Ciphers for ``Vlr1Sealer``."""

    def derive(self, data_key: bytes, *, salt: bytes, info: bytes) -> bytes:
        """Return ``DERIVED_BYTES`` of HKDF-SHA-256."""
        return HKDF(SHA256(), DERIVED_BYTES, salt=salt, info=info).derive(data_key)

    def lane(self, *, mac_key: bytes, encryption_key: bytes) -> "_Lane":
        """Make the ciphers of one thread."""
        return _Lane(mac_key, encryption_key)


class _Lane:
    def __init__(self, mac_key: bytes, encryption_key: bytes) -> None:
        cipher = Cipher(algorithms.AES(encryption_key), modes.CBC(bytes(IV_BYTES)))
        self._encrypt = cipher.encryptor().update_into
        self._decrypt = cipher.decryptor().update_into
        self._keyed = hmac.new(mac_key, digestmod="sha256")

    def encrypt(self, blocks: bytes | memoryview, out: memoryview) -> None:
        self._encrypt(blocks, out)

    def decrypt(self, blocks: bytes | memoryview, out: memoryview) -> None:
        self._decrypt(blocks, out)

    def tag(self, associated_data: bytes, body: memoryview) -> bytes:
        mac = self._keyed.copy()
        mac.update(associated_data)
        mac.update(body)
        mac.update(ASSOCIATED_LENGTH)
        return mac.digest()
