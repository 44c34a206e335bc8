"""Writing what a peer's catalogue says, a page at a time.

A page costs one look-up by remote id; records with an equal digest write nothing. New and changed
ones are written by a few statements each, whatever their number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.repositories.bulk import insert_rows, update_rows
from adapters.sql.repositories.rows import find_location, new_rows, video_values, work_values
from adapters.sql.repositories.shelves import Shelves
from adapters.sql.repositories.table import chunks
from domain.federation.remote_work import RemoteVideo, RemoteWork
from domain.ids import ConnectionId, LocationId, VideoId, WorkId
from domain.library.storage_location import StorageType
from domain.library.video import Availability, Video
from domain.library.work import Work
from domain.text import sort_key
from ports.federation.learnt import LearntCounts
from ports.ids import IdFactory

_work, _video = schema.work, schema.video


@dataclass(frozen=True, slots=True)
class _Page:
    connection_id: ConnectionId
    location_id: LocationId
    location_row: int
    storage_type: StorageType
    at: datetime


@dataclass(slots=True)
class _Written:
    """A work whose videos are to be written: where it is, and under which title it is shown."""

    id: WorkId
    row: int
    shown_row: int
    title: str
    videos: Sequence[RemoteVideo]


@dataclass(slots=True)
class _Tally:
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    rows: list[int] = field(default_factory=list)


class SqlLearntImport:
    """Works and videos of peers, keyed (connection, remote id)."""

    def __init__(self, connection: sa.Connection, shelves: Shelves, new_id: IdFactory) -> None:
        self._connection, self._shelves, self._new_id = connection, shelves, new_id

    def apply(
        self,
        connection_id: ConnectionId,
        location_id: LocationId,
        works: Sequence[RemoteWork],
        *,
        at: datetime,
    ) -> LearntCounts:
        row, kind = find_location(self._connection, location_id)
        page, tally = _Page(connection_id, location_id, row, kind, at), _Tally()
        for some in _without_repeats(works):
            self._apply(page, some, tally)
        return LearntCounts(tally.added, tally.updated, tally.unchanged, tally.rows)

    def rows_of(self, connection_id: ConnectionId, remote_ids: Sequence[str]) -> Sequence[int]:
        return [row.row for row in self._known(connection_id, remote_ids).values()]

    def iter_known(self, connection_id: ConnectionId) -> Iterator[int]:
        mine = (_work.c.connection_id == connection_id) & _work.c.digest.is_not(None)
        query, last = sa.select(_work.c.remote_id, _work.c.row).where(mine), ""
        while True:  # in pages along the unique index, so that no cursor stays open
            page = query.where(_work.c.remote_id > last).order_by(_work.c.remote_id).limit(5000)
            found = self._connection.execute(page).all()
            if not found:
                return
            yield from (each.row for each in found)
            last = found[-1].remote_id

    def remove(self, connection_id: ConnectionId, rows: Sequence[int]) -> None:
        for some in chunks(rows):
            mine = _work.c.row.in_(some) & (_work.c.connection_id == connection_id)
            found = list(self._connection.scalars(sa.select(_work.c.row).where(mine)))
            forgotten = sa.update(_work).where(_work.c.row.in_(found)).values(digest=None)
            self._connection.execute(forgotten)
            self._mark_gone(_video.c.work_row.in_(found))

    def set_offline(self, connection_id: ConnectionId) -> int:
        return self._swap(connection_id, Availability.AVAILABLE, Availability.OFFLINE)

    def set_online(self, connection_id: ConnectionId) -> int:
        return self._swap(connection_id, Availability.OFFLINE, Availability.AVAILABLE)

    def _apply(self, page: _Page, works: Sequence[RemoteWork], tally: _Tally) -> None:
        known = self._known(page.connection_id, [work.remote_id for work in works])
        new = [work for work in works if work.remote_id not in known]
        changed = [
            work
            for work in works
            if work.remote_id in known and known[work.remote_id].digest != work.digest
        ]
        numbers = dict(zip((w.remote_id for w in new), self._new_rows(len(new)), strict=True))
        tally.added += len(new)
        tally.updated += len(changed)
        tally.unchanged += len(works) - len(new) - len(changed)
        for work in works:
            stored = known.get(work.remote_id)
            tally.rows.append(numbers[work.remote_id] if stored is None else stored.row)
        written = self._insert(page, new, numbers) | self._update(page, changed, known)
        # In the order of the page: of two works that name one video, the later has it.
        kept = self._write_videos(
            page, [written[work.remote_id] for work in works if work.remote_id in written]
        )
        self._shelve(page, [written[work.remote_id] for work in new], kept)

    def _known(
        self, connection_id: ConnectionId, remote_ids: Sequence[str]
    ) -> dict[str, sa.Row[Any]]:
        columns = ("remote_id", "row", "id", "digest", "created_at", "merged_into", "version")
        query = sa.select(*(_work.c[name] for name in columns))
        mine = query.where(_work.c.connection_id == connection_id)
        return {
            row.remote_id: row
            for some in chunks(remote_ids)
            for row in self._connection.execute(mine.where(_work.c.remote_id.in_(some)))
        }

    def _new_rows(self, count: int) -> list[int]:
        return new_rows(self._connection, _work, count) if count else []

    def _insert(
        self, page: _Page, works: Sequence[RemoteWork], numbers: Mapping[str, int]
    ) -> dict[str, _Written]:
        values, written = [], {}
        for remote in works:
            work_id, row = WorkId(self._new_id()), numbers[remote.remote_id]
            work = _as_work(remote, work_id, page, created_at=page.at)
            shown = bool(remote.videos)
            value = work_values(work) | {"row": row, "digest": remote.digest, "shown": shown}
            values.append(value)
            written[remote.remote_id] = _Written(work_id, row, row, work.title, remote.videos)
        insert_rows(self._connection, _work, values)
        return written

    def _shelve(self, page: _Page, new: Sequence[_Written], kept: set[int]) -> None:
        """Shelve new works; one that lost its videos within the page is looked at again."""
        shelved = [(sort_key(work.title), work.row) for work in new if work.row in kept]
        if shelved:
            self._shelves.shelve_new(page.location_row, shelved, own=False)
        self._shelves.touch(work.row for work in new if work.videos and work.row not in kept)

    def _update(
        self, page: _Page, works: Sequence[RemoteWork], known: Mapping[str, sa.Row[Any]]
    ) -> dict[str, _Written]:
        if not works:
            return {}
        values, written = [], {}
        shown = self._shown_under([known[work.remote_id].row for work in works])
        for remote in works:
            stored = known[remote.remote_id]
            work = _as_work(remote, stored.id, page, created_at=stored.created_at)
            work.merged_into, work.version = stored.merged_into, stored.version + 1
            values.append(work_values(work) | {"digest": remote.digest, "number": stored.row})
            shown_row, title = shown.get(stored.row, (stored.row, work.title))
            title = work.title if shown_row == stored.row else title
            written[remote.remote_id] = _Written(
                stored.id, stored.row, shown_row, title, remote.videos
            )
        update_rows(self._connection, _work, values)
        self._drop_unnamed(written.values())
        self._shelves.touch(work.row for work in written.values())
        self._shelves.touch(work.shown_row for work in written.values())
        return written

    def _drop_unnamed(self, works: Collection[_Written]) -> None:
        """Mark the videos of works gone that their new records do not name."""
        named = {video.remote_id for work in works for video in work.videos}
        query = sa.select(_video.c.row, _video.c.locator)
        for some in chunks(work.row for work in works):
            there = self._connection.execute(query.where(_video.c.work_row.in_(some)))
            unnamed = [row for row, locator in there if locator not in named]
            for rows in chunks(unnamed):
                self._mark_gone(_video.c.row.in_(rows))

    def _shown_under(self, rows: Sequence[int]) -> dict[int, tuple[int, str]]:
        """Return (row, title) that the videos of works are shown under."""
        query = (
            sa.select(_video.c.work_row, _video.c.shown_row, _work.c.title)
            .join(_work, _work.c.row == _video.c.shown_row)
            .distinct()
        )
        return {
            row.work_row: (row.shown_row, row.title)
            for some in chunks(rows)
            for row in self._connection.execute(query.where(_video.c.work_row.in_(some)))
        }

    def _write_videos(self, page: _Page, works: Sequence[_Written]) -> set[int]:
        """Write videos; return the rows of works that have one. The last to name a video has it."""
        wanted = {video.remote_id: (work, video) for work in works for video in work.videos}
        stored = self._stored_videos(page, list(wanted))
        new, changed = [], []
        for remote_id, (work, remote) in wanted.items():
            old = stored.get(remote_id)
            video_id = VideoId(old.id if old else self._new_id())
            created_at = old.created_at if old else page.at
            video = _as_video(remote, video_id, work, page, created_at)
            value = video_values(video, page.storage_type, work.title) | {
                "work_row": work.row,
                "shown_row": work.shown_row,
                "location_row": page.location_row,
                "peer_has_it": remote.available,
            }
            if old is None:
                new.append(value)
            else:
                self._shelves.touch([old.shown_row])
                changed.append(value | {"number": old.row})
        insert_rows(self._connection, _video, new)
        update_rows(self._connection, _video, changed)
        return {work.row for work, _ in wanted.values()}

    def _stored_videos(self, page: _Page, remote_ids: list[str]) -> dict[str, sa.Row[Any]]:
        columns = ("locator", "row", "id", "shown_row", "created_at")
        query = sa.select(*(_video.c[name] for name in columns))
        mine = query.where(_video.c.location_row == page.location_row)
        return {
            row.locator: row
            for some in chunks(remote_ids)
            for row in self._connection.execute(mine.where(_video.c.locator.in_(some)))
        }

    def _mark_gone(self, where: sa.ColumnElement[bool]) -> None:
        touched = sa.select(_video.c.shown_row).where(where).distinct()
        self._shelves.touch(self._connection.scalars(touched))
        here = where & (_video.c.availability != Availability.GONE)
        gone = sa.update(_video).where(here).values(availability=Availability.GONE)
        self._connection.execute(gone)

    def _swap(self, connection_id: ConnectionId, old: Availability, new: Availability) -> int:
        place = schema.storage_location.c
        mine = sa.select(place.row).where(place.connection_id == connection_id)
        there = _video.c.location_row.in_(mine) & (_video.c.availability == old)
        if new is Availability.AVAILABLE:
            there &= _video.c.peer_has_it
        update = sa.update(_video).where(there).values(availability=new)
        moved = self._connection.execute(update).rowcount
        if moved:
            self._shelves.mark_changed()
        return moved


def _as_work(remote: RemoteWork, work_id: WorkId, page: _Page, *, created_at: datetime) -> Work:
    return Work(
        id=work_id,
        title=remote.title,
        created_at=created_at,
        updated_at=page.at,
        year=remote.year,
        description=remote.description,
        director=remote.director,
        rating=remote.rating,
        content_rating=remote.content_rating,
        tags=remote.tags,
        external_ids=remote.external_ids,
        connection_id=page.connection_id,
        remote_id=remote.remote_id,
    )


def _as_video(
    remote: RemoteVideo, video_id: VideoId, work: _Written, page: _Page, created_at: datetime
) -> Video:
    return Video(
        id=video_id,
        work_id=work.id,
        location_id=page.location_id,
        filename=remote.filename,
        locator=remote.remote_id,
        file_size=remote.file_size,
        signature="",
        created_at=created_at,
        updated_at=page.at,
        facts=remote.facts,
        fingerprints=remote.fingerprints,
        web_compatible=remote.web_compatible,
        availability=Availability.AVAILABLE if remote.available else Availability.OFFLINE,
        remote_id=remote.remote_id,
    )


def _without_repeats(works: Sequence[RemoteWork]) -> Iterator[list[RemoteWork]]:
    """Split a page so that no part names a record twice: a repeat counts as a later change."""
    part: dict[str, RemoteWork] = {}
    for work in works:
        if work.remote_id in part:
            yield list(part.values())
            part = {}
        part[work.remote_id] = work
    if part:
        yield list(part.values())
