"""One row by one value, straight from the driver.

Every request looks its caller up. SQLAlchemy's share of such a small query is four fifths of its
time, so the statement is compiled once and its values are converted by its own types here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from adapters.sql.queries.remembered import CommitStamp, Remembered
from adapters.sql.queries.snapshot import Snapshots

Found = TypeVar("Found")


class Lookup(Generic[Found]):
    """A statement with one parameter that returns one row or none, in a transaction of its own.

    Args:
        engine: the database.
        statement: the statement.
        stamp: tells how long an answer stays good.
        make: makes what is remembered of the row's values; callers share it and leave it as it is.
    """

    def __init__(
        self,
        engine: sa.Engine,
        statement: sa.Select[Any],
        stamp: CommitStamp,
        make: Callable[[list[Any]], Found],
    ) -> None:
        dialect = engine.dialect
        compiled = statement.compile(dialect=dialect)
        ((self._name, parameter),) = compiled.binds.items()
        self._engine, self._snapshots, self._statement = engine, Snapshots(engine), statement
        self._text, self._by_position = str(compiled), bool(compiled.positional)
        self._bind = parameter.type.dialect_impl(dialect).bind_processor(dialect)
        self._convert = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in statement.selected_columns
        ]
        self._failure: type[Exception] = dialect.loaded_dbapi.Error
        self._make = make
        self._known: Remembered[Found | None] = Remembered(stamp)

    def __call__(self, value: Any) -> Found | None:
        """Return what was made of the row, or None."""
        return self._known.get(value, lambda: self._found(value))

    def _found(self, value: Any) -> Found | None:
        row = self._read(value)
        return None if row is None else self._make(row)

    def _read(self, value: Any) -> list[Any] | None:
        try:
            row = self._fetch(self._bind(value) if self._bind else value)
        except self._failure:
            # Once more with all of SQLAlchemy: it knows a broken connection from a broken table.
            with self._snapshots.open() as connection:
                found = connection.execute(self._statement, {self._name: value}).first()
            return None if found is None else list(found)
        if row is None:
            return None
        return [
            cell if convert is None else convert(cell)
            for cell, convert in zip(row, self._convert, strict=True)
        ]

    def _fetch(self, value: Any) -> Any:
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(self._text, (value,) if self._by_position else {self._name: value})
            row = cursor.fetchone()
            cursor.close()
        finally:
            connection.close()
        return row
