"""The node's Ed25519 key."""

import base64
import hashlib
import json

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)


class Ed25519Identity:
    """Signs as this node.

    Args:
        pem: private key, PKCS#8 PEM without a password.
        instance_id: stays the same when the key is replaced.
    """

    def __init__(self, pem: bytes, *, instance_id: str) -> None:
        key = load_pem_private_key(pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("the identity key is not an Ed25519 key")  # noqa: TRY004 - of a file
        self._key, self._public = key, key.public_key()
        self._instance_id = instance_id
        x = _base64url(self._public.public_bytes(Encoding.Raw, PublicFormat.Raw))
        required = {"crv": "Ed25519", "kty": "OKP", "x": x}
        # RFC 7638: the required members in order of their names, without blanks.
        canonical = json.dumps(required, sort_keys=True, separators=(",", ":")).encode()
        kid = _base64url(hashlib.sha256(canonical).digest())
        self._jwk = {**required, "kid": kid, "alg": "EdDSA", "use": "sig"}

    @property
    def instance_id(self) -> str:
        """The node's id."""
        return self._instance_id

    def public_jwk(self) -> dict[str, str]:
        """Return the public key as a JWK with ``kid``."""
        return dict(self._jwk)

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature (64 bytes)."""
        return self._key.sign(message)

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Tell whether this node signed ``message``."""
        try:
            self._public.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def new_identity_pem() -> bytes:
    """Make a key: PKCS#8 PEM without a password."""
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
