"""Finding videos by title and file name.

Words and their beginnings first; where that finds nothing, parts of words. The newest thousand
matches of words are ranked, further ones follow by age, as do parts: ranking all of a frequent word
costs too much. Counting stops at ten thousand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from adapters.sql.queries import search_postgresql, search_sqlite
from adapters.sql.queries.matches import MOST_RANKED, Matches
from adapters.sql.queries.scope import Scope
from domain.library.search_query import SearchQuery


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of videos, best first, and how many match (at most 10,000)."""

    rows: Sequence[int]
    total: int


class Search:
    """One query in one scope and one state of the database."""

    def __init__(self, connection: sa.Connection, scope: Scope, query: SearchQuery) -> None:
        self._query = query
        on_postgresql = connection.dialect.name == "postgresql"
        engine = search_postgresql if on_postgresql else search_sqlite
        self._index = engine.Index(connection, scope)

    def page(self, offset: int, limit: int) -> Found:
        """Return the matches from place ``offset`` on."""
        for matches in self._ways():
            found = _page(matches, offset, limit)
            if found.total:
                return found
        return Found([], 0)

    def best(self) -> Sequence[int]:
        """Return the rows of the newest matches, best first."""
        return next(filter(None, (matches.best() for matches in self._ways())), [])

    def _ways(self) -> Iterator[Matches]:
        if self._query.words:
            yield self._index.words(self._query.words, self._query.literals)
        if self._query:
            yield self._index.parts((*self._query.words, *self._query.literals))


def _page(matches: Matches, offset: int, limit: int) -> Found:
    if not matches.is_ranked:
        rows = matches.newest(offset, limit + 1)
        is_last = len(rows) <= limit and (rows or offset == 0)
        return Found(rows[:limit], offset + len(rows) if is_last else matches.count())
    best = matches.best()
    if len(best) < MOST_RANKED:
        return Found(best[offset : offset + limit], len(best))
    rows = best[offset : offset + limit]
    if len(rows) < limit:
        rows += matches.newest(max(offset, MOST_RANKED), limit - len(rows))
    return Found(rows, matches.count())
