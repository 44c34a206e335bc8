"""Access tokens of the resource API."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.errors import Unauthenticated
from domain.ids import UserId


class TokenRefused(Unauthenticated):
    """Missing, forged, expired and revoked tokens look the same."""

    code = "token.refused"
    title = "A valid token of this API is needed; sign in"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenClaims:
    """What a token says. ``stamp`` changes with the person's account; ``token_id`` is unique."""

    user_id: UserId
    email: str
    role: str
    stamp: str
    token_id: str
    issued_at: datetime
    expires_at: datetime


class AccessTokens(Protocol):
    """Signed tokens (JWT, EdDSA) of this node for this node."""

    def issue(self, claims: TokenClaims) -> str:
        """Return the token."""
        ...

    def verify(self, text: str, *, now: datetime) -> TokenClaims:
        """Return what a token says.

        Raises:
            TokenRefused: anything about it is wrong.
        """
        ...
