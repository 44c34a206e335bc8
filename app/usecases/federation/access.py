"""Getting at a peer: the one place where its key is unsealed."""

from dataclasses import dataclass, field

from domain.errors import Conflict
from domain.federation.connection import (
    ConnectionInactive,
    ConnectionNotFound,
    ConnectionState,
    FederationDisabled,
)
from domain.ids import ConnectionId
from ports.crypto import SecretBox
from ports.federation.credentials import Credentials
from ports.federation.peers import Peer, PeerAccess, Peers


class NotOurs(Conflict):
    """An inbound connection has no URL and no key to read with."""

    code = "connection.inbound"
    title = "Over that connection the other node reads from this one, not the other way round"


@dataclass(frozen=True, slots=True)
class ReadAccess:
    """Read how to reach a peer, of the present state, for every request to it.

    A range request asks this each time, so what was unsealed once is kept: by the sealed bytes,
    which change whenever the key does.
    """

    credentials: Credentials
    secret_box: SecretBox
    federation_enabled: bool
    _unsealed: dict[ConnectionId, tuple[bytes, str]] = field(default_factory=dict, repr=False)

    def __call__(self, connection_id: ConnectionId) -> PeerAccess:
        """Return the access.

        Raises:
            FederationDisabled: the settings switch it off.
            ConnectionNotFound, ConnectionInactive: the latter names the state.
            NotOurs: it is an inbound one.
            SealBroken: the key was sealed by another node's key file.
        """
        if not self.federation_enabled:
            raise FederationDisabled("federation disabled")
        holder = self.credentials.find_peer(connection_id)
        if holder is None:
            raise ConnectionNotFound
        if holder.state is not ConnectionState.ACTIVE:
            raise ConnectionInactive(f"the connection is {holder.state}", state=str(holder.state))
        if holder.sealed_key is None:
            raise NotOurs
        return PeerAccess(holder.remote_url, self._unseal(connection_id, holder.sealed_key))

    def _unseal(self, connection_id: ConnectionId, sealed: bytes) -> str:
        kept = self._unsealed.get(connection_id)
        if kept is not None and kept[0] == sealed:
            return kept[1]
        key = self.secret_box.open(sealed, place=key_place(connection_id))
        self._unsealed[connection_id] = sealed, key
        return key


@dataclass(frozen=True, slots=True)
class OpenPeer:
    """Make the client of a connection's peer."""

    read_access: ReadAccess
    peers: Peers

    def __call__(self, connection_id: ConnectionId) -> Peer:
        """Return a client; nothing is sent yet. Raises what ``ReadAccess`` raises."""
        access = self.read_access(connection_id)
        return self.peers.connect(access.base_url, access.api_key)


def key_place(connection_id: ConnectionId) -> str:
    """Return the place that a connection's key is sealed for."""
    return f"connection:sealed_key:{connection_id}"
