"""Connections; the sealed key of an outbound one apart."""

import copy
from collections.abc import Sequence

from adapters.memory.database import Tables
from adapters.memory.versions import save
from domain.errors import AlreadyExists
from domain.federation.connection import (
    Connection,
    ConnectionNotFound,
    ConnectionState,
    Direction,
)
from domain.ids import ApiKeyId, ConnectionId

_ENDED = {ConnectionState.REJECTED, ConnectionState.REVOKED}


class MemoryConnections:
    """Connections by id, name and key."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, connection_id: ConnectionId) -> Connection:
        connection = self._tables.connections.get(connection_id)
        if connection is None:
            raise ConnectionNotFound
        return copy.deepcopy(connection)

    def find_by_name(self, name: str) -> Connection | None:
        named = [row for row in self._tables.connections.values() if row.name == name]
        named.sort(key=lambda row: (row.state is not ConnectionState.REVOKED, row.created_at))
        return copy.deepcopy(named[-1]) if named else None

    def find_by_key(self, key_id: ApiKeyId) -> Connection | None:
        found = (row for row in self._tables.connections.values() if row.api_key_id == key_id)
        return copy.deepcopy(next(found, None))

    def all(self) -> Sequence[Connection]:
        rows = self._tables.connections.values()
        return copy.deepcopy(sorted(rows, key=lambda row: (row.name, row.id)))

    def count_live(self, direction: Direction) -> int:
        return sum(
            row.direction is direction and row.state not in _ENDED
            for row in self._tables.connections.values()
        )

    def add(
        self, connection: Connection, sealed_key: bytes | None, key_digest: bytes | None
    ) -> None:
        self._check_name(connection)
        for other in self._tables.connections.values():
            same_key = key_digest == self._tables.key_digests.get(other.id)
            same_peer = key_digest is not None and other.remote_url == connection.remote_url
            if same_peer and same_key and other.state is not ConnectionState.REVOKED:
                raise AlreadyExists("there is a connection with that address and key already")
        self._tables.connections[connection.id] = copy.deepcopy(connection)
        if sealed_key is not None:
            self._tables.sealed_keys[connection.id] = sealed_key
        if key_digest is not None:
            self._tables.key_digests[connection.id] = key_digest

    def save(self, connection: Connection) -> None:
        self._check_name(connection)
        save(self._tables.connections, connection.id, connection, ConnectionNotFound)

    def sealed_key(self, connection_id: ConnectionId) -> bytes | None:
        self.get(connection_id)
        return self._tables.sealed_keys.get(connection_id)

    def _check_name(self, connection: Connection) -> None:
        if connection.state is ConnectionState.REVOKED:
            return
        same = self.find_by_name(connection.name)
        taken = same is not None and same.state is not ConnectionState.REVOKED
        if same is not None and taken and same.id != connection.id:
            raise AlreadyExists(f"there is a connection called {connection.name} already")
