"""Series as grids and their own pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.queries.conditions import NO_CONDITION, conditions
from adapters.sql.queries.cursors import read_cursor, write_cursor
from adapters.sql.queries.orders import EPISODE
from adapters.sql.queries.scope import Scope
from domain.ids import SeriesId
from ports.library.catalogue import (
    SeasonCount,
    SeriesCard,
    SeriesSlice,
    SeriesView,
)

_work, _video, _series = schema.work, schema.video, schema.series
_CURSOR = "series"
_ROWS = 1 << 32  # more than there are works


def series_cards(
    connection: sa.Connection, scope: Scope, after: str | None, limit: int
) -> SeriesSlice:
    """Return series with a visible episode, by title, behind the cursor."""
    columns = (_series.c.sort_title, _series.c.row)
    query = sa.select(_series).where(_has_episode(scope)).order_by(*columns).limit(limit + 1)
    if after is not None:
        title, row = read_cursor(after, _CURSOR, str, int)
        query = query.where(sa.tuple_(*columns) > sa.tuple_(title, row))
    found = connection.execute(query).all()
    following = None
    if len(found) > limit > 0:
        last = found[limit - 1]
        following = write_cursor(_CURSOR, last.sort_title, last.row)
    return SeriesSlice(_cards(connection, scope, found[:limit]), following)


def series_view(connection: sa.Connection, scope: Scope, series_id: SeriesId) -> SeriesView | None:
    """Return a series with its seasons, or None where no episode is visible."""
    series = connection.execute(sa.select(_series).where(_series.c.id == series_id)).first()
    counts = _seasons(connection, scope, series_id)
    if series is None or not counts:
        return None
    metadata = scope.metadata
    return SeriesView(
        id=series.id,
        title=series.title,
        year=series.year,
        description=series.description if metadata else "",
        external_ids=series.external_ids if metadata else {},
        poster=series.poster,
        locked=series.locked if metadata else frozenset(),
        version=series.version,
        seasons=tuple(SeasonCount(row[0], row[1]) for row in counts if row[0] is not None),
    )


def _has_episode(scope: Scope) -> sa.ColumnElement[bool]:
    return sa.exists().where(_work.c.series_id == _series.c.id, *_shown(scope))


def _shown(scope: Scope) -> list[sa.ColumnElement[bool]]:
    return [_work.c.shown, *(one.holds for one in conditions(scope, NO_CONDITION))]


def _seasons(
    connection: sa.Connection, scope: Scope, series_id: SeriesId
) -> Sequence[sa.Row[*tuple[Any, ...]]]:
    query = sa.select(_work.c.season, sa.func.count())
    query = query.where(_work.c.series_id == series_id, *_shown(scope))
    return connection.execute(query.group_by(_work.c.season).order_by(_work.c.season)).all()


def _cards(
    connection: sa.Connection, scope: Scope, series: Sequence[sa.Row[*tuple[Any, ...]]]
) -> list[SeriesCard]:
    """Return cards: how many episodes there are, and a picture of the first.

    Place and row of an episode make one number, so that one pass along the index knows both.
    """
    first = sa.func.min(EPISODE * _ROWS + _work.c.row)
    query = sa.select(_work.c.series_id, sa.func.count(), first).group_by(_work.c.series_id)
    wanted = query.where(_work.c.series_id.in_([one.id for one in series]), *_shown(scope))
    known = {row[0]: (row[1], row[2] % _ROWS) for row in connection.execute(wanted)}
    seen = sa.select(_video.c.shown_row, sa.func.min(_video.c.row)).where(
        _video.c.shown_row.in_([row for _, row in known.values()]), *scope.sees(_video)
    )
    firsts = seen.group_by(_video.c.shown_row).subquery()
    videos = sa.select(_video.c.shown_row, _video.c.id).join(firsts, firsts.c[1] == _video.c.row)
    pictures = {row[0]: row[1] for row in connection.execute(videos)}
    return [
        SeriesCard(
            id=one.id,
            title=one.title,
            year=one.year,
            poster=one.poster,
            episodes=known[one.id][0],
            thumbnail_video_id=pictures.get(known[one.id][1]),
        )
        for one in series
    ]
