"""The read side over SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.queries.admin import missing_videos
from adapters.sql.queries.cards import begun_works, work_cards, work_view
from adapters.sql.queries.conditions import conditions, resolve
from adapters.sql.queries.counts import Counts
from adapters.sql.queries.cursors import read_cursor, write_cursor
from adapters.sql.queries.documents import video_documents, visible_videos, work_documents
from adapters.sql.queries.export import export_lines
from adapters.sql.queries.orders import Key, Sort
from adapters.sql.queries.scope import Scope, Scopes
from adapters.sql.queries.search import Search
from adapters.sql.queries.series import series_cards, series_view
from adapters.sql.queries.snapshot import Snapshots
from adapters.sql.queries.targets import StreamTargets
from adapters.sql.queries.terms import found_terms
from adapters.sql.queries.walk import Walker
from adapters.sql.queries.ways import Walk
from domain.ids import LibraryId, LocationId, SeriesId, UserId, VideoId, WorkId
from domain.library.search_query import parse_query
from domain.library.video import Availability
from ports.library.catalogue import (
    EPISODE_SORT,
    CardSlice,
    CursorInvalid,
    DocumentPage,
    DocumentSlice,
    MissingSlice,
    SeriesSlice,
    SeriesView,
    StreamTarget,
    Term,
    TermKind,
    Totals,
    Visibility,
    WorkCard,
    WorkFilter,
    WorkView,
)

_work, _video, _place, _library = (
    schema.work,
    schema.video,
    schema.storage_location,
    schema.library,
)
_NO_CONDITION = WorkFilter()


class SqlCatalogue:
    """Answers from the last committed state.

    Counts are remembered until the next change of the catalogue, and so are the ends of pages: who
    turns page after page never makes the database count its way there.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._snapshots, self._scopes = Snapshots(engine), Scopes()
        self._targets, self._counts = StreamTargets(engine), Counts()
        self._walker = Walker(self._counts)

    def totals(self, seen_by: Visibility) -> Totals:
        with self._snapshots.open() as connection:
            scope = self._scopes.resolve(connection, seen_by)
            walk = Walk(scope, Sort("title"))
            works = self._walker.total(connection, walk)
            videos, size = self._counts.get(
                ("totals", scope.lasting), scope.changes, lambda: _sizes(connection, scope)
            )
        return Totals(works, videos, size)

    def works_page(
        self,
        seen_by: Visibility,
        *,
        page: int,
        per_page: int,
        sort: str = "title",
        where: WorkFilter = _NO_CONDITION,
    ) -> DocumentPage:
        with self._snapshots.open() as connection:
            walk = self._walk(connection, seen_by, sort, where)
            keys, total = self._walker.page(connection, walk, page, per_page)
            documents = work_documents(connection, walk.scope, [key[1] for key in keys])
        more = bool(keys) and page * per_page < total
        return DocumentPage(documents, total, walk.sort.cursor(keys[-1]) if more else None)

    def works_after(
        self,
        seen_by: Visibility,
        *,
        after: str | None,
        limit: int,
        sort: str = "title",
        where: WorkFilter = _NO_CONDITION,
    ) -> DocumentSlice:
        with self._snapshots.open() as connection:
            walk = self._walk(connection, seen_by, sort, where)
            keys, following = self._slice(connection, walk, after, limit)
            documents = work_documents(connection, walk.scope, [key[1] for key in keys])
        return DocumentSlice(documents, following)

    def work(self, seen_by: Visibility, work_id: WorkId) -> str | None:
        with self._snapshots.open() as connection:
            scope = self._scopes.resolve(connection, seen_by)
            query = visible_videos(scope, [_work.c.row]).where(_work.c.id == work_id)
            row = connection.scalar(query.limit(1))
            return None if row is None else work_documents(connection, scope, [row])[0]

    def video(self, seen_by: Visibility, video_id: VideoId) -> str | None:
        with self._snapshots.open() as connection:
            scope = self._scopes.resolve(connection, seen_by)
            query = visible_videos(scope, [_video.c.row]).where(_video.c.id == video_id)
            row = connection.scalar(query)
            return None if row is None else video_documents(connection, [row])[0]

    def search_videos(
        self, seen_by: Visibility, query: str, *, page: int, per_page: int
    ) -> DocumentPage:
        with self._snapshots.open() as connection:
            scope = self._scopes.resolve(connection, seen_by)
            search = Search(connection, scope, parse_query(query))
            found = search.page((page - 1) * per_page, per_page)
            return DocumentPage(video_documents(connection, found.rows), found.total)

    def stream_target(self, seen_by: Visibility, video_id: VideoId) -> StreamTarget | None:
        return self._targets.find(seen_by, video_id)

    def cards(
        self,
        seen_by: Visibility,
        *,
        viewer: UserId | None,
        after: str | None,
        limit: int,
        sort: str = "title",
        where: WorkFilter = _NO_CONDITION,
        query: str = "",
    ) -> CardSlice:
        with self._snapshots.open() as connection:
            walk = self._walk(connection, seen_by, sort, where)
            if query.strip():
                found = _matching_works(connection, walk, query)
                (start,) = (0,) if after is None else read_cursor(after, "best", int)
                rows, end = found[start : start + limit], start + limit
                following = write_cursor("best", end) if end < len(found) else None
            else:
                keys, following = self._slice(connection, walk, after, limit)
                rows = [key[1] for key in keys]
            return CardSlice(work_cards(connection, walk.scope, rows, viewer), following)

    def continue_watching(
        self, seen_by: Visibility, *, viewer: UserId, limit: int
    ) -> Sequence[WorkCard]:
        with self._snapshots.open() as connection:
            scope = self._scopes.resolve(connection, seen_by)
            rows = begun_works(connection, scope, viewer, limit)
            return work_cards(connection, scope, rows, viewer)

    def work_view(
        self, seen_by: Visibility, work_id: WorkId, *, viewer: UserId | None
    ) -> WorkView | None:
        with self._snapshots.open() as connection:
            scope = self._scopes.resolve(connection, seen_by)
            return work_view(connection, scope, work_id, viewer)

    def terms(self, kind: TermKind, *, starts: str = "", limit: int) -> Sequence[Term]:
        with self._snapshots.open() as connection:
            return found_terms(connection, kind, starts, limit)

    def series_cards(self, seen_by: Visibility, *, after: str | None, limit: int) -> SeriesSlice:
        with self._snapshots.open() as connection:
            scope = self._scopes.resolve(connection, seen_by)
            return series_cards(connection, scope, after, limit)

    def series_view(self, seen_by: Visibility, series_id: SeriesId) -> SeriesView | None:
        with self._snapshots.open() as connection:
            scope = self._scopes.resolve(connection, seen_by)
            return series_view(connection, scope, series_id)

    def missing(self, location_id: LocationId, *, after: str | None, limit: int) -> MissingSlice:
        with self._snapshots.open() as connection:
            return missing_videos(connection, location_id, after, limit)

    def export(self, seen_by: Visibility, *, where: WorkFilter = _NO_CONDITION) -> Iterator[bytes]:
        return export_lines(
            self._snapshots.open,
            lambda connection: self._walk(connection, seen_by, "created_at", where),
        )

    def library_counts(self) -> Mapping[LibraryId, Totals]:
        counts: Mapping[LibraryId, Totals] = self._counts_by(_library.c.id)
        return counts

    def location_counts(self) -> Mapping[LocationId, Totals]:
        counts: Mapping[LocationId, Totals] = self._counts_by(_place.c.id)
        return counts

    def _counts_by(self, place: sa.Column[Any]) -> dict[Any, Totals]:
        here = _video.c.availability != Availability.GONE
        works = sa.func.count(_video.c.shown_row.distinct())
        size = sa.func.coalesce(sa.func.sum(_video.c.file_size), 0)
        query = (
            sa.select(place, works, sa.func.count(_video.c.row), size)
            .select_from(_library)
            .outerjoin(_place, _place.c.library_id == _library.c.id)
            .outerjoin(_video, (_video.c.location_row == _place.c.row) & here)
            .where(place.is_not(None))
            .group_by(place)
        )
        with self._snapshots.open() as connection:
            changes = connection.scalar(sa.select(schema.node.c.changes)) or 0
            return self._counts.get(
                place.table.name,
                changes,
                lambda: {
                    row[0]: Totals(row[1], row[2], int(row[3])) for row in connection.execute(query)
                },
            )

    def _walk(
        self, connection: sa.Connection, seen_by: Visibility, sort: str, where: WorkFilter
    ) -> Walk:
        if sort == EPISODE_SORT and where.series is None:
            raise CursorInvalid("the order of episodes needs a series", field="sort")
        scope = self._scopes.resolve(connection, seen_by)
        return Walk(scope, Sort(sort), resolve(connection, scope, where))

    def _slice(
        self, connection: sa.Connection, walk: Walk, after: str | None, limit: int
    ) -> tuple[list[Key], str | None]:
        start = None if after is None else walk.sort.read(after)
        keys = self._walker.after(connection, walk, start, limit + 1)
        more = len(keys) > limit > 0
        return keys[:limit], walk.sort.cursor(keys[limit - 1]) if more else None


