"""Access tokens: JWT signed with the node's Ed25519 key, by PyJWT.

One algorithm, one key, one type, one audience: whatever else a token says of itself is refused
before anything is verified (RFC 8725).
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from domain.ids import UserId
from ports.resources.tokens import TokenClaims, TokenRefused

ALGORITHM, TYPE, AUDIENCE = "EdDSA", "velour-access+jwt", "velour-resources"
SKEW = timedelta(seconds=60)
_MAX_CHARS = 4096
_TEXTS = ("sub", "nameid", "unique_name", "role", "ver", "jti")


class EdDsaTokens:
    """Tokens of one node for itself.

    Args:
        pem: the identity key, PKCS#8 PEM without a password.
        kid: of the public half in the node's JWKS.
        issuer: the node's instance id.
    """

    def __init__(self, pem: bytes, *, kid: str, issuer: str) -> None:
        key = load_pem_private_key(pem, password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("the identity key is not an Ed25519 key")  # noqa: TRY004 - of a file
        self._key, self._public = key, key.public_key()
        self._kid, self._issuer = kid, issuer

    def issue(self, claims: TokenClaims) -> str:
        """Return the token."""
        payload = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": str(claims.user_id),
            "nameid": str(claims.user_id),
            "unique_name": claims.email,
            "role": claims.role,
            "ver": claims.stamp,
            "jti": claims.token_id,
            "iat": int(claims.issued_at.timestamp()),
            "nbf": int(claims.issued_at.timestamp()),
            "exp": int(claims.expires_at.timestamp()),
        }
        headers = {"typ": TYPE, "kid": self._kid}
        return jwt.encode(payload, self._key, algorithm=ALGORITHM, headers=headers)

    def verify(self, text: str, *, now: datetime) -> TokenClaims:
        """Return what a token says; see the port. A minute of difference of clocks is allowed."""
        try:
            payload = self._payload(text)
            if any(not isinstance(payload[name], str) for name in _TEXTS):
                raise TokenRefused
            if payload["sub"] != payload["nameid"]:
                raise TokenRefused
            issued_at, expires_at, not_before = (_moment(payload[n]) for n in ("iat", "exp", "nbf"))
            if now >= expires_at + SKEW or now < max(issued_at, not_before) - SKEW:
                raise TokenRefused
            return TokenClaims(
                user_id=UserId(UUID(payload["sub"])),
                email=payload["unique_name"],
                role=payload["role"],
                stamp=payload["ver"],
                token_id=payload["jti"],
                issued_at=issued_at,
                expires_at=expires_at,
            )
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, OverflowError) as exc:
            raise TokenRefused from exc

    def _payload(self, text: str) -> dict[str, Any]:
        if len(text) > _MAX_CHARS:
            raise TokenRefused
        header = jwt.get_unverified_header(text)
        expected = {"alg": ALGORITHM, "typ": TYPE, "kid": self._kid}
        if header != expected:
            raise TokenRefused
        # Times are held against the given clock instead.
        times = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
        return jwt.decode(
            text,
            self._public,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=self._issuer,
            options={  # type: ignore[arg-type] # a mapping of options, each of which it knows
                **times,
                "strict_aud": True,
                "require": ["iss", "aud", "sub", "nameid", "exp", "nbf", "iat", "jti", "ver"],
            },
        )


def _moment(value: Any) -> datetime:
    if type(value) is not int:
        raise TokenRefused
    return datetime.fromtimestamp(value, UTC)
