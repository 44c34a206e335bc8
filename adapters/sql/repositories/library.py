"""Libraries, storage locations, works and videos."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.mapper import RowMapper
from adapters.sql.repositories.rows import (
    VIDEO,
    VIDEO_SOURCE,
    WORK,
    find_location,
    search_text,
    work_values,
)
from adapters.sql.repositories.shelves import Shelves
from adapters.sql.repositories.table import VersionedTable, chunks
from domain.errors import Conflict
from domain.ids import ConnectionId, LibraryId, LocationId, VideoId, WorkId
from domain.library.storage_location import (
    Library,
    LibraryNotFound,
    LocationNotFound,
    StorageLocation,
)
from domain.library.video import Video, VideoNotFound
from domain.library.work import Work, WorkNotFound

LIBRARY = RowMapper(Library, schema.library)
LOCATION = RowMapper(StorageLocation, schema.storage_location)


class SqlLibraries:
    """Libraries by id and by unique name."""

    def __init__(self, connection: sa.Connection, shelves: Shelves) -> None:
        self._connection, self._shelves = connection, shelves
        self._table = VersionedTable(connection, schema.library, LIBRARY, LibraryNotFound)

    def get(self, library_id: LibraryId) -> Library:
        return self._table.get(library_id)

    def find_by_name(self, name: str) -> Library | None:
        return self._table.first(schema.library.c.name == name)

    def all(self) -> Sequence[Library]:
        rows = self._table.list(self._table.select)
        return sorted(rows, key=lambda row: (row.name, row.id))

    def add(self, library: Library) -> None:
        with self._table.unique(f"there is a library called {library.name} already"):
            self._table.insert(library)
        self._shelves.mark_changed()

    def save(self, library: Library) -> None:
        with self._table.unique(f"there is a library called {library.name} already"):
            self._table.update(library)

    def remove(self, library_id: LibraryId) -> None:
        self.get(library_id)
        table = schema.storage_location
        used = sa.select(sa.exists().where(table.c.library_id == library_id))
        if self._connection.scalar(used):
            raise Conflict("the library still has storage locations")
        self._withdraw_grants(library_id)
        self._table.delete(library_id)
        self._shelves.mark_changed()

    def _withdraw_grants(self, library_id: LibraryId) -> None:
        keys = schema.api_key
        for key_id, granted in self._connection.execute(sa.select(keys.c.id, keys.c.libraries)):
            if library_id in granted:
                left = sa.update(keys).where(keys.c.id == key_id)
                self._connection.execute(left.values(libraries=granted - {library_id}))


class SqlLocations:
    """Locations by id and by unique name; their secrets apart."""

    def __init__(self, connection: sa.Connection, shelves: Shelves) -> None:
        self._connection, self._shelves = connection, shelves
        self._table = VersionedTable(
            connection, schema.storage_location, LOCATION, LocationNotFound
        )

    def get(self, location_id: LocationId) -> StorageLocation:
        return self._table.get(location_id)

    def find_by_name(self, name: str) -> StorageLocation | None:
        return self._table.first(schema.storage_location.c.name == name)

    def find_by_connection(self, connection_id: ConnectionId) -> StorageLocation | None:
        columns = schema.storage_location.c
        return self._table.first(columns.connection_id == connection_id, columns.name)

    def all(self) -> Sequence[StorageLocation]:
        rows = self._table.list(self._table.select)
        return sorted(rows, key=lambda row: (row.name, row.id))

    def add(self, location: StorageLocation, secrets: bytes | None = None) -> None:
        self._check_library(location)
        with self._table.unique(f"there is a location called {location.name} already"):
            self._table.insert(location, secrets=secrets)
        self._shelves.mark_changed()

    def save(self, location: StorageLocation) -> None:
        self._check_library(location)
        moved = self.get(location.id).library_id != location.library_id
        with self._table.unique(f"there is a location called {location.name} already"):
            self._table.update(location)
        if moved:
            row, _ = find_location(self._connection, location.id)
            self._shelves.settle_location(row)

    def set_secrets(self, location_id: LocationId, secrets: bytes | None) -> None:
        table = schema.storage_location
        kept = sa.update(table).where(table.c.id == location_id).values(secrets=secrets)
        if self._connection.execute(kept).rowcount != 1:
            raise LocationNotFound

    def secrets(self, location_id: LocationId) -> bytes | None:
        table = schema.storage_location
        query = sa.select(table.c.secrets).where(table.c.id == location_id)
        row = self._connection.execute(query).first()
        if row is None:
            raise LocationNotFound
        sealed: bytes | None = row[0]
        return sealed

    def remove(self, location_id: LocationId) -> None:
        row, _ = find_location(self._connection, location_id)
        video = schema.video
        query = sa.select(video.c.work_row, video.c.shown_row).distinct()
        touched = {
            number
            for pair in self._connection.execute(query.where(video.c.location_row == row))
            for number in pair
        }
        self._connection.execute(sa.delete(video).where(video.c.location_row == row))
        for numbers in chunks(touched):
            self._remove_empty(numbers)
        self._shelves.touch(touched)
        self._table.delete(location_id)

    def _remove_empty(self, numbers: list[int]) -> None:
        work, video = schema.work, schema.video
        having = sa.exists().where(video.c.work_row == work.c.row)
        showing = sa.exists().where(video.c.shown_row == work.c.row)
        query = sa.select(work.c.row, work.c.id).where(work.c.row.in_(numbers), ~having, ~showing)
        empty = self._connection.execute(query).all()
        rows, ids = [each.row for each in empty], [each.id for each in empty]
        for table in (schema.external_id, schema.library_work):
            self._connection.execute(sa.delete(table).where(table.c.work_row.in_(rows)))
        self._relink(ids)
        self._connection.execute(sa.delete(work).where(work.c.row.in_(rows)))

    def _relink(self, ids: list[WorkId]) -> None:
        """Let what was merged into works that go follow where those were merged into, if at all."""
        work, parent = schema.work, schema.work.alias("parent")
        orphans = work.c.merged_into.in_(ids) & work.c.id.not_in(ids)
        onward = sa.select(parent.c.merged_into).where(parent.c.id == work.c.merged_into)
        update = sa.update(work).where(orphans).values(merged_into=onward.scalar_subquery())
        while self._connection.execute(update).rowcount:
            pass

    def _check_library(self, location: StorageLocation) -> None:
        known = sa.select(sa.exists().where(schema.library.c.id == location.library_id))
        if not self._connection.scalar(known):
            raise LibraryNotFound


class SqlWorks:
    """Works by id; ``save`` keeps pages and search in step."""

    def __init__(self, connection: sa.Connection, shelves: Shelves) -> None:
        self._connection, self._shelves = connection, shelves
        self._table = VersionedTable(connection, schema.work, WORK, WorkNotFound)

    def get(self, work_id: WorkId) -> Work:
        return self._table.get(work_id)

    def add(self, work: Work) -> None:
        self._table.insert(work, **work_values(work), shown=False)
        if work.connection_id is None:
            write_external_ids(self._connection, [(self._row(work.id), work)])

    def save(self, work: Work) -> None:
        stored = self.get(work.id)
        self._table.update(work, **work_values(work))
        # The text holds the fields after the version was counted up, and the version is not in it.
        row = self._row(work.id)
        if work.connection_id is None and stored.external_ids != work.external_ids:
            table = schema.external_id
            self._connection.execute(sa.delete(table).where(table.c.work_row == row))
            write_external_ids(self._connection, [(row, work)])
        if stored.merged_into != work.merged_into:
            self._show_videos(row, self._target(work))
        elif stored.title != work.title:
            self._retitle(row, work.title)
        self._shelves.touch([row])

    def _row(self, work_id: WorkId) -> int:
        table = schema.work
        row: int | None = self._connection.scalar(
            sa.select(table.c.row).where(table.c.id == work_id)
        )
        if row is None:
            raise WorkNotFound
        return row

    def _target(self, work: Work) -> Work:
        """Return the work at the end of the chain of merges."""
        seen = {work.id}
        while work.merged_into is not None:
            work = self.get(work.merged_into)
            if work.id in seen:
                raise Conflict("a work cannot be merged into itself")
            seen.add(work.id)
        return work

    def _show_videos(self, row: int, target: Work) -> None:
        """Show the videos of a work, and of those merged into it, under ``target``."""
        table, video = schema.work, schema.video
        target_row, following = self._row(target.id), [row]
        while following:
            mine = video.c.work_row.in_(following)
            before = sa.select(video.c.shown_row).where(mine).distinct()
            self._shelves.touch(self._connection.scalars(before))
            self._connection.execute(sa.update(video).where(mine).values(shown_row=target_row))
            parents = sa.select(table.c.id).where(table.c.row.in_(following))
            children = sa.select(table.c.row).where(table.c.merged_into.in_(parents))
            following = list(self._connection.scalars(children))
        self._shelves.touch([target_row])
        self._retitle(target_row, target.title)

    def _retitle(self, row: int, title: str) -> None:
        video = schema.video
        query = sa.select(video.c.row, video.c.filename).where(video.c.shown_row == row)
        texts = [
            {"number": number, "text": search_text(title, filename)}
            for number, filename in self._connection.execute(query)
        ]
        if texts:
            update = sa.update(video).where(video.c.row == sa.bindparam("number"))
            self._connection.execute(update.values(search_text=sa.bindparam("text")), texts)


class SqlVideos:
    """Videos by id."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, video_id: VideoId) -> Video:
        query = sa.select(*VIDEO.columns).select_from(VIDEO_SOURCE)
        row = self._connection.execute(query.where(schema.video.c.id == video_id)).first()
        if row is None:
            raise VideoNotFound
        return VIDEO.load(row)


def write_external_ids(connection: sa.Connection, works: Sequence[tuple[int, Work]]) -> None:
    """Write down by which ids of other catalogues own works are known."""
    values = [
        {"work_row": row, "name": name, "value": value}
        for row, work in works
        for name, value in work.external_ids.items()
    ]
    if values:
        connection.execute(sa.insert(schema.external_id), values)
