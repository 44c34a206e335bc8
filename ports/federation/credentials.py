"""Who is calling: one look-up per request, always of the present state."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.federation.api_key import ApiKey
from domain.federation.connection import ConnectionState
from domain.ids import ConnectionId
from domain.people import Session, User


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A key and the connection that its use made, if any."""

    key: ApiKey
    connection_id: ConnectionId | None
    connection_state: ConnectionState | None


@dataclass(frozen=True, slots=True, repr=False)
class PeerHolder:
    """What is needed to ask a peer something: its state, its URL, and our key there, sealed."""

    state: ConnectionState
    remote_url: str
    sealed_key: bytes | None


@dataclass(frozen=True, slots=True)
class SessionHolder:
    """A session and its person (None before sign-in)."""

    session: Session
    user: User | None


class Credentials(Protocol):
    """Looks credentials up by digest. No answer is older than the last commit."""

    def find_key(self, digest: bytes) -> KeyHolder | None:
        """Return the key with that digest, revoked and expired ones included, or None."""
        ...

    def find_key_by_id(self, key_id: str) -> KeyHolder | None:
        """Return the key with that id (text of a UUID), or None."""
        ...

    def find_peer(self, connection_id: ConnectionId) -> PeerHolder | None:
        """Return what an outbound connection needs, or None for an unknown id."""
        ...

    def find_session(self, id_digest: bytes, now: datetime) -> SessionHolder | None:
        """Return the living session with that digest, or None."""
        ...

    def find_user(self, user_id: str) -> User | None:
        """Return the user with that id (text of a UUID), or None."""
        ...
