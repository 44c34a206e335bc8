"""What a scope and a filter ask of works, and which index holds the works that meet it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.queries.scope import Scope, places
from adapters.sql.queries.terms import find_term
from domain.library.video import Availability
from ports.library.catalogue import TermKind, WorkFilter, WorkKind

_work, _video, _shelf, _link = schema.work, schema.video, schema.library_work, schema.work_term
_NO_CONDITION = WorkFilter()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter, with the row numbers behind its names.

    ``nowhere``: it names what nothing carries, or what the caller may not see.
    ``terms``: a row of ``term`` each, and how many works carry it.
    """

    where: WorkFilter = _NO_CONDITION
    nowhere: bool = False
    library: int | None = None
    terms: tuple[tuple[int, int], ...] = ()

    @property
    def is_narrowed(self) -> bool:
        """Whether there is any condition."""
        return self.where != _NO_CONDITION


NO_CONDITION = Wanted()


@dataclass(frozen=True, slots=True)
class Shelf:
    """Rows of works ordered by title, in a table of their own."""

    table: sa.Table
    where: Sequence[sa.ColumnElement[bool]]


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """One condition on ``work``.

    Attributes:
        holds: tells it of a row of ``work``.
        rows: selects the numbers of (at least) all rows that meet it, from an index.
        exact: ``rows`` are of shown works that meet it, all of them.
        once: no row comes twice.
        size: how many rows there are, where that is known.
        field: the order that has these works next to each other.
        shelf: the rows in the order of titles, where there is a table of them.
    """

    holds: sa.ColumnElement[bool]
    rows: sa.Select[Any]
    exact: bool = False
    once: bool = True
    size: int | None = None
    field: str = ""
    shelf: Shelf | None = None


def resolve(connection: sa.Connection, scope: Scope, where: WorkFilter) -> Wanted:
    """Look the filter's names up."""
    nowhere = where.needs_metadata and not scope.metadata
    library, terms = None, []
    if where.library is not None:
        rows = {place.library_id: place.library_row for place in places(connection).values()}
        library = rows.get(where.library)
        nowhere = nowhere or library is None or not (scope.all or library in scope.libraries)
    for kind in TermKind:
        name = getattr(where, kind)
        found = None if name is None or nowhere else find_term(connection, kind, name)
        nowhere = nowhere or (name is not None and found is None)
        terms += [] if found is None else [found]
    return Wanted(where, nowhere, library, tuple(terms))


def conditions(scope: Scope, wanted: Wanted) -> list[Condition]:
    """Return the conditions of both, but for ``work.shown``; none where all is to be seen."""
    where, found = wanted.where, list[Condition]()
    libraries = scope.libraries if wanted.library is None else (wanted.library,)
    if not scope.all or wanted.library is not None:
        found.append(_shelved(scope, libraries))
    if scope.own_only and len(libraries) != 1:
        own = _work.c.connection_id.is_(None)
        found.append(Condition(own, sa.select(_work.c.row).where(own)))
    found += [_carries(row, works) for row, works in wanted.terms]
    if where.year is not None:
        found.append(_plain(_work.c.year == where.year, "year"))
    if where.min_rating is not None:
        found.append(_plain(_work.c.rating >= where.min_rating, "rating"))
    if where.series is not None:
        found.append(_plain(_work.c.series_id == where.series))
    if where.season is not None:
        in_series = sa.select(_work.c.row).where(_work.c.series_id.is_not(None))
        found.append(Condition(_work.c.season == where.season, in_series))
    if where.kind is not None:
        is_film = _work.c.series_id.is_(None)
        found.append(_plain(is_film if where.kind is WorkKind.FILM else ~is_film))
    if where.availability is not None:
        found.append(_has_video(scope, where.availability))
    return found


def _plain(holds: sa.ColumnElement[bool], field: str = "") -> Condition:
    rows = sa.select(_work.c.row).where(_work.c.shown, holds)
    return Condition(holds, rows, exact=True, field=field)


def _shelved(scope: Scope, libraries: Sequence[int]) -> Condition:
    where: list[sa.ColumnElement[bool]] = [_shelf.c.library_row.in_(libraries)]
    if scope.own_only:
        where.append(_shelf.c.own)
    return Condition(
        sa.exists().where(_shelf.c.work_row == _work.c.row, *where),
        sa.select(_shelf.c.work_row).where(*where),
        exact=True,
        once=len(libraries) == 1,
        shelf=Shelf(_shelf, where) if len(libraries) == 1 else None,
    )


def _carries(term_row: int, works: int) -> Condition:
    carried = _link.c.term_row == term_row
    return Condition(
        sa.exists().where(_link.c.work_row == _work.c.row, carried),
        sa.select(_link.c.work_row).where(carried),
        exact=True,
        size=works,
        shelf=Shelf(_link, [carried]),
    )


def _has_video(scope: Scope, availability: Availability) -> Condition:
    so = _video.c.availability == availability
    here = [_video.c.location_row.in_(scope.locations), so]
    return Condition(
        sa.exists().where(_video.c.shown_row == _work.c.row, *scope.sees(_video), so),
        sa.select(_video.c.shown_row).where(*here).distinct(),
        exact=scope.all,
    )
