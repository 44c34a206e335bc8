"""Many rows at once, past the costs of single statements.

Values are converted column by column as the column's type does it, and handed to the driver whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

_NOTHING = object()


def insert_rows(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Add rows that all name the same columns."""
    if not rows:
        return
    statement = sa.insert(table).values({name: sa.bindparam(name) for name in rows[0]})
    _run(connection, statement, {name: table.c[name] for name in rows[0]}, rows)


def update_rows(connection: sa.Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Write over the rows of those numbers: ``number`` names the row, all else are columns."""
    if not rows:
        return
    columns = {name: table.c[name] for name in rows[0] if name != "number"}
    statement = (
        sa.update(table)
        .where(table.c.row == sa.bindparam("number"))
        .values({name: sa.bindparam(name) for name in columns})
    )
    _run(connection, statement, columns | {"number": table.c.row}, rows)


def _run(
    connection: sa.Connection,
    statement: sa.Insert | sa.Update,
    columns: dict[str, sa.Column[Any]],
    rows: Sequence[dict[str, Any]],
) -> None:
    compiled = statement.compile(dialect=connection.dialect)
    converters = {name: _converter(c, connection.dialect) for name, c in columns.items()}
    order = list(columns) if compiled.positiontup is None else compiled.positiontup
    values = {name: converters[name]([row[name] for row in rows]) for name in order}
    by_row = zip(*(values[name] for name in order), strict=True)
    if compiled.positiontup is None:
        parameters: list[Any] = [dict(zip(order, row, strict=True)) for row in by_row]
    else:
        parameters = list(by_row)
    connection.exec_driver_sql(str(compiled), parameters)


def _converter(column: sa.Column[Any], dialect: sa.Dialect) -> Callable[[list[Any]], list[Any]]:
    convert = column.type.dialect_impl(dialect).bind_processor(dialect)
    if convert is None:
        return lambda values: values

    def all_of(values: list[Any]) -> list[Any]:
        # Dates and kinds repeat from row to row: the same object is converted once.
        last, last_converted, found = _NOTHING, None, []
        for value in values:
            if value is not last:
                last, last_converted = value, convert(value)
            found.append(last_converted)
        return found

    return all_of
