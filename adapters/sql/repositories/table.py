"""What all repositories of one versioned entity share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Generic, Protocol, TypeVar

import sqlalchemy as sa

from adapters.sql.mapper import RowMapper
from domain.errors import AlreadyExists, NotFound, StaleWrite


class Versioned(Protocol):
    """An entity that counts its writes."""

    id: Any
    version: int


E = TypeVar("E", bound=Versioned)


class VersionedTable(Generic[E]):
    """Reads and writes the rows of one table as entities.

    Args:
        connection: in a transaction.
        table: keyed by ``id``, with a ``version``.
        mapper: of the entity.
        missing: raised where no row has the id.
        source: what is selected from, where the mapper joins other tables.
    """

    def __init__(
        self,
        connection: sa.Connection,
        table: sa.Table,
        mapper: RowMapper[E],
        missing: type[NotFound],
        source: sa.FromClause | None = None,
    ) -> None:
        self._connection, self._table, self._mapper = connection, table, mapper
        self._missing = missing
        self.select = sa.select(*mapper.columns).select_from(table if source is None else source)

    def get(self, entity_id: Any) -> E:
        """Return the entity or raise its NotFound."""
        found = self.first(self._table.c.id == entity_id)
        if found is None:
            raise self._missing
        return found

    def first(self, where: sa.ColumnElement[bool], *order: sa.ColumnElement[Any]) -> E | None:
        """Return the first entity for which ``where`` holds."""
        query = self.select.where(where).order_by(*order).limit(1)
        row = self._connection.execute(query).first()
        return None if row is None else self._mapper.load(row)

    def list(self, query: sa.Select[Any]) -> list[E]:
        """Return the entities of a query made from ``select``."""
        return [self._mapper.load(row) for row in self._connection.execute(query)]

    def insert(self, entity: E, **more: Any) -> None:
        """Add a row; ``more`` are columns that the entity does not have."""
        values = self._mapper.dump(entity) | more
        self._connection.execute(sa.insert(self._table), values)

    def update(self, entity: E, **more: Any) -> None:
        """Write over the row that the entity was read from, and count its version up."""
        values = self._mapper.dump(entity) | more | {"version": entity.version + 1}
        mine = (self._table.c.id == entity.id) & (self._table.c.version == entity.version)
        changed = self._connection.execute(sa.update(self._table).where(mine).values(values))
        if changed.rowcount != 1:
            self.get(entity.id)  # raises NotFound where it is gone
            raise StaleWrite
        entity.version += 1

    def delete(self, entity_id: Any) -> None:
        """Remove the row or raise its NotFound."""
        gone = self._connection.execute(sa.delete(self._table).where(self._table.c.id == entity_id))
        if gone.rowcount != 1:
            raise self._missing

    def unique(self, message: str) -> AbstractContextManager[None]:
        """See ``unique`` below."""
        return unique(self._connection, message)


@contextmanager
def unique(connection: sa.Connection, message: str) -> Iterator[None]:
    """Turn a broken unique constraint into AlreadyExists; what was done before stays."""
    try:
        with connection.begin_nested():
            yield
    except sa.exc.IntegrityError as exc:
        raise AlreadyExists(message) from exc


def chunks(values: Iterable[Any], size: int = 500) -> Iterator[list[Any]]:
    """Yield ``values`` in lists short enough for one statement."""
    batch: list[Any] = []
    for value in values:
        batch.append(value)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
