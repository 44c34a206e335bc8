"""The audit chain, inside the transaction."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.mapper import RowMapper
from domain.federation.audit import GENESIS, AuditEntry, Checkpoint, chain_hash

ENTRY = RowMapper(AuditEntry, schema.audit)
_CHAIN_LOCK = 0x56454C52


class SqlAuditLog:
    """Appends to the chain; ``head`` is its end once something was appended."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self.head: Checkpoint | None = None

    def append(self, entries: Sequence[AuditEntry]) -> None:
        if not entries:
            return
        size, root = self._end()
        rows = []
        for entry in entries:
            size, root = size + 1, chain_hash(root, entry)
            rows.append(ENTRY.dump(entry) | {"number": size, "entry_hash": root})
        self._connection.execute(sa.insert(schema.audit), rows)
        self.head = Checkpoint(size, root)

    def _end(self) -> tuple[int, bytes]:
        if self.head is not None:
            return self.head.size, self.head.root
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_CHAIN_LOCK)))
        columns = schema.audit.c
        query = sa.select(columns.number, columns.entry_hash).order_by(columns.number.desc())
        last = self._connection.execute(query.limit(1)).first()
        return (last.number, last.entry_hash) if last else (0, GENESIS)
