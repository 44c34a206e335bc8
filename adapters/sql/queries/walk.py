"""Works in an order: by number of page or behind a cursor.

First only row numbers and sort keys are read, from an index alone where there is one. Works without
a year or a rating come last in either direction, as a part of their own.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.queries.scope import Scope
from domain.library.description import MAX_EPISODE, MAX_SEASON
from ports.library.catalogue import EPISODE_SORT, SORTS, CursorInvalid, WorkFilter, WorkKind

_work, _video, _shelf = schema.work, schema.video, schema.library_work
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
_MOST_MERGED = 8  # libraries whose orders are merged; more are filtered from the order of all

Key = tuple[Any, int]
Count = Callable[[bool], int]


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
    def descending(self) -> bool:
        return self.name.startswith("-")

    @property
    def parts(self) -> tuple[bool, ...]:
        """Whether the key is null, part by part."""
        return (False, True) if self.field in {"year", "rating"} else (False,)

    def cursor(self, key: Key) -> str:
        """Write down the place behind a work."""
        value, row = key
        plain = value.isoformat() if isinstance(value, datetime) else value
        return base64.urlsafe_b64encode(json.dumps([self.name, plain, row]).encode()).decode()

    def read(self, cursor: str) -> Key:
        """Read a cursor of this order, or raise CursorInvalid."""
        try:
            name, value, row = json.loads(base64.urlsafe_b64decode(cursor.encode()))
            if name != self.name or type(row) is not int or not 0 <= row < 2**63:
                raise CursorInvalid(field="after")
            return self._value(value), row
        except (ValueError, TypeError, RecursionError) as exc:
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


@dataclass(frozen=True, slots=True)
class Walk:
    """The works that a scope and a filter leave, in an order."""

    scope: Scope
    sort: Sort
    where: WorkFilter
    where_library: int | None = None  # row number of ``where.library``

    def after(self, connection: sa.Connection, key: Key | None, limit: int) -> list[Key]:
        """Return up to ``limit`` keys behind ``key``, from the start where it is None."""
        found: list[Key] = []
        for null in self.sort.parts:
            if key is not None and null < (key[0] is None):
                continue
            behind = key if key is not None and null == (key[0] is None) else None
            query = self._select(null, behind, limit - len(found))
            found += [(row[0], row[1]) for row in connection.execute(query)]
            if len(found) == limit:
                break
        return found

    def page(self, connection: sa.Connection, offset: int, limit: int, count: Count) -> list[Key]:
        """Return the keys from place ``offset`` on. The far half is walked from its end."""
        found: list[Key] = []
        for null in self.sort.parts:
            there = count(null)
            wanted = min(limit - len(found), max(there - offset, 0))
            if wanted and offset > there // 2:
                query = self._select(null, None, wanted, skip=there - offset - wanted, back=True)
                found += reversed([(row[0], row[1]) for row in connection.execute(query)])
            elif wanted:
                query = self._select(null, None, wanted, skip=offset)
                found += [(row[0], row[1]) for row in connection.execute(query)]
            offset = max(offset - there, 0)
        return found

    def count_query(self, null: bool | None = None) -> sa.Select[Any]:
        """Return a query for the number of works, or of those in one part of the order."""
        if self._shelf_only and len(self.scope.libraries) == 1:
            return self._on_shelf(self.scope.libraries[0], sa.func.count())
        query = sa.select(sa.func.count()).select_from(_work).where(*self.conditions())
        if null is None or len(self.sort.parts) == 1:
            return query
        column = _COLUMNS[self.sort.field]
        return query.where(column.is_(None) if null else column.is_not(None))

    def conditions(self) -> list[sa.ColumnElement[bool]]:
        """Return the conditions on ``work`` of the scope and the filter."""
        where, found = self.where, list[sa.ColumnElement[bool]]([_work.c.shown])
        if where.needs_metadata and not self.scope.metadata:
            return [sa.false()]
        if self.scope.own_only:
            found.append(_work.c.connection_id.is_(None))
        if not self.scope.all:
            found.append(self._is_shelved(self.scope.libraries))
        if where.library is not None:
            seen = self.scope.all or self.where_library in self.scope.libraries
            libraries = (self.where_library,) if seen and self.where_library else ()
            found.append(self._is_shelved(libraries))
        if where.year is not None:
            found.append(_work.c.year == where.year)
        if where.min_rating is not None:
            found.append(_work.c.rating >= where.min_rating)
        if where.tag is not None:
            found.append(_has_text(_work.c.tags, where.tag))
        if where.genre is not None:
            found.append(_has_text(_work.c.genres, where.genre))
        if where.person is not None:
            found.append(
                _has_text(_work.c.credits, where.person) | (_work.c.director == where.person)
            )
        if where.series is not None:
            found.append(_work.c.series_id == where.series)
        if where.season is not None:
            found.append(_work.c.season == where.season)
        if where.kind is not None:
            is_film = _work.c.series_id.is_(None)
            found.append(is_film if where.kind is WorkKind.FILM else ~is_film)
        if where.availability is not None:
            seen_so = [*self.scope.sees(_video), _video.c.availability == where.availability]
            found.append(sa.exists().where(_video.c.shown_row == _work.c.row, *seen_so))
        return found

    @property
    def _shelf_only(self) -> bool:
        """Whether ``library_work`` alone knows the answer."""
        plain = self.where == WorkFilter() and self.sort.field == "title"
        few = 1 <= len(self.scope.libraries) <= _MOST_MERGED
        return plain and few and not self.scope.all

    def _is_shelved(self, libraries: Sequence[int]) -> sa.ColumnElement[bool]:
        conditions = [_shelf.c.work_row == _work.c.row, _shelf.c.library_row.in_(libraries)]
        if self.scope.own_only:
            conditions.append(_shelf.c.own)
        return sa.exists().where(*conditions)

    def _on_shelf(self, library: int, *columns: Any) -> sa.Select[Any]:
        query = sa.select(*columns).select_from(_shelf).where(_shelf.c.library_row == library)
        return query.where(_shelf.c.own) if self.scope.own_only else query

    def _select(
        self, null: bool, behind: Key | None, limit: int, *, skip: int = 0, back: bool = False
    ) -> sa.Select[Any] | sa.CompoundSelect[Any]:
        down = self.sort.descending != back
        if not self._shelf_only:
            key = _COLUMNS[self.sort.field]
            query = sa.select(key, _work.c.row).where(*self.conditions())
            if len(self.sort.parts) > 1:
                query = query.where(key.is_(None) if null else key.is_not(None))
            part = _ordered(query, sa.null() if null else key, _work.c.row, behind, down=down)
            return part.limit(limit).offset(skip)
        key, row = _shelf.c.sort_title, _shelf.c.work_row
        shelves = [
            _ordered(self._on_shelf(library, key, row), key, row, behind, down=down)
            for library in self.scope.libraries
        ]
        if len(shelves) == 1:
            return shelves[0].limit(limit).offset(skip)
        # A work may stand on several shelves: the union drops the repeats.
        parts = [shelf.limit(limit + skip).subquery() for shelf in shelves]
        merged = sa.union(*(sa.select(part) for part in parts)).subquery()
        columns = (merged.c.sort_title, merged.c.work_row)
        return _ordered(sa.select(*columns), *columns, None, down=down).limit(limit).offset(skip)


def _ordered(
    query: sa.Select[Any],
    key: sa.ColumnElement[Any],
    row: sa.ColumnElement[int],
    behind: Key | None,
    *,
    down: bool,
) -> sa.Select[Any]:
    """Order by key and row; ``behind`` skips to what follows that place."""
    by_row_alone = isinstance(key, sa.sql.elements.Null)
    columns = [row] if by_row_alone else [key, row]
    if behind is not None:
        values = [sa.literal(behind[1], row.type)]
        if not by_row_alone:
            values.insert(0, sa.literal(behind[0], key.type))
        here, there = sa.tuple_(*columns), sa.tuple_(*values)
        query = query.where(here < there if down else here > there)
    return query.order_by(*(column.desc() if down else column for column in columns))


def _has_text(column: sa.Column[Any], tag: str) -> sa.ColumnElement[bool]:
    """Return whether the JSON list of tags holds ``tag``.

    Quotes inside a JSON string follow a backslash, so an opening quote behind a bracket or a comma
    begins an element, and nothing else looks like one.
    """
    text = json.dumps(tag, ensure_ascii=False)
    tags = sa.type_coerce(column, sa.Text)
    # LIKE would not tell capitals from small letters on SQLite; what replacing changes holds it.
    first, further = (sa.func.replace(tags, f"{before}{text}", "") for before in "[,")
    return (first != tags) | (further != tags)
