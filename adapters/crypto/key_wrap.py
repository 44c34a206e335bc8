"""Data keys on their way to one device: X25519, HKDF-SHA-256, AES-256-GCM.

Wrapped key: version 1 (1 byte) || nonce (12) || encrypted data key (32) || tag (16); 61 bytes.
docs/formats/vlr1.md has the reasons.
"""

import hashlib
import os
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from domain.errors import Invalid
from domain.ids import DeviceId, ResourceId, UserId
from domain.resources.errors import SealedBroken
from domain.resources.vlr1 import DATA_KEY_BYTES
from ports.resources.sealing import WrapPurpose

KEY, NONCE, TAG = 32, 12, 16
WRAPPED_BYTES = 1 + NONCE + DATA_KEY_BYTES + TAG
_FORMAT = b"\x01"
_AGREED = b"velour/vlr1/agree"
_WRAP = b"velour/vlr1/wrap"


class X25519KeyWrap:
    """``ports.resources.sealing.KeyWrap``."""

    def new_private_key(self) -> bytes:
        """Make a private X25519 key: 32 bytes."""
        return X25519PrivateKey.generate().private_bytes_raw()

    def public_key(self, private_key: bytes) -> bytes:
        """Return the public half: 32 bytes."""
        return X25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()

    def agree(self, private_key: bytes, public_key: bytes) -> bytes:
        """Return the shared secret (32 bytes), the same at both ends; see the port."""
        mine = X25519PrivateKey.from_private_bytes(private_key)
        try:
            # The library refuses points of small order, which would agree with everybody.
            agreed = mine.exchange(X25519PublicKey.from_public_bytes(public_key))
        except ValueError as exc:
            raise Invalid("public_key is not a usable X25519 key", field="public_key") from exc
        ends = sorted((mine.public_key().public_bytes_raw(), public_key))
        return hashlib.sha256(b"".join((_AGREED, *ends, agreed))).digest()

    def wrap(
        self,
        data_key: bytes,
        *,
        shared_secret: bytes,
        user_id: UserId,
        device_id: DeviceId,
        resource_id: ResourceId,
        version: int,
        purpose: WrapPurpose = WrapPurpose.READ,
    ) -> bytes:
        """Encrypt a data key for all of these together."""
        if len(data_key) != DATA_KEY_BYTES:
            raise Invalid(f"a data key takes {DATA_KEY_BYTES} bytes", field="data_key")
        bound = _bound(purpose, user_id, device_id, resource_id, version)
        nonce = os.urandom(NONCE)
        sealed = _cipher(shared_secret, bound).encrypt(nonce, data_key, bound)
        return _FORMAT + nonce + sealed

    def unwrap(
        self,
        wrapped: bytes,
        *,
        shared_secret: bytes,
        user_id: UserId,
        device_id: DeviceId,
        resource_id: ResourceId,
        version: int,
        purpose: WrapPurpose = WrapPurpose.READ,
    ) -> bytes:
        """Decrypt a data key; every failure is ``SealedBroken``."""
        if len(wrapped) != WRAPPED_BYTES or wrapped[:1] != _FORMAT:
            raise SealedBroken
        bound = _bound(purpose, user_id, device_id, resource_id, version)
        nonce, sealed = wrapped[1 : 1 + NONCE], wrapped[1 + NONCE :]
        try:
            return _cipher(shared_secret, bound).decrypt(nonce, sealed, bound)
        except InvalidTag as exc:
            raise SealedBroken from exc


def _cipher(shared_secret: bytes, bound: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY, salt=None, info=bound).derive(shared_secret))


def _bound(
    purpose: WrapPurpose,
    user_id: UserId,
    device_id: DeviceId,
    resource_id: ResourceId,
    version: int,
) -> bytes:
    # All of fixed length but the purpose, which comes last.
    ids = (user_id.bytes, device_id.bytes, resource_id.bytes)
    return b"".join((_WRAP, *ids, struct.pack(">Q", version), purpose.encode()))
