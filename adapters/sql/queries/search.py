"""Finding videos by title and file name.

Words and their beginnings first; where that finds nothing, parts of words. The newest thousand
matches are ranked, further ones follow by age: ranking all of a frequent word costs too much.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.queries.documents import visible_videos
from adapters.sql.queries.scope import Scope
from domain.library.search_query import SearchQuery

MOST_COUNTED = 10_000
MOST_RANKED = 1_000
_PART = 3  # shorter parts of words are in no index
_video = schema.video
# Word for word the expression of the index (revision 0002), or PostgreSQL would not use it.
_SIGNS = "!\"#$&''()*+,-./:;<=>?@[\\]^_`{|}~"
_INDEXED_WORDS = (
    "to_tsvector('simple'::regconfig,"
    f" translate(video.search_text, '{_SIGNS}' || chr(37), repeat(' ', 32)))"
)
_words = sa.table("video_text_word", sa.column("rowid"), sa.column("rank"))
_parts = sa.table("video_text_part", sa.column("rowid"), sa.column("rank"))


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of videos, best first, and how many match (at most 10,000)."""

    rows: Sequence[int]
    total: int


class Search:
    """One query in one scope and one state of the database."""

    def __init__(self, connection: sa.Connection, scope: Scope, query: SearchQuery) -> None:
        self._connection, self._scope, self._query = connection, scope, query
        self._on_postgresql = connection.dialect.name == "postgresql"
        if self._on_postgresql:
            # A prepared statement's generic plan would not use the trigram index.
            connection.execute(sa.text("SET LOCAL plan_cache_mode = force_custom_plan"))

    def page(self, offset: int, limit: int) -> Found:
        """Return the matches from place ``offset`` on."""
        for matching in self._ways():
            ranked = self._ranked(matching)
            if len(ranked) < MOST_RANKED:
                total, rows = len(ranked), ranked[offset : offset + limit]
            else:
                total, rows = self._count(matching), self._rows(matching, ranked, offset, limit)
            if total:
                return Found(rows, total)
        return Found([], 0)

    def best(self) -> Sequence[int]:
        """Return the rows of the ranked matches, best first."""
        return next(filter(None, map(self._ranked, self._ways())), [])

    def _ways(self) -> Iterator[sa.Select[Any]]:
        if self._query.words:
            yield self._by_word()
        if self._query:
            yield self._by_part()

    def _by_word(self) -> sa.Select[Any]:
        if self._on_postgresql:
            text: sa.ColumnElement[Any] = sa.literal_column(_INDEXED_WORDS)
            wanted = " & ".join(f"'{word}':*" for word in self._query.words)
            asked = sa.func.to_tsquery(sa.literal_column("'simple'::regconfig"), wanted)
            query = self._visible([_video.c.row, sa.func.ts_rank(text, asked).label("rank")]).where(
                text.op("@@")(asked)
            )
            return self._with_literals(query, self._query.literals)
        wanted = " AND ".join(f'"{word}"*' for word in self._query.words)
        return self._with_literals(self._matching(_words, wanted), self._query.literals)

    def _by_part(self) -> sa.Select[Any]:
        parts = (*self._query.words, *self._query.literals)
        if self._on_postgresql:
            query = self._visible([_video.c.row, sa.literal(0).label("rank")])
            for part in parts:
                query = query.where(_video.c.search_text.contains(part, autoescape=True))
            return query
        indexed = [part for part in parts if len(part) >= _PART]
        if not indexed:
            query = self._visible([_video.c.row, sa.literal(0).label("rank")])
            return self._with_literals(query, parts)
        wanted = " AND ".join('"' + part.replace('"', '""') + '"' for part in indexed)
        short = [part for part in parts if len(part) < _PART]
        return self._with_literals(self._matching(_parts, wanted), short)

    def _matching(self, index: sa.TableClause, wanted: str) -> sa.Select[Any]:
        # The index itself is walked backwards by its own row numbers.
        row = index.c.rowid.label("row")
        query = self._visible([row, index.c.rank.label("rank")])
        query = query.join(index, index.c.rowid == _video.c.row)
        match = sa.literal_column(index.name).op("MATCH")(wanted)
        return query.where(match)

    def _visible(self, columns: Sequence[Any]) -> sa.Select[Any]:
        if self._scope.own_only:
            return visible_videos(self._scope, columns)
        return sa.select(*columns).select_from(_video).where(*self._scope.sees(_video))

    def _with_literals(self, query: sa.Select[Any], parts: Sequence[str]) -> sa.Select[Any]:
        place = sa.func.strpos if self._on_postgresql else sa.func.instr
        return query.where(*(place(_video.c.search_text, part) > 0 for part in parts))

    def _count(self, matching: sa.Select[Any]) -> int:
        some = matching.with_only_columns(sa.literal(1)).limit(MOST_COUNTED).subquery()
        return self._connection.scalar(sa.select(sa.func.count()).select_from(some)) or 0

    def _ranked(self, matching: sa.Select[Any]) -> list[int]:
        """Return the newest matches, the best of them first."""
        newest = matching.order_by(matching.selected_columns["row"].desc()).limit(MOST_RANKED)
        best = newest.subquery()
        better = best.c.rank.desc() if self._on_postgresql else best.c.rank
        ranked = sa.select(best.c.row).order_by(better, best.c.row.desc())
        return [row[0] for row in self._connection.execute(ranked).all()]

    def _rows(
        self, matching: sa.Select[Any], ranked: list[int], offset: int, limit: int
    ) -> list[int]:
        rows = ranked[offset : offset + limit]
        if len(rows) < limit:
            older = matching.order_by(matching.selected_columns["row"].desc())
            older = older.offset(max(offset, MOST_RANKED)).limit(limit - len(rows))
            rows += [row[0] for row in self._connection.execute(older).all()]
        return rows
