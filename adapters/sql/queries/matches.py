"""The videos that a query finds in one way, straight from an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import sqlalchemy as sa

# ruff: noqa: S608 - statements are made of fixed texts; all that callers say is a parameter

MOST_COUNTED = 10_000
MOST_RANKED = 1_000


class Matches(Protocol):
    """Rows of visible videos."""

    @property
    def is_ranked(self) -> bool:
        """Whether ``best`` is another order than that by age."""
        ...

    def best(self) -> list[int]:
        """Return the newest thousand, the best of them first where they are ranked."""
        ...

    def newest(self, offset: int, limit: int) -> list[int]:
        """Return rows by age from place ``offset`` on."""
        ...

    def count(self) -> int:
        """Count the rows, up to ten thousand."""
        ...


class Source:
    """Rows that a part of a statement finds: what follows FROM, with its parameters.

    Args:
        connection: to the database.
        row: names the row number.
        text: from behind FROM to the last condition.
        values: its parameters.
    """

    def __init__(
        self, connection: sa.Connection, row: str, text: str, values: tuple[Any, ...]
    ) -> None:
        self._connection, self.row, self.text, self.values = connection, row, text, values

    def newest_text(self, offset: int, limit: int, more_columns: str = "") -> str:
        """Return the statement for rows by age, as ``number`` and ``more_columns``."""
        return (
            f"SELECT {self.row} AS number{more_columns} FROM {self.text}"
            f" ORDER BY {self.row} DESC LIMIT {limit:d} OFFSET {offset:d}"
        )

    def newest(self, offset: int, limit: int) -> list[int]:
        """Return rows by age from place ``offset`` on."""
        return self.rows(self.newest_text(offset, limit), self.values)

    def count(self) -> int:
        """Count the rows, up to ten thousand."""
        some = f"SELECT 1 FROM {self.text} LIMIT {MOST_COUNTED}"
        return self.rows(f"SELECT count(*) FROM ({some}) AS counted", self.values)[0]

    def pairs(self, text: str, values: tuple[Any, ...]) -> Sequence[tuple[int, str]]:
        """Return the first two columns of a statement."""
        found = self._connection.exec_driver_sql(text, values)
        return [(row[0], row[1]) for row in found]

    def rows(self, text: str, values: tuple[Any, ...]) -> list[int]:
        """Return the first column of a statement."""
        return [row[0] for row in self._connection.exec_driver_sql(text, values)]
