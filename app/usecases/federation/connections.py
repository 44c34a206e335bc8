"""Connections: adding one by hand, and moving one between its states."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from app.usecases.federation.access import OpenPeer, key_place
from app.usecases.federation.authentication import inbound_name
from app.usecases.federation.keys import revoke_line
from domain.errors import AlreadyExists
from domain.federation.api_key import check_key_text
from domain.federation.audit import Actor
from domain.federation.connection import (
    Connection,
    ConnectionNotFound,
    ConnectionState,
    Direction,
    TooManyConnections,
    check_remote_url,
)
from domain.ids import ConnectionId, LibraryId, LocationId
from domain.library.storage_location import Library, StorageLocation, StorageType
from ports.clock import Clock
from ports.crypto import SecretBox, Secrets
from ports.federation.peers import InstanceInfo, PeerRefused
from ports.ids import IdFactory
from ports.unit_of_work import UnitOfWork, UnitOfWorkFactory


def find_connection(tx: UnitOfWork, ref: str) -> Connection:
    """Return the connection with that id or name.

    Raises:
        ConnectionNotFound: there is none.
    """
    try:
        return tx.connections.get(ConnectionId(UUID(ref)))
    except (ValueError, ConnectionNotFound):
        connection = tx.connections.find_by_name(ref)
    if connection is None:
        raise ConnectionNotFound
    return connection


@dataclass(frozen=True, slots=True)
class AddConnection:
    """Add a node to read from, with the key that its admin issued.

    The connection is active at once. Its works go to a location of the same name, in a library of
    the same name.
    """

    unit_of_work: UnitOfWorkFactory
    secrets: Secrets
    secret_box: SecretBox
    clock: Clock
    new_id: IdFactory
    require_https: bool
    max_connections: int

    def __call__(self, *, name: str, url: str, key: str, actor: Actor) -> Connection:
        """Add the connection; nothing is sent yet.

        Raises:
            KeyMalformed: the key was mistyped.
            Invalid: the URL.
            AlreadyExists: the name is taken, or that key at that URL is in use.
            TooManyConnections: the settings allow no more.
        """
        check_key_text(key)
        remote_url = check_remote_url(url, require_https=self.require_https)
        now = self.clock.now()
        connection = Connection(
            id=ConnectionId(self.new_id()),
            name=name,
            direction=Direction.OUTBOUND,
            created_at=now,
            changed_at=now,
            state=ConnectionState.ACTIVE,
            remote_url=remote_url,
        )
        sealed = self.secret_box.seal(key, place=key_place(connection.id))
        with self.unit_of_work() as tx:
            if tx.connections.count_live(Direction.OUTBOUND) >= self.max_connections:
                raise TooManyConnections(
                    f"{self.max_connections} connections are the most (MAX_FEDERATED_CONNECTIONS)"
                )
            _claim_name(tx, connection.name)
            tx.connections.add(connection, sealed, self.secrets.key_digest(key))
            self._add_location(tx, connection, now)
            target = f"connection:{connection.name}"
            tx.audit.append([actor.did("connection.add", target, at=now, detail=remote_url)])
            tx.commit()
        return connection

    def _add_location(self, tx: UnitOfWork, connection: Connection, now: datetime) -> None:
        library = tx.libraries.find_by_name(connection.name)
        if library is None:
            library = Library(id=LibraryId(self.new_id()), name=connection.name, created_at=now)
            tx.libraries.add(library)
        left_over = tx.locations.find_by_name(connection.name)
        if left_over is not None and _is_dead(tx, left_over):
            tx.locations.remove(left_over.id)
        location = StorageLocation(
            id=LocationId(self.new_id()),
            name=connection.name,
            storage_type=StorageType.VELOUR,
            library_id=library.id,
            created_at=now,
            options={"url": connection.remote_url},
            connection_id=connection.id,
        )
        tx.locations.add(location)


@dataclass(frozen=True, slots=True)
class _Move:
    """A change of a connection's state; it counts from the peer's next request on."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def _move(
        self,
        connection_id: ConnectionId,
        actor: Actor,
        verb: str,
        change: Callable[[Connection, datetime], None],
    ) -> Connection:
        now = self.clock.now()
        with self.unit_of_work() as tx:
            connection = tx.connections.get(connection_id)
            change(connection, now)
            tx.connections.save(connection)
            if connection.direction is Direction.OUTBOUND:
                _show_availability(tx, connection)
            elif connection.state is ConnectionState.REVOKED and connection.api_key_id:
                _revoke_keys(tx, connection, actor, now)
            target = f"connection:{connection.name}"
            tx.audit.append([actor.did(f"connection.{verb}", target, at=now)])
            tx.commit()
        return connection


@dataclass(frozen=True, slots=True)
class ApproveConnection(_Move):
    """Let a pending connection count."""

    def __call__(self, *, connection_id: ConnectionId, actor: Actor) -> Connection:
        return self._move(connection_id, actor, "approve", lambda c, now: c.approve(at=now))


