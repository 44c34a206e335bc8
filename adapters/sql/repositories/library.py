"""Libraries, storage locations, works and videos."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.mapper import RowMapper
from adapters.sql.repositories.rows import (
    find_location,
)
from adapters.sql.repositories.shelves import Shelves
from adapters.sql.repositories.table import VersionedTable, chunks
from domain.errors import Conflict
from domain.ids import ConnectionId, LibraryId, LocationId, WorkId
from domain.library.storage_location import (
    Library,
    LibraryNotFound,
    LocationNotFound,
    StorageLocation,
)

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
