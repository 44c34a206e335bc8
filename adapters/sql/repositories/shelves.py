"""What follows from the rows of the catalogue, brought up to date before a commit.

``work.shown``, ``library_work``, the terms and the counter of changes are never written anywhere
else, but for works that are new as a whole (``shelve_new``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.repositories.bulk import insert_rows
from adapters.sql.repositories.table import chunks
from adapters.sql.repositories.terms import write_terms
from domain.library.video import Availability

_work, _video, _place = schema.work, schema.video, schema.storage_location
_owner = schema.work.alias("owner")
_OWN = (
    _place.c.connection_id.is_(None)
    & _work.c.connection_id.is_(None)
    & _owner.c.connection_id.is_(None)
)
_HERE = _video.c.availability != Availability.GONE


class Shelves:
    """Remembers which works were touched; ``settle`` writes what follows."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._works: set[int] = set()
        self._new: set[int] = set()
        self._changed = False

    def touch(self, work_rows: Iterable[int]) -> None:
        """Note that videos or the title of these works changed."""
        rows = set(work_rows)
        self._works |= rows
        self._changed = self._changed or bool(rows)

    def mark_changed(self) -> None:
        """Note a change of the catalogue that moves no work to another shelf."""
        self._changed = True

    def shelve_new(self, location_row: int, rows: Sequence[tuple[str, int]], *, own: bool) -> None:
        """Put works (sort title, row) that are new and shown into their location's library."""
        library = self._connection.scalar(
            sa.select(schema.library.c.row)
            .join(_place, _place.c.library_id == schema.library.c.id)
            .where(_place.c.row == location_row)
        )
        values = [
            {"library_row": library, "sort_title": title, "work_row": row, "own": own}
            for title, row in rows
        ]
        insert_rows(self._connection, schema.library_work, values)
        self._new.update(row for _, row in rows)
        self._changed = True

    def settle(self) -> None:
        """Write everything that follows from what was noted."""
        for rows in chunks(self._works):
            self._settle(_work.c.row.in_(rows), schema.library_work.c.work_row.in_(rows))
        if self._changed:
            table = schema.node
            self._connection.execute(sa.update(table).values(changes=table.c.changes + 1))
            write_terms(self._connection, sorted(self._works | self._new))
        self._works.clear()
        self._new.clear()
        self._changed = False

    def settle_location(self, location_row: int) -> None:
        """Shelve all works of a location anew, whatever their number."""
        there = sa.select(_video.c.shown_row).where(_video.c.location_row == location_row)
        self._settle(_work.c.row.in_(there), schema.library_work.c.work_row.in_(there))
        self._changed = True

    def _settle(self, works: sa.ColumnElement[bool], shelved: sa.ColumnElement[bool]) -> None:
        here = sa.exists().where(_video.c.shown_row == _work.c.row, _HERE)
        shown = sa.update(_work).where(works, _work.c.shown != here)
        self._connection.execute(shown.values(shown=here))
        self._connection.execute(sa.delete(schema.library_work).where(shelved))
        columns = ["library_row", "sort_title", "work_row", "own"]
        insert = sa.insert(schema.library_work).from_select(columns, _wanted().where(works))
        self._connection.execute(insert)


def _wanted() -> sa.Select[Any]:
    own = sa.func.max(sa.case((_OWN, 1), else_=0)) == 1
    return (
        sa.select(schema.library.c.row, _work.c.sort_title, _work.c.row, own)
        .select_from(_work)
        .join(_video, _video.c.shown_row == _work.c.row)
        .join(_owner, _owner.c.row == _video.c.work_row)
        .join(_place, _place.c.row == _video.c.location_row)
        .join(schema.library, schema.library.c.id == _place.c.library_id)
        .where(_HERE)
        .group_by(schema.library.c.row, _work.c.sort_title, _work.c.row)
    )
