"""Getting at a peer: the one place where its key is unsealed."""

from dataclasses import dataclass

from domain.federation.connection import FederationDisabled
from domain.ids import ConnectionId
from ports.crypto import SealBroken, SecretBox
from ports.federation.peers import Peer, PeerAccess, Peers
from ports.unit_of_work import ReadOnlyFactory


@dataclass(frozen=True, slots=True)
class ReadAccess:
    """Read how to reach a peer, of the present state, for every request to it."""

    read_only: ReadOnlyFactory
    secret_box: SecretBox
    federation_enabled: bool

    def __call__(self, connection_id: ConnectionId) -> PeerAccess:
        """Return the access.

        Raises:
            FederationDisabled: the settings switch it off.
            ConnectionInactive: naming the state.
            SealBroken: the key was sealed by another node's key file.
        """
        if not self.federation_enabled:
            raise FederationDisabled("federation disabled")
        with self.read_only() as tx:
            connection = tx.connections.get(connection_id)
            sealed = tx.connections.sealed_key(connection_id)
        connection.require_active()
        if sealed is None:
            raise SealBroken("the connection has no stored key")
        key = self.secret_box.open(sealed, place=key_place(connection_id))
        return PeerAccess(connection.remote_url, key)


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
