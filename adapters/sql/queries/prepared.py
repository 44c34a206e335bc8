"""Statements that are made once and run for every page, straight on the driver.

SQLAlchemy's share of such a small query, which it makes and reads anew each time, is larger than
the database's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator


class Prepared:
    """A statement whose named parameters get new values; all others keep what they have."""

    def __init__(self, statement: sa.Select[Any], dialect: sa.Dialect) -> None:
        compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        self._text, self._order = str(compiled), compiled.positiontup
        self._bind = {
            name: parameter.type.dialect_impl(dialect).bind_processor(dialect)
            for name, parameter in compiled.binds.items()
        }
        # Plain types come from the driver as they are; our own are made of them.
        self._convert = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            if isinstance(column.type, TypeDecorator)
            else None
            for column in statement.selected_columns
        ]
        fixed = compiled.params
        self._fixed = {name: self._bound(name, value) for name, value in fixed.items()}

    def rows(self, connection: sa.Connection, values: dict[str, Any]) -> Sequence[Sequence[Any]]:
        """Run it, and return all rows."""
        all_values = self._fixed | {n: self._bound(n, value) for n, value in values.items()}
        order = self._order
        parameters: Any = all_values if order is None else tuple(all_values[n] for n in order)
        result = connection.exec_driver_sql(self._text, parameters)
        found: Sequence[Any] = [] if result.cursor is None else result.cursor.fetchall()
        result.close()
        if not any(self._convert):
            return found
        return [
            tuple(
                value if convert is None else convert(value)
                for value, convert in zip(row, self._convert, strict=True)
            )
            for row in found
        ]

    def _bound(self, name: str, value: Any) -> Any:
        bind = self._bind.get(name)
        return value if bind is None else bind(value)
