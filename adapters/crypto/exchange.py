"""Exchange keys that follow from the master keys, so that there is one set of files to keep."""

from collections.abc import Mapping

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from ports.crypto import SealBroken
from ports.resources.sealing import KeyWrap

_INFO = b"velour/exchange/1"
_KEY_BYTES = 32


class DerivedExchangeKeys:
    """X25519 keys derived by HKDF-SHA-256 from the master keys.

    Args:
        master_keys: version (1 to 255) -> 32 bytes.
        key_wrap: does the agreement.
    """

    def __init__(self, master_keys: Mapping[int, bytes], key_wrap: KeyWrap) -> None:
        self._key_wrap, self.newest = key_wrap, max(master_keys)
        self._private = {
            version: HKDF(SHA256(), _KEY_BYTES, salt=None, info=_INFO).derive(key)
            for version, key in master_keys.items()
        }

    def knows(self, version: int) -> bool:
        """Tell whether there is a key of that version."""
        return version in self._private

    def public_key(self, version: int) -> bytes:
        """Return the public half: 32 bytes."""
        return self._key_wrap.public_key(self._of(version))

    def agree(self, version: int, public_key: bytes) -> bytes:
        """Return the secret shared with a device; see the port."""
        return self._key_wrap.agree(self._of(version), public_key)

    def _of(self, version: int) -> bytes:
        found = self._private.get(version)
        if found is None:
            raise SealBroken
        return found
