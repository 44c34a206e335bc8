"""Search on SQLite: two FTS5 indexes, of words and of three-letter parts.

They hold no video that is gone, and in a column of its own where each one is (revision 0006), so
they alone answer whatever is asked in whole words or parts of three letters and more.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from adapters.sql.queries.matches import MOST_RANKED, Source
from adapters.sql.queries.scope import Scope

# ruff: noqa: S608 - statements are made of fixed texts; all that callers say is a parameter

_PART = 3  # shorter parts of words are in no index
_FIRST_PLACE = 0xF0000  # a location's mark is this character of private use and its row number on
_MOST_PLACES = 300  # more of them are looked up in the rows
_GREATEST_PLACE = 65_000


class Index:
    """Both indexes, as far as a scope sees them."""

    def __init__(self, connection: sa.Connection, scope: Scope) -> None:
        self._connection, self._scope = connection, scope
        places = scope.locations
        self._has_marks = len(places) <= _MOST_PLACES and max(places, default=0) < _GREATEST_PLACE

    def words(self, words: Sequence[str], literals: Sequence[str]) -> _Words:
        """Match beginnings of words; ``literals`` must stand in the text."""
        beginnings = " AND ".join(f'"{word}"*' for word in words)
        wholes = " AND ".join(f'"{word}"' for word in words)
        begun = self._source("video_text_word", beginnings, literals)
        return _Words(begun, self._source("video_text_word", wholes, literals))

    def parts(self, parts: Sequence[str]) -> _Parts:
        """Match texts that hold each part."""
        indexed = [part for part in parts if len(part) >= _PART]
        short = [part for part in parts if len(part) < _PART]
        if indexed:
            wanted = " AND ".join('"' + part.replace('"', '""') + '"' for part in indexed)
            return _Parts(self._source("video_text_part", wanted, short))
        seen, values = self._seen()
        text, more = _with_literals(f"video WHERE {seen}", short)
        return _Parts(Source(self._connection, "video.row", text, (*values, *more)))

    def _source(self, index: str, wanted: str, literals: Sequence[str]) -> Source:
        if not self._scope.all and self._has_marks:
            marks = " OR ".join(
                f'"{chr(_FIRST_PLACE + row) * _PART}"' for row in self._scope.locations
            )
            wanted = f"search_text : ({wanted}) AND place : ({marks or chr(_FIRST_PLACE)})"
        else:
            wanted = f"search_text : ({wanted})"
        text, values, row = f"{index} WHERE {index} MATCH ?", (wanted,), "rowid"
        looks = bool(literals) or self._scope.has_strays
        if looks or not (self._scope.all or self._has_marks):
            seen, more = self._seen()
            row = f"{index}.rowid"
            text = f"{index} JOIN video ON video.row = {row} WHERE {index} MATCH ? AND {seen}"
            values = (*values, *more)
        text, stand = _with_literals(text, literals)
        return Source(self._connection, row, text, (*values, *stand))

    def _seen(self) -> tuple[str, tuple[Any, ...]]:
        """Return the condition for a video to be visible, with its parameters."""
        here, values = "video.availability <> 'gone'", tuple[Any, ...]()
        if not self._scope.all:
            # The sum keeps SQLite from walking all videos of a location instead of the index.
            here += " AND video.location_row + 0 IN (SELECT value FROM json_each(?))"
            values = (json.dumps(self._scope.locations),)
        if self._scope.has_strays:
            here += (
                " AND EXISTS (SELECT 1 FROM work"
                " WHERE work.row = video.shown_row AND work.connection_id IS NULL)"
            )
        return here, values


class _Parts:
    is_ranked = False

    def __init__(self, source: Source) -> None:
        self.newest, self.count = source.newest, source.count

    def best(self) -> list[int]:
        return self.newest(0, MOST_RANKED)


class _Words:
    """Matches of words: where they stand whole before where they only begin one, then short texts
    before long ones. FTS5's own rank would read every match, however many there are.
    """

    is_ranked = True

    def __init__(self, begun: Source, whole: Source) -> None:
        self._begun, self._whole = begun, whole
        self.newest, self.count = begun.newest, begun.count

    def best(self) -> list[int]:
        newest = self._begun.newest_text(0, MOST_RANKED)
        text = (
            f"SELECT number FROM ({newest}) AS newest"
            " JOIN video_text_word_docsize AS length ON length.id = number"
            " ORDER BY length.sz, number DESC"
        )
        rows = self._begun.rows(text, self._begun.values)
        whole = set(self._whole.newest(0, MOST_RANKED)) if len(rows) > 1 else set()
        return sorted(rows, key=lambda row: row not in whole)


def _with_literals(text: str, literals: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    stand = "".join(" AND instr(video.search_text, ?) > 0" for _ in literals)
    return text + stand, tuple(literals)