@dataclass(frozen=True, slots=True)
class SuspendConnection(_Move):
    """Stop a connection for now; nothing is lost."""

    def __call__(self, *, connection_id: ConnectionId, actor: Actor) -> Connection:
        return self._move(connection_id, actor, "suspend", lambda c, now: c.suspend(at=now))


@dataclass(frozen=True, slots=True)
class ResumeConnection(_Move):
    """Let a suspended connection count again."""

    def __call__(self, *, connection_id: ConnectionId, actor: Actor) -> Connection:
        return self._move(connection_id, actor, "resume", lambda c, now: c.resume(at=now))


@dataclass(frozen=True, slots=True)
class RejectConnection(_Move):
    """Turn a connection down."""

    def __call__(self, *, connection_id: ConnectionId, actor: Actor) -> Connection:
        return self._move(connection_id, actor, "reject", lambda c, now: c.reject(at=now))


@dataclass(frozen=True, slots=True)
class RevokeConnection(_Move):
    """End a connection for good, and with an inbound one the keys that the peer uses."""

    def __call__(self, *, connection_id: ConnectionId, actor: Actor) -> Connection:
        return self._move(connection_id, actor, "revoke", lambda c, now: c.revoke(at=now))


@dataclass(frozen=True, slots=True)
class RenameConnection:
    """Call a connection something else; its location and library keep their names."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, *, connection_id: ConnectionId, name: str, actor: Actor) -> Connection:
        """Return the renamed connection; raises Invalid, AlreadyExists, ConnectionNotFound."""
        with self.unit_of_work() as tx:
            before = tx.connections.get(connection_id)
            connection = replace(before, name=name)
            tx.connections.save(connection)
            entry = actor.did(
                "connection.rename",
                f"connection:{connection.name}",
                at=self.clock.now(),
                detail=f"was {before.name}",
            )
            tx.audit.append([entry])
            tx.commit()
        return connection


@dataclass(frozen=True, slots=True)
class TestConnection:
    """Ask a peer who it is, and remember how it answered."""

    __test__ = False  # not a test of ours

    unit_of_work: UnitOfWorkFactory
    open_peer: OpenPeer

    def __call__(self, *, connection_id: ConnectionId) -> InstanceInfo:
        """Return what the peer says of itself.

        Raises:
            ConnectionInactive, FederationDisabled, PeerUnreachable, PeerRefused, PeerMisbehaves
        """
        peer = self.open_peer(connection_id)
        try:
            info = peer.instance()
        except PeerRefused as exc:
            remember(self.unit_of_work, connection_id, remote_state=str(exc))
            raise
        remember(self.unit_of_work, connection_id, remote_state="", info=info)
        return info


def remember(
    unit_of_work: UnitOfWorkFactory,
    connection_id: ConnectionId,
    *,
    remote_state: str,
    info: InstanceInfo | None = None,
) -> None:
    """Write down how a peer last answered; nothing is written where it is known already."""
    with unit_of_work() as tx:
        connection = tx.connections.get(connection_id)
        name = info.name if info else connection.remote_name
        version = info.version if info else connection.remote_version
        said = (remote_state, name, version)
        if said == (connection.remote_state, connection.remote_name, connection.remote_version):
            return
        connection.remote_state, connection.remote_name, connection.remote_version = said
        tx.connections.save(connection)
        tx.commit()


def _claim_name(tx: UnitOfWork, name: str) -> None:
    """Free ``name`` for a connection that an admin names so.

    An inbound one has its key's name without anybody's choice, so it gives way.
    """
    taken = tx.connections.find_by_name(name)
    if taken is None or taken.state is ConnectionState.REVOKED:
        return
    if taken.direction is Direction.OUTBOUND or taken.api_key_id is None:
        raise AlreadyExists(f"there is a connection called {name} already", name=name)
    taken.name = inbound_name(tx, tx.api_keys.get(taken.api_key_id), wanted=f"{name} (inbound)")
    tx.connections.save(taken)


def _is_dead(tx: UnitOfWork, location: StorageLocation) -> bool:
    if location.connection_id is None:
        return False
    return tx.connections.get(location.connection_id).state is ConnectionState.REVOKED


def _show_availability(tx: UnitOfWork, connection: Connection) -> None:
    if connection.state is ConnectionState.ACTIVE:
        tx.learnt.set_online(connection.id)
    else:
        tx.learnt.set_offline(connection.id)


def _revoke_keys(tx: UnitOfWork, connection: Connection, actor: Actor, now: datetime) -> None:
    own = connection.api_key_id
    for key_id in [key.id for key in tx.api_keys.all() if own in (key.id, key.rotated_from)]:
        revoke_line(tx, tx.api_keys.get(key_id), actor=actor, at=now)
