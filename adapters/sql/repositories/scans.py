"""Bulk writing of what a scan found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.repositories.bulk import insert_rows, update_rows
from adapters.sql.repositories.rows import (
    find_location,
    new_rows,
    video_values,
    work_values,
    write_external_ids,
)
from adapters.sql.repositories.shelves import Shelves
from adapters.sql.repositories.table import chunks
from adapters.sql.types import Uuid
from domain.errors import AlreadyExists
from domain.ids import LocationId, SeriesId, VideoId, WorkId
from domain.library.matching import Traits
from domain.library.storage_location import StorageType
from domain.library.video import Availability, PictureKind, Video, VideoNotFound
from domain.library.work import Work, WorkNotFound
from domain.text import sort_key
from ports.library.imports import KnownVideo

_work, _video, _place = schema.work, schema.video, schema.storage_location
_series = schema.series
_POSTER = f'["{PictureKind.POSTER.value}"'  # as it stands in the JSON of the column
_PRINTS = ("oshash", "sha256", "xxhash64")
_TRAITS = ("row", "id", "title", "year", "external_ids", "series_id", "season", "episode")
_MOST_CANDIDATES = 5000  # a chunk of what is looked for
_FIXED = {"id", "created_at", "peer_has_it"}  # columns of a video that an update leaves alone


class SqlScanImport:
    """Videos of walkable locations."""

    def __init__(self, connection: sa.Connection, shelves: Shelves) -> None:
        self._connection, self._shelves = connection, shelves
        self._places: dict[LocationId, tuple[int, StorageType]] = {}

    def known(self, location_id: LocationId, locators: Sequence[str]) -> Mapping[str, KnownVideo]:
        row, _ = self._place(location_id)
        found: dict[str, KnownVideo] = {}
        for some in chunks(locators):
            query = _known_videos().where(_video.c.location_row == row, _video.c.locator.in_(some))
            found.update(_known_video(each) for each in self._connection.execute(query))
        return found

    def candidates(self, wanted: Sequence[Traits]) -> Sequence[tuple[WorkId, Traits]]:
        own = sa.select(*(_work.c[name] for name in _TRAITS)).where(_work.c.connection_id.is_(None))
        found = []
        for rows in chunks(sorted(self._candidate_rows(wanted))):
            works = self._connection.execute(own.where(_work.c.row.in_(rows))).all()
            videos = self._videos_of(rows)
            found += [(work.id, _traits(work, videos[work.row])) for work in works]
        return sorted(found, key=itemgetter(0))

    def add(self, pairs: Sequence[tuple[Work | None, Video]]) -> None:
        new = {work.id: work for work, _ in pairs if work is not None}
        numbers = new_rows(self._connection, _work, len(new))
        rows = dict(zip(new, numbers, strict=True))
        if new:
            values = [work_values(w) | {"row": rows[w.id], "shown": False} for w in new.values()]
            insert_rows(self._connection, _work, values)
            own = [(rows[w.id], w) for w in new.values() if w.connection_id is None]
            write_external_ids(self._connection, own)
        titles = self._shown_under({video.work_id for _, video in pairs} - new.keys())
        for work_id, work in new.items():
            titles[work_id] = (rows[work_id], rows[work_id], work.title)
        self._insert_videos([video for _, video in pairs], titles)

    def update(self, videos: Sequence[Video]) -> None:
        query = sa.select(_video.c.id, _video.c.row, _video.c.shown_row, _work.c.title)
        query = query.join(_work, _work.c.row == _video.c.shown_row)
        ids = [video.id for video in videos]
        stored = {
            each.id: each
            for some in chunks(ids)
            for each in self._connection.execute(query.where(_video.c.id.in_(some)))
        }
        if len(stored) < len(set(ids)):
            raise VideoNotFound
        values = []
        for video in videos:
            found = stored[video.id]
            place, kind = self._place(video.location_id)
            new = video_values(video, kind, found.title) | {"location_row": place}
            kept = {name: value for name, value in new.items() if name not in _FIXED}
            values.append(kept | {"number": found.row})
        update_rows(self._connection, _video, values)
        self._shelves.touch(found.shown_row for found in stored.values())

    def set_availability(self, videos: Sequence[VideoId], availability: Availability) -> None:
        for some in chunks(videos):
            mine = _video.c.id.in_(some)
            query = sa.select(_video.c.shown_row).where(mine).distinct()
            self._shelves.touch(self._connection.scalars(query))
            values: dict[str, Any] = {"availability": availability}
            if availability is not Availability.OFFLINE:
                values["missing_since"] = None
            self._connection.execute(sa.update(_video).where(mine).values(values))

    def set_missing(self, videos: Sequence[VideoId], at: datetime) -> None:
        self.set_availability(videos, Availability.OFFLINE)
        for some in chunks(videos):
            new = _video.c.id.in_(some) & _video.c.missing_since.is_(None)
            self._connection.execute(sa.update(_video).where(new).values(missing_since=at))

    def set_location_offline(self, location_id: LocationId) -> int:
        row, _ = self._place(location_id)
        there = (_video.c.location_row == row) & (_video.c.availability == Availability.AVAILABLE)
        update = sa.update(_video).where(there).values(availability=Availability.OFFLINE)
        moved = self._connection.execute(update).rowcount
        if moved:
            self._shelves.mark_changed()
        return moved

    def iter_known(self, location_id: LocationId) -> Iterator[tuple[str, KnownVideo]]:
        row, _ = self._place(location_id)
        here = _known_videos().where(
            _video.c.location_row == row, _video.c.availability != Availability.GONE
        )
        last = ""
        while True:  # in pages by locator, so that no cursor stays open on the connection
            page = here.where(_video.c.locator > last).order_by(_video.c.locator).limit(1000)
            found = [_known_video(each) for each in self._connection.execute(page)]
            if not found:
                return
            yield from found
            last = found[-1][0]

    def iter_posterless(
        self, location_id: LocationId
    ) -> Iterator[tuple[VideoId, WorkId | SeriesId]]:
        row, _ = self._place(location_id)
        owner = sa.func.coalesce(_work.c.series_id, _work.c.id)
        query = sa.select(_video.c.row, _video.c.id, sa.type_coerce(owner, Uuid).label("owner_id"))
        wanting = (
            query.join(_work, _work.c.row == _video.c.work_row)
            .outerjoin(_series, _series.c.id == _work.c.series_id)
            .where(
                _video.c.location_row == row,
                _video.c.availability == Availability.AVAILABLE,
                sa.type_coerce(_video.c.pictures, sa.Text).contains(_POSTER),
                sa.func.coalesce(_series.c.poster, _work.c.poster) == "",
            )
        )
        last = 0
        while True:
            page = wanting.where(_video.c.row > last).order_by(_video.c.row).limit(1000)
            found = self._connection.execute(page).all()
            if not found:
                return
            yield from ((each.id, each.owner_id) for each in found)
            last = found[-1].row

    def count_known(self, location_id: LocationId) -> int:
        row, _ = self._place(location_id)
        here = (_video.c.location_row == row) & (_video.c.availability != Availability.GONE)
        query = sa.select(sa.func.count()).select_from(_video).where(here)
        return self._connection.scalar(query) or 0

    def _place(self, location_id: LocationId) -> tuple[int, StorageType]:
        if location_id not in self._places:
            self._places[location_id] = find_location(self._connection, location_id)
        return self._places[location_id]

    def _candidate_rows(self, wanted: Sequence[Traits]) -> set[int]:
        ids, queries = schema.external_id.c, []
        for name, values in _by_name(pair for each in wanted for pair in each.external_ids.items()):
            same = (ids.name == name) & ids.value.in_(values)
            queries.append(sa.select(ids.work_row).where(same))
        prints = (text.partition(":")[::2] for each in wanted for text in each.fingerprints)
        for kind, values in _by_name(prints):
            if kind in _PRINTS:
                same = _video.c[kind].in_(values) & _video.c.remote_id.is_(None)
                queries.append(sa.select(_video.c.work_row).where(same))
        for some in chunks({each.episode for each in wanted if each.episode is not None}):
            place = sa.tuple_(_work.c.series_id, _work.c.season, _work.c.episode)
            queries.append(sa.select(_work.c.row).where(place.in_(some)))
        titles = {sort_key(each.title) for each in wanted if each.year and not each.episode}
        own = _work.c.connection_id.is_(None) & _work.c.year.is_not(None)
        named = sa.select(_work.c.row).where(own)
        queries += [named.where(_work.c.sort_title.in_(some)) for some in chunks(titles)]
        return {row for query in queries for row in self._connection.scalars(query)}

    def _videos_of(self, work_rows: list[int]) -> Mapping[int, list[sa.Row[*tuple[Any, ...]]]]:
        query = sa.select(
            _video.c.work_row,
            *(_video.c[kind] for kind in _PRINTS),
            _place.c.id.label("location_id"),
            _place.c.library_id,
        ).join(_place, _place.c.row == _video.c.location_row)
        found: dict[int, list[sa.Row[*tuple[Any, ...]]]] = defaultdict(list)
        for row in self._connection.execute(query.where(_video.c.work_row.in_(work_rows))):
            found[row.work_row].append(row)
        return found

    def _shown_under(self, work_ids: set[WorkId]) -> dict[WorkId, tuple[int, int, str]]:
        """Return (own row, row it is shown under, title there) of stored works."""
        target, found = _work.alias("target"), {}
        columns = (_work.c.id, _work.c.row, _work.c.merged_into)
        for some in chunks(work_ids):
            query = sa.select(*columns, _work.c.title).where(_work.c.id.in_(some))
            for work in self._connection.execute(query):
                shown, title, further = work.row, work.title, work.merged_into
                while further is not None:
                    step = sa.select(target.c.row, target.c.title, target.c.merged_into)
                    above = self._connection.execute(step.where(target.c.id == further)).one()
                    shown, title, further = above
                found[work.id] = (work.row, shown, title)
        if len(found) < len(work_ids):
            raise WorkNotFound
        return found

    def _insert_videos(
        self, videos: Sequence[Video], titles: Mapping[WorkId, tuple[int, int, str]]
    ) -> None:
        values = []
        for video in videos:
            place, kind = self._place(video.location_id)
            work_row, shown_row, title = titles[video.work_id]
            numbers = {"work_row": work_row, "shown_row": shown_row, "location_row": place}
            values.append(video_values(video, kind, title) | numbers)
        if not values:
            return
        try:
            with self._connection.begin_nested():
                insert_rows(self._connection, _video, values)
        except sa.exc.IntegrityError as exc:
            raise AlreadyExists("the location has a video with that locator already") from exc
        self._shelves.touch(value["shown_row"] for value in values)


def _by_name(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    """Group values under their names, in lists short enough for one statement."""
    groups: dict[str, set[str]] = defaultdict(set)
    for name, value in pairs:
        groups[name].add(value)
    for name, values in groups.items():
        for some in chunks(values):
            yield name, some


def _known_videos() -> sa.Select[Any]:
    return sa.select(
        _video.c.locator,
        _video.c.row,
        _video.c.id,
        _work.c.id,
        _video.c.signature,
        _video.c.availability,
        _video.c.extras,
        _video.c.missing_since,
    ).join(_work, _work.c.row == _video.c.work_row)


def _known_video(row: sa.Row[*tuple[Any, ...]]) -> tuple[str, KnownVideo]:
    locator, *known = row
    return locator, KnownVideo(*known)


def _traits(work: sa.Row[*tuple[Any, ...]], videos: Sequence[sa.Row[*tuple[Any, ...]]]) -> Traits:
    return Traits(
        title=work.title,
        year=work.year,
        external_ids=work.external_ids,
        fingerprints=frozenset(
            f"{kind}:{value}"
            for video in videos
            for kind in _PRINTS
            if (value := getattr(video, kind))
        ),
        libraries=frozenset(video.library_id for video in videos),
        locations=frozenset(video.location_id for video in videos),
        episode=work.series_id and (work.series_id, work.season or 0, work.episode or 0),
    )
