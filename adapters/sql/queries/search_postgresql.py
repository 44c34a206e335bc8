"""Search on PostgreSQL: a text-search index of words and a trigram index of parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from adapters.sql.queries.matches import MOST_RANKED, Source
from adapters.sql.queries.scope import Scope

# ruff: noqa: S608 - statements are made of fixed texts; all that callers say is a parameter

# Word for word the expression of the index (revision 0002), or it would not be used.
_SIGNS = "!\"#$&''()*+,-./:;<=>?@[\\]^_`{|}~"
_INDEXED_WORDS = (
    "to_tsvector('simple'::regconfig,"
    f" translate(video.search_text, '{_SIGNS}' || chr(37), repeat(' ', 32)))"
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
        conditions += ["strpos(video.search_text, %s) > 0" for _ in literals]
        return _Words(self._source(conditions, (wanted, *literals)), words)

    def parts(self, parts: Sequence[str]) -> _Parts:
        """Match texts that hold each part."""
        conditions = ["video.search_text LIKE %s" for _ in parts]
        return _Parts(self._source(conditions, tuple(f"%{_escaped(part)}%" for part in parts)))

    def _source(self, conditions: list[str], values: tuple[Any, ...]) -> Source:
        conditions = [*conditions, "video.availability <> 'gone'"]
        if not self._scope.all:
            conditions.append("video.location_row = ANY(%s)")
            values = (*values, list(self._scope.locations))
        if self._scope.has_strays:
            conditions.append(
                "EXISTS (SELECT 1 FROM work"
                " WHERE work.row = video.shown_row AND work.connection_id IS NULL)"
            )
        text = f"video WHERE {' AND '.join(conditions)}"
        return Source(self._connection, "video.row", text, values)


class _Parts:
    is_ranked = False

    def __init__(self, source: Source) -> None:
        self.newest, self.count = source.newest, source.count

    def best(self) -> list[int]:
        return self.newest(0, MOST_RANKED)


class _Words:
    """Matches of words: where they stand whole before where they only begin one, then short texts
    before long ones. ``ts_rank`` would parse every text again.
    """

    is_ranked = True

    def __init__(self, source: Source, words: Sequence[str]) -> None:
        self._source, self._words = source, words
        self.newest, self.count = source.newest, source.count

    def best(self) -> list[int]:
        newest = self._source.newest_text(0, MOST_RANKED, ", video.search_text AS text")
        whole = " AND ".join("strpos(' ' || text || ' ', %s) > 0" for _ in self._words)
        text = (
            f"SELECT number FROM ({newest}) AS newest"
            f" ORDER BY NOT ({whole}), length(text), number DESC"
        )
        values = (*self._source.values, *(f" {word} " for word in self._words))
        return self._source.rows(text, values)


def _escaped(part: str) -> str:
    """Return ``part`` as LIKE takes it for itself."""
    return part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
