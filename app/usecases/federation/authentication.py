"""Who calls with a key, decided anew on every request."""

import hmac
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.errors import AlreadyExists, Forbidden, Unavailable
from domain.federation.api_key import (
    PREFIX_CHARS,
    ApiKey,
    KeyKind,
    KeyMalformed,
    KeyRefused,
    Scope,
    check_key_text,
)
from domain.federation.audit import Actor
from domain.federation.connection import (
    Connection,
    ConnectionInactive,
    ConnectionState,
    Direction,
    FederationDisabled,
)
from domain.ids import ConnectionId
from ports.clock import Clock
from ports.crypto import Secrets
from ports.federation.credentials import Credentials, KeyHolder
from ports.ids import IdFactory
from ports.library.catalogue import Visibility
from ports.unit_of_work import UnitOfWork, UnitOfWorkFactory

NOTE_EVERY = timedelta(minutes=1)


class AddressNotAllowed(Forbidden):
    """The key may be used from certain networks only."""

    code = "key.address-not-allowed"
    title = "The API key may not be used from this address"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a key stands for, and what that may see and do."""

    key: ApiKey
    visibility: Visibility
    scopes: frozenset[Scope]
    connection_id: ConnectionId | None


@dataclass(frozen=True, slots=True)
class Authenticate:
    """Let a key in, or say why not. Nothing is remembered between requests.

    The first use of a peer's key makes its inbound connection, so that the peer shows up where
    an admin can suspend it.
    """

    credentials: Credentials
    unit_of_work: UnitOfWorkFactory
    secrets: Secrets
    clock: Clock
    new_id: IdFactory
    federation_enabled: bool

    def __call__(self, *, key_text: str, address: str) -> Caller:
        """Return the caller.

        Raises:
            KeyRefused: mistyped, unknown, expired or revoked.
            FederationDisabled: a peer's key while federation is off.
            AddressNotAllowed: the key is bound to other networks.
            ConnectionInactive: naming the state.
        """
        holder = self._find(key_text)
        now, key = self.clock.now(), holder.key
        self._check(holder, now)
        if not key.allows_address(address):
            raise AddressNotAllowed
        connection_id = holder.connection_id
        if key.kind is KeyKind.PEER and connection_id is None:
            connection_id = self._note_use(key, address, now)
        elif not _noted_lately(key, now):
            # A full disk or a busy database must not stop those who only read.
            with suppress(Unavailable):
                self._note_use(key, address, now)
        return Caller(key, visibility_of(key), key.scopes, connection_id)

    def recheck(self, key_id: str) -> None:
        """Check a key that was let in before, as a running stream does now and then.

        Raises:
            As a call, for a key that would no longer be let in.
        """
        self._check(self._with_line(self.credentials.find_key_by_id(key_id)), self.clock.now())

    def _find(self, text: str) -> KeyHolder:
        try:
            check_key_text(text)
        except KeyMalformed as exc:
            raise KeyRefused from exc
        digest = self.secrets.key_digest(text)
        holder = self._with_line(self.credentials.find_key(digest))
        if not hmac.compare_digest(holder.key.digest, digest):
            raise KeyRefused
        return holder

    def _with_line(self, holder: KeyHolder | None) -> KeyHolder:
        """Return the holder with the connection of the key it replaced, where it has none."""
        if holder is None:
            raise KeyRefused
        if holder.connection_id is None and holder.key.rotated_from is not None:
            before = self.credentials.find_key_by_id(str(holder.key.rotated_from))
            if before is not None:
                return KeyHolder(holder.key, before.connection_id, before.connection_state)
        return holder

    def _check(self, holder: KeyHolder, now: datetime) -> None:
        if not holder.key.is_good(now):
            raise KeyRefused
        if holder.key.kind is KeyKind.PEER and not self.federation_enabled:
            raise FederationDisabled
        state = holder.connection_state
        if state not in (None, ConnectionState.ACTIVE):
            raise ConnectionInactive(f"the connection is {state}", state=str(state))

    def _note_use(self, key: ApiKey, address: str, now: datetime) -> ConnectionId | None:
        try:
            return self._write_use(key, address, now)
        except AlreadyExists:
            # Two first requests at once: the other one made the connection.
            return self._write_use(key, address, now)

    def _write_use(self, key: ApiKey, address: str, now: datetime) -> ConnectionId | None:
        with self.unit_of_work() as tx:
            tx.api_keys.touch(key.id, at=now, address=address)
            connection = None
            if key.kind is KeyKind.PEER:
                connection = _connection_of(tx, key, now) or self._connect(tx, key, address, now)
            tx.commit()
        return None if connection is None else connection.id

    def _connect(self, tx: UnitOfWork, key: ApiKey, address: str, now: datetime) -> Connection:
        connection = Connection(
            id=ConnectionId(self.new_id()),
            name=inbound_name(tx, key, wanted=key.name),
            direction=Direction.INBOUND,
            created_at=now,
            changed_at=now,
            state=ConnectionState.ACTIVE,
            api_key_id=key.id,
        )
        tx.connections.add(connection, None, None)
        actor = Actor(f"key:{key.prefix}", address)
        tx.audit.append(
            [actor.did("connection.first-use", f"connection:{connection.name}", at=now)]
        )
        return connection


def visibility_of(key: ApiKey) -> Visibility:
    """Return what a key sees: a peer only own works of granted libraries, a program all of it."""
    metadata = Scope.METADATA in key.scopes
    if key.kind is KeyKind.PEER:
        return Visibility(libraries=key.libraries, learnt=False, metadata=metadata)
    return Visibility(libraries=key.libraries or None, learnt=True, metadata=metadata)


def inbound_name(tx: UnitOfWork, key: ApiKey, *, wanted: str) -> str:
    """Return ``wanted`` for a connection of ``key``, with the key's beginning where it is taken."""
    for name in (wanted, f"{key.name} (inbound)"):
        taken = tx.connections.find_by_name(name[:100])
        if taken is None or taken.state is ConnectionState.REVOKED:
            return name[:100]
    return f"{key.name[:80]} ({key.prefix[-PREFIX_CHARS:]})"


def _noted_lately(key: ApiKey, now: datetime) -> bool:
    # A clock that was set back must not stop the notes.
    return key.last_used_at is not None and timedelta(0) <= now - key.last_used_at < NOTE_EVERY


def _connection_of(tx: UnitOfWork, key: ApiKey, now: datetime) -> Connection | None:
    connection = tx.connections.find_by_key(key.id)
    if connection is None and key.rotated_from is not None:
        connection = tx.connections.find_by_key(key.rotated_from)
        if connection is not None and not tx.api_keys.get(key.rotated_from).is_good(now):
            connection.api_key_id = key.id
            tx.connections.save(connection)
    return connection
