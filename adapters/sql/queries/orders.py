"""Orders of works, and places in them as opaque texts.

Works without a year or a rating come last in either direction, as a part of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.queries.cursors import load_cursor, write_cursor
from domain.library.description import MAX_EPISODE, MAX_SEASON
from ports.library.catalogue import EPISODE_SORT, SORTS, CursorInvalid

_work = schema.work
# Season and episode as one number; what has none comes last.
EPISODE = sa.cast(sa.func.coalesce(_work.c.season, MAX_SEASON + 1), sa.BigInteger) * (
    2 * MAX_EPISODE
) + sa.func.coalesce(_work.c.episode, MAX_EPISODE + 1)
_COLUMNS: dict[str, sa.ColumnElement[Any]] = {
    "title": _work.c.sort_title,
    "created_at": _work.c.created_at,
    "year": _work.c.year,
    "rating": _work.c.rating,
    EPISODE_SORT: EPISODE,
}

Key = tuple[Any, int]


@dataclass(frozen=True, slots=True)
class Sort:
    """One of the port's orders."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in {*SORTS, EPISODE_SORT}:
            raise CursorInvalid(f"sort takes one of {', '.join(SORTS)}", field="sort")

    @property
    def field(self) -> str:
        return self.name.removeprefix("-")

    @property
    def column(self) -> sa.ColumnElement[Any]:
        """What works are ordered by, before their row numbers."""
        return _COLUMNS[self.field]

    @property
    def descending(self) -> bool:
        return self.name.startswith("-")

    @property
    def parts(self) -> tuple[bool, ...]:
        """Whether the key is null, part by part."""
        return (False, True) if self.field in {"year", "rating"} else (False,)

    def cursor(self, key: Key) -> str:
        """Write down the place behind a work."""
        value, row = key
        return write_cursor(
            self.name, value.isoformat() if isinstance(value, datetime) else value, row
        )

    def read(self, cursor: str) -> Key:
        """Read a cursor of this order, or raise CursorInvalid."""
        try:
            value, row = load_cursor(cursor, self.name)
            if type(row) is not int or not 0 <= row < 2**63:
                raise CursorInvalid(field="after")
            return self._value(value), row
        except (ValueError, TypeError) as exc:
            raise CursorInvalid(field="after") from exc

    def _value(self, value: Any) -> Any:
        if self.field == "created_at":
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                raise CursorInvalid(field="after")
            return moment
        number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = isinstance(value, str) if self.field == "title" else value is None or number
        if not fits or (number and not abs(value) < 2**53):
            raise CursorInvalid(field="after")
        return value
