"""Search on PostgreSQL: a text-search index of words and a trigram index of parts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from adapters.sql.queries.matches import MOST_RANKED, Source
from adapters.sql.queries.scope import Scope

# ruff: noqa: S608 - statements are made of fixed texts; all that callers say is a parameter

_FEW = 2000  # matches that are sorted whatever their age
_NEWEST = (20_000, 200_000)
_LAST = "SELECT max(row) FROM video_text"
# Word for word the expression of the index (revision 0002), or it would not be used.
_SIGNS = "!\"#$&''()*+,-./:;<=>?@[\\]^_`{|}~"
_INDEXED_WORDS = (
    "to_tsvector('simple'::regconfig,"
    f" translate(video_text.search_text, '{_SIGNS}' || chr(37), repeat(' ', 32)))"
)


class Index:
    """Both indexes, as far as a scope sees them."""

    def __init__(self, connection: sa.Connection, scope: Scope) -> None:
        self._connection, self._scope = connection, scope
        # A prepared statement's generic plan would not use the trigram index.
        connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")

    def words(self, words: Sequence[str], literals: Sequence[str]) -> _Words:
        """Match beginnings of words; ``literals`` must stand in the text."""
        wanted = " & ".join(f"'{word}':*" for word in words)
        conditions = [f"{_INDEXED_WORDS} @@ to_tsquery('simple'::regconfig, %s)"]
        conditions += ["strpos(video_text.search_text, %s) > 0" for _ in literals]
        return _Words(self._source(conditions, (wanted, *literals)), words)

    def parts(self, parts: Sequence[str]) -> _Parts:
        """Match texts that hold each part."""
        conditions = ["video_text.search_text LIKE %s" for _ in parts]
        return _Parts(self._source(conditions, tuple(f"%{_escaped(part)}%" for part in parts)))

    def _source(self, conditions: list[str], values: tuple[Any, ...]) -> Source:
        if not self._scope.all:
            conditions = [*conditions, "video_text.location_row = ANY(%s)"]
            values = (*values, list(self._scope.locations))
        if self._scope.has_strays:
            conditions.append(
                "EXISTS (SELECT 1 FROM video JOIN work ON work.row = video.shown_row"
                " WHERE video.row = video_text.row AND work.connection_id IS NULL)"
            )
        text = f"video_text WHERE {' AND '.join(conditions)}"
        return Source(self._connection, "video_text.row", text, values)


class _Parts:
    """Matches of one kind, by age.

    An index of PostgreSQL finds all matches of a word, in no order. Where they are many, those
    among the newest rows are asked for first; the inner statement keeps the planner from walking
    rows by age instead and parsing the text of each.
    """

    is_ranked = False

    def __init__(self, source: Source) -> None:
        self._source = source

    def best(self) -> list[int]:
        return self.newest(0, MOST_RANKED)

    def newest(self, offset: int, limit: int) -> list[int]:
        return [row for row, _ in self._newest(offset, limit)]

    def count(self) -> int:
        return self._total

    @cached_property
    def _total(self) -> int:
        return self._source.count()

    def _newest(self, offset: int, limit: int) -> Sequence[tuple[int, str]]:
        """Return (row, text) by age."""
        if not self._total:
            return ()
        last = self._source.rows(_LAST, ())[0] if self._total > _FEW else 0
        found: Sequence[tuple[int, str]] = ()
        for since in (*(last - newest for newest in _NEWEST if newest < last), 0):
            text = (
                f"SELECT row, search_text FROM (SELECT row, search_text FROM {self._source.text}"
                f" AND video_text.row > {since:d} OFFSET 0) AS matching"
                f" ORDER BY row DESC LIMIT {limit:d} OFFSET {offset:d}"
            )
            found = self._source.pairs(text, self._source.values)
            if len(found) == limit:
                break
        return found


class _Words(_Parts):
    """Matches of words: where they stand whole before where they only begin one, then short texts
    before long ones. ``ts_rank`` would parse every text again.
    """

    is_ranked = True

    def __init__(self, source: Source, words: Sequence[str]) -> None:
        super().__init__(source)
        self._words = words

    def best(self) -> list[int]:
        def place(match: tuple[int, str]) -> tuple[bool, int]:
            _, text = match
            spaced = f" {text} "
            return not all(f" {word} " in spaced for word in self._words), len(text)

        return [row for row, _ in sorted(self._newest(0, MOST_RANKED), key=place)]


def _escaped(part: str) -> str:
    """Return ``part`` as LIKE takes it for itself."""
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