def _sizes(connection: sa.Connection, scope: Scope) -> tuple[int, int]:
    """Count visible videos and their bytes."""
    figures = (sa.func.count(), sa.func.coalesce(sa.func.sum(_video.c.file_size), 0))
    query = sa.select(*figures).where(*scope.sees(_video, by_location=True))
    if scope.own_only:
        query = query.join(_work, _work.c.row == _video.c.shown_row)
        query = query.where(_work.c.connection_id.is_(None))
    videos, size = connection.execute(query).one()
    return videos, int(size)


def _matching_works(connection: sa.Connection, walk: Walk, query: str) -> list[int]:
    """Return rows of works that the query finds and the filter leaves, best first."""
    videos = Search(connection, walk.scope, parse_query(query)).best()
    if not videos:
        return []
    pairs = sa.select(_video.c.row, _video.c.shown_row).where(_video.c.row.in_(videos))
    shown = {row[0]: row[1] for row in connection.execute(pairs)}
    works = list(dict.fromkeys(shown[video] for video in videos))
    if walk.wanted.nowhere:
        return []
    holding = (one.holds for one in conditions(walk.scope, walk.wanted))
    left = sa.select(_work.c.row).where(_work.c.row.in_(works), _work.c.shown, *holding)
    kept = set(connection.scalars(left))
    return [work for work in works if work in kept]
