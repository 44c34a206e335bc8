"""A connection: a node we read from, or one that reads from us, and whether it still may.

====================  ======  =========  ========  ========
from / to             active  suspended  rejected  revoked
====================  ======  =========  ========  ========
pending               yes     no         yes       yes
active                no      yes        yes       yes
suspended             yes     no         yes       yes
rejected              no      no         no        yes
revoked (terminal)    no      no         no        no
====================  ======  =========  ========  ========
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from domain.errors import Conflict, Forbidden, Invalid, NotFound
from domain.ids import ApiKeyId, ConnectionId
from domain.text import clean_name


class ConnectionNotFound(NotFound):
    """No connection has this id or name."""

    code = "connection.not-found"
    title = "No such connection"


class IllegalTransition(Conflict):
    """The table above has no such move."""

    code = "connection.illegal-transition"
    title = "The connection cannot move to that state"


class TooManyConnections(Conflict):
    """The node has as many connections as its settings allow."""

    code = "connection.limit-reached"
    title = "The node has as many connections as it may have"


class ConnectionInactive(Forbidden):
    """The connection exists and does not count at the moment."""

    code = "connection.inactive"
    title = "The connection is not active"


class FederationDisabled(Forbidden):
    """The node's settings switch federation off."""

    code = "federation.disabled"
    title = "Federation is disabled on this node"


class ConnectionState(StrEnum):
    """Whether a connection counts."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REJECTED = "rejected"
    REVOKED = "revoked"


class Direction(StrEnum):
    """Who reads from whom."""

    OUTBOUND = "outbound"  # we read from the peer
    INBOUND = "inbound"  # the peer reads from us


_ACTIVE, _SUSPENDED = ConnectionState.ACTIVE, ConnectionState.SUSPENDED
_REJECTED, _REVOKED = ConnectionState.REJECTED, ConnectionState.REVOKED

MOVES: Mapping[ConnectionState, frozenset[ConnectionState]] = {
    ConnectionState.PENDING: frozenset({_ACTIVE, _REJECTED, _REVOKED}),
    _ACTIVE: frozenset({_SUSPENDED, _REJECTED, _REVOKED}),
    _SUSPENDED: frozenset({_ACTIVE, _REJECTED, _REVOKED}),
    _REJECTED: frozenset({_REVOKED}),
    _REVOKED: frozenset(),
}


@dataclass(slots=True, kw_only=True)
class Connection:
    """A peer as one side sees it.

    Outbound: ``remote_url`` and a stored key (encrypted, apart). Inbound: ``api_key_id``, the key
    that the peer uses here. ``remote_state`` is what the peer last said of us in words
    (``suspended by peer``), empty while it answers.
    """

    id: ConnectionId
    name: str
    direction: Direction
    created_at: datetime
    changed_at: datetime
    state: ConnectionState = ConnectionState.PENDING
    remote_url: str = ""
    api_key_id: ApiKeyId | None = None
    instance_id: str = ""
    remote_name: str = ""
    remote_version: str = ""
    remote_state: str = ""
    version: int = 0

    def __post_init__(self) -> None:
        self.name = clean_name(self.name, field="name", max_length=100)

    def approve(self, *, at: datetime) -> None:
        """Let a pending connection count."""
        if self.state is not ConnectionState.PENDING:
            raise IllegalTransition(f"{self.state} -> active")
        self._move(ConnectionState.ACTIVE, at)

    def suspend(self, *, at: datetime) -> None:
        """Stop it for now; nothing is lost and ``resume`` undoes it."""
        self._move(ConnectionState.SUSPENDED, at)

    def resume(self, *, at: datetime) -> None:
        """Let a suspended connection count again."""
        if self.state is not ConnectionState.SUSPENDED:
            raise IllegalTransition(f"{self.state} -> active")
        self._move(ConnectionState.ACTIVE, at)

    def reject(self, *, at: datetime) -> None:
        """Turn it down."""
        self._move(ConnectionState.REJECTED, at)

    def revoke(self, *, at: datetime) -> None:
        """End it for good; pairing again means new keys."""
        self._move(ConnectionState.REVOKED, at)

    def require_active(self) -> None:
        """Raise ConnectionInactive, naming the state, unless the connection counts."""
        if self.state is not ConnectionState.ACTIVE:
            raise ConnectionInactive(f"the connection is {self.state}", state=self.state)

    def _move(self, to: ConnectionState, at: datetime) -> None:
        if to not in MOVES[self.state]:
            raise IllegalTransition(f"{self.state} -> {to}")
        self.state, self.changed_at = to, at


def check_remote_url(url: str, *, require_https: bool) -> str:
    """Return the base URL of a node in its one form: scheme, host, port, path without end slash.

    Raises:
        Invalid: not http(s), no host, credentials, a query or a fragment in it, or plain http
            where the settings demand https.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as exc:
        raise Invalid("that is not a URL", field="url") from exc
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Invalid("the URL must begin with https:// and name a host", field="url")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise Invalid("the URL takes no user name, password, query or fragment", field="url")
    if require_https and parts.scheme != "https":
        raise Invalid(
            "the URL must begin with https:// (FEDERATION_REQUIRE_HTTPS is on)", field="url"
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = {"http": 80, "https": 443}[parts.scheme]
    authority = host if port in (None, default) else f"{host}:{port}"
    return f"{parts.scheme}://{authority}{parts.path.rstrip('/')}"
