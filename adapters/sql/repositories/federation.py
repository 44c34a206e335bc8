"""API keys and connections."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.mapper import RowMapper
from adapters.sql.repositories.table import VersionedTable
from domain.federation.api_key import ApiKey, KeyNotFound
from domain.federation.connection import (
    Connection,
    ConnectionNotFound,
    ConnectionState,
    Direction,
)
from domain.ids import ApiKeyId, ConnectionId

API_KEY = RowMapper(ApiKey, schema.api_key)
CONNECTION = RowMapper(Connection, schema.connection)
_CONNECTIONS_LOCK = 0x56454C51
_ENDED = (ConnectionState.REJECTED, ConnectionState.REVOKED)


class SqlApiKeys:
    """Keys by id and by name."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._table = VersionedTable(connection, schema.api_key, API_KEY, KeyNotFound)

    def get(self, key_id: ApiKeyId) -> ApiKey:
        return self._table.get(key_id)

    def find_by_name(self, name: str) -> ApiKey | None:
        columns = schema.api_key.c
        revoked_last = columns.revoked_at.is_not(None)
        return self._table.first(
            columns.name == name, revoked_last, columns.created_at.desc(), columns.id.desc()
        )

    def all(self) -> Sequence[ApiKey]:
        columns = schema.api_key.c
        newest_first = (columns.created_at.desc(), columns.id.desc())
        return self._table.list(self._table.select.order_by(*newest_first))

    def add(self, key: ApiKey) -> None:
        with self._table.unique("that key exists already"):
            self._table.insert(key)

    def save(self, key: ApiKey) -> None:
        self._table.update(key)

    def touch(self, key_id: ApiKeyId, *, at: datetime, address: str) -> None:
        table = schema.api_key
        used = sa.update(table).where(table.c.id == key_id)
        touched = self._connection.execute(used, {"last_used_at": at, "last_used_from": address})
        if touched.rowcount != 1:
            raise KeyNotFound


class SqlConnections:
    """Connections by id, name and key; the sealed key of an outbound one apart."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._table = VersionedTable(connection, schema.connection, CONNECTION, ConnectionNotFound)

    def get(self, connection_id: ConnectionId) -> Connection:
        return self._table.get(connection_id)

    def find_by_name(self, name: str) -> Connection | None:
        columns = schema.connection.c
        revoked_last = columns.state == ConnectionState.REVOKED
        return self._table.first(columns.name == name, revoked_last, columns.created_at.desc())

    def find_by_key(self, key_id: ApiKeyId) -> Connection | None:
        return self._table.first(schema.connection.c.api_key_id == key_id)

    def all(self) -> Sequence[Connection]:
        rows = self._table.list(self._table.select)
        return sorted(rows, key=lambda row: (row.name, row.id))

    def count_live(self, direction: Direction) -> int:
        """Count; on PostgreSQL whoever counts in order to add waits for others who do."""
        options = self._connection.get_execution_options()
        if self._connection.dialect.name == "postgresql" and not options.get("postgresql_readonly"):
            self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CONNECTIONS_LOCK)))
        columns = schema.connection.c
        live = (columns.direction == direction) & columns.state.not_in(_ENDED)
        query = sa.select(sa.func.count()).select_from(schema.connection).where(live)
        return self._connection.scalar(query) or 0

    def add(
        self, connection: Connection, sealed_key: bytes | None, key_digest: bytes | None
    ) -> None:
        with self._table.unique(
            "there is a connection with that name, or address and key, already"
        ):
            self._table.insert(connection, sealed_key=sealed_key, key_digest=key_digest)

    def save(self, connection: Connection) -> None:
        with self._table.unique(f"there is a connection called {connection.name} already"):
            self._table.update(connection)

    def sealed_key(self, connection_id: ConnectionId) -> bytes | None:
        table = schema.connection
        query = sa.select(table.c.sealed_key).where(table.c.id == connection_id)
        row = self._connection.execute(query).first()
        if row is None:
            raise ConnectionNotFound
        sealed: bytes | None = row[0]
        return sealed
