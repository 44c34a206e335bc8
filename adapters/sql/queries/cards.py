"""Works as grids and their own pages show them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.queries.scope import Scope, places
from domain.ids import SeriesId, UserId, WorkId
from domain.library.description import episode_code
from domain.library.video import Availability
from ports.library.catalogue import SeriesRef, VideoView, WorkCard, WorkView

_work, _video, _state, _place, _peer, _series = (
    schema.work,
    schema.video,
    schema.watch_state,
    schema.storage_location,
    schema.connection,
    schema.series,
)
_ROWS: sa.BindParameter[Any] = sa.bindparam("rows", expanding=True)
_CARD_VIDEOS = (
    sa.select(
        _video.c.shown_row,
        _video.c.row,
        _video.c.id,
        _video.c.duration,
        _video.c.availability,
        _peer.c.name.label("source"),
    )
    .join(_place, _place.c.row == _video.c.location_row)
    .outerjoin(_peer, _peer.c.id == _place.c.connection_id)
    .where(_video.c.shown_row.in_(_ROWS))
    .order_by(_video.c.row)
)
_CARD_WORKS = (
    sa.select(
        _work.c.row,
        _work.c.id,
        _work.c.title,
        _work.c.year,
        _work.c.poster,
        _work.c.season,
        _work.c.episode,
        _series.c.title.label("series_title"),
    )
    .outerjoin(_series, _series.c.id == _work.c.series_id)
    .where(_work.c.row.in_(_ROWS))
)
_VIEW_COLUMNS = (
    "row",
    "location_row",
    "id",
    "filename",
    "file_size",
    "duration",
    "width",
    "height",
    "video_codec",
    "audio_codec",
    "container",
    "web_compatible",
    "availability",
    "subtitles",
)


def work_cards(
    connection: sa.Connection, scope: Scope, rows: Sequence[int], viewer: UserId | None
) -> list[WorkCard]:
    """Return the cards of works in the order of ``rows``."""
    if not rows:
        return []
    videos: dict[int, list[sa.Row[*tuple[Any, ...]]]] = defaultdict(list)
    for video in connection.execute(_CARD_VIDEOS.where(*scope.sees(_video)), {"rows": rows}):
        videos[video.shown_row].append(video)
    numbers = [video.row for some in videos.values() for video in some]
    states = _states(connection, numbers, viewer)
    works = {work.row: work for work in connection.execute(_CARD_WORKS, {"rows": rows})}
    return [_card(works[row], videos[row], states) for row in rows if row in works and videos[row]]


def begun_works(connection: sa.Connection, scope: Scope, viewer: UserId, limit: int) -> list[int]:
    """Return rows of works whose last touched video is begun and unfinished, latest first."""
    query = (
        sa.select(_video.c.shown_row, _state.c.position, _state.c.watched)
        .join_from(_state, _video, _video.c.row == _state.c.video_row)
        .join(_work, _work.c.row == _video.c.shown_row)
        .where(_state.c.user_id == viewer, *scope.sees(_video))
        .order_by(_state.c.updated_at.desc(), _video.c.shown_row.desc())
    )
    if scope.own_only:
        query = query.where(_work.c.connection_id.is_(None))
    last: dict[int, bool] = {}
    for row, position, watched in connection.execute(query):
        last.setdefault(row, position > 0 and not watched)
        if sum(last.values()) == limit:
            break
    return [row for row, begun in last.items() if begun]


def work_view(
    connection: sa.Connection, scope: Scope, work_id: WorkId, viewer: UserId | None
) -> WorkView | None:
    """Return a work with its visible videos, or None where none is visible."""
    work = connection.execute(sa.select(_work).where(_work.c.id == work_id)).first()
    if work is None or (scope.own_only and work.connection_id is not None):
        return None
    query = sa.select(*(_video.c[name] for name in _VIEW_COLUMNS))
    query = query.where(_video.c.shown_row == work.row, *scope.sees(_video))
    videos = connection.execute(query.order_by(_video.c.row)).all()
    if not videos:
        return None
    where, metadata = places(connection), scope.metadata
    states = _states(connection, [video.row for video in videos], viewer)
    views = []
    for video in videos:
        place, state = where[video.location_row], states.get(video.row)
        seen = {name: getattr(video, name) for name in _VIEW_COLUMNS[2:]}
        view = VideoView(
            **seen,
            storage_type=place.storage_type,
            location_name=place.name,
            library_name=place.library_name,
            source=place.source,
            position=state.position if state else 0.0,
            watched=bool(state and state.watched),
        )
        views.append(view)
    return WorkView(
        id=work.id,
        title=work.title,
        year=work.year,
        description=work.description if metadata else "",
        director=work.director if metadata else "",
        rating=work.rating if metadata else None,
        content_rating=work.content_rating,
        tags=work.tags if metadata else (),
        created_at=work.created_at,
        videos=tuple(views),
        genres=work.genres if metadata else (),
        credits=work.credits if metadata else (),
        external_ids=work.external_ids if metadata else {},
        series=_series_ref(connection, work.series_id),
        season=work.season if metadata else None,
        episode=work.episode if metadata else None,
        poster=work.poster,
        locked=work.locked if metadata else frozenset(),
        version=work.version,
    )


def _series_ref(connection: sa.Connection, series_id: SeriesId | None) -> SeriesRef | None:
    if series_id is None:
        return None
    query = sa.select(_series.c.title).where(_series.c.id == series_id)
    return SeriesRef(series_id, connection.execute(query).scalar_one())


def _states(
    connection: sa.Connection, video_rows: Sequence[int], viewer: UserId | None
) -> Mapping[int, sa.Row[*tuple[Any, ...]]]:
    if viewer is None or not video_rows:
        return {}
    query = sa.select(_state).where(_state.c.user_id == viewer, _state.c.video_row.in_(_ROWS))
    return {row.video_row: row for row in connection.execute(query, {"rows": video_rows})}


def _card(work: Any, videos: Sequence[Any], states: Mapping[int, Any]) -> WorkCard:
    durations = {video.row: video.duration for video in videos}
    mine = [states[video.row] for video in videos if video.row in states]
    state = max(mine, key=lambda each: each.updated_at, default=None)
    share = None
    if state is not None and (duration := durations[state.video_row]):
        share = min(state.position / duration, 1.0)
    return WorkCard(
        id=work.id,
        title=work.title,
        year=work.year,
        duration=max((d for d in durations.values() if d is not None), default=None),
        thumbnail_video_id=videos[0].id,
        available=any(video.availability is Availability.AVAILABLE for video in videos),
        sources=tuple(sorted({video.source for video in videos if video.source})),
        position_share=share,
        watched=state is not None and state.watched,
        poster=work.poster,
        series_title=work.series_title or "",
        episode_code=_episode_code(work.season, work.episode),
    )


def _episode_code(season: int | None, episode: int | None) -> str:
    return "" if season is None or episode is None else episode_code(season, episode)
