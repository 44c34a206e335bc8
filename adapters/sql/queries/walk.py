"""Works in an order: behind a place, or by number of page; and how many there are."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from adapters.sql.queries.counts import Counts
from adapters.sql.queries.orders import Key
from adapters.sql.queries.prepared import Prepared
from adapters.sql.queries.ways import Walk, Way

_MOST_ENDS = 2000


class Walker:
    """Answers walks; remembers counts, and the ends of pages in one state of the catalogue."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._ends: dict[Any, Key] = {}
        self._statements: dict[Any, Prepared] = {}

    def after(
        self, connection: sa.Connection, walk: Walk, key: Key | None, limit: int
    ) -> list[Key]:
        """Return up to ``limit`` keys behind ``key``, from the start where it is None."""
        if walk.wanted.nowhere:
            return []
        found: list[Key] = []
        way = self._way(connection, walk)
        for null in walk.sort.parts:
            if key is not None and null < (key[0] is None):
                continue
            behind = key if key is not None and null == (key[0] is None) else None
            found += way.after(null, behind, limit - len(found))
            if len(found) == limit:
                break
        return found

    def page(
        self, connection: sa.Connection, walk: Walk, page: int, per_page: int
    ) -> tuple[list[Key], int]:
        """Return the keys of a numbered page, and how many works there are in all."""
        before = self._ends.get((walk, per_page, page - 1))
        if page == 1 or before is not None:
            keys = self.after(connection, walk, before, per_page + 1)
            more = len(keys) > per_page
            total = self.total(connection, walk) if more or page > 1 else len(keys)
            keys = keys[:per_page]
        else:
            total = self.total(connection, walk)
            keys = self._jump(connection, walk, (page - 1) * per_page, per_page)
        if keys:
            if len(self._ends) >= _MOST_ENDS:
                self._ends.clear()
            self._ends[walk, per_page, page] = keys[-1]
        return keys, total

    def total(self, connection: sa.Connection, walk: Walk) -> int:
        """Count the works."""
        return 0 if walk.wanted.nowhere else self._way(connection, walk).count(None)

    def _way(self, connection: sa.Connection, walk: Walk) -> Way:
        return Way(connection, walk, self._counts, self._statements)

    def _jump(self, connection: sa.Connection, walk: Walk, offset: int, limit: int) -> list[Key]:
        """Return the keys from place ``offset`` on. The far half is walked from its end."""
        if walk.wanted.nowhere:
            return []
        found: list[Key] = []
        way = self._way(connection, walk)
        for null in walk.sort.parts:
            there = way.count(null if len(walk.sort.parts) > 1 else None)
            wanted = min(limit - len(found), max(there - offset, 0))
            if wanted and offset > there // 2:
                skip = there - offset - wanted
                found += reversed(way.some(null, wanted, skip=skip, back=True))
            elif wanted:
                found += way.some(null, wanted, skip=offset)
            offset = max(offset - there, 0)
        return found
