"""Rows to dataclasses and back, by field name."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

E = TypeVar("E")


class Nested:
    """A field that is a dataclass of its own, kept in columns named after *its* fields."""

    def __init__(self, kind: type[Any]) -> None:
        self.kind = kind
        self.names = tuple(field.name for field in dataclasses.fields(kind))
        self.values = attrgetter(*self.names)


class RowMapper(Generic[E]):
    """Maps one table to one dataclass; a missing column fails at import, not at run time.

    Args:
        entity: the dataclass.
        table: has a column for every field, by its name.
        nested: fields spread over several columns.
        joined: columns of other tables for the fields that ``table`` has no column for; they are
            read and never written.
    """

    def __init__(
        self,
        entity: Callable[..., E],
        table: sa.Table,
        nested: Mapping[str, Nested] | None = None,
        joined: Mapping[str, sa.ColumnElement[Any]] | None = None,
    ) -> None:
        self._entity, self._nested, joined = entity, dict(nested or {}), dict(joined or {})
        fields = [f.name for f in dataclasses.fields(entity) if f.init]  # type: ignore[arg-type]
        self._names = tuple(name for name in fields if name not in self._nested)
        spread = [name for each in self._nested.values() for name in each.names]
        columns = dict(table.c.items()) | joined
        if missing := {*self._names, *spread} - columns.keys():
            raise TypeError(f"{table.name} lacks columns {sorted(missing)}")
        self.columns = [columns[name] for name in (*self._names, *spread)]
        self._written = tuple(name for name in self._names if name not in joined)
        self._values = attrgetter(*self._written)

    def load(self, row: Iterable[Any]) -> E:
        """Make the entity of the values of ``columns``."""
        values = iter(row)
        fields = dict(zip(self._names, values, strict=False))
        for name, part in self._nested.items():
            fields[name] = part.kind(**dict(zip(part.names, values, strict=False)))
        return self._entity(**fields)

    def dump(self, entity: E) -> dict[str, Any]:
        """Return the values of the entity's own columns, by name."""
        values = dict(zip(self._written, self._values(entity), strict=True))
        for name, part in self._nested.items():
            values.update(zip(part.names, part.values(getattr(entity, name)), strict=True))
        return values
