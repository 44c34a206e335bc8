"""Libraries, storage locations, works and videos."""

import copy
from collections.abc import Sequence
from dataclasses import replace

from adapters.memory.database import Tables
from adapters.memory.versions import save
from domain.errors import AlreadyExists, Conflict
from domain.ids import ConnectionId, LibraryId, LocationId, SeriesId, VideoId, WorkId
from domain.library.description import EpisodeMark
from domain.library.series import Series, SeriesNotFound
from domain.library.storage_location import (
    Library,
    LibraryNotFound,
    LocationNotFound,
    StorageLocation,
)
from domain.library.video import Video, VideoNotFound
from domain.library.work import Work, WorkNotFound


class MemoryLibraries:
    """Libraries by id and by unique name."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, library_id: LibraryId) -> Library:
        library = self._tables.libraries.get(library_id)
        if library is None:
            raise LibraryNotFound
        return copy.deepcopy(library)

    def find_by_name(self, name: str) -> Library | None:
        return next((library for library in self.all() if library.name == name), None)

    def all(self) -> Sequence[Library]:
        rows = self._tables.libraries.values()
        return copy.deepcopy(sorted(rows, key=lambda row: (row.name, row.id)))

    def add(self, library: Library) -> None:
        self._check_name(library)
        self._tables.libraries[library.id] = copy.deepcopy(library)

    def save(self, library: Library) -> None:
        self._check_name(library)
        save(self._tables.libraries, library.id, library, LibraryNotFound)

    def remove(self, library_id: LibraryId) -> None:
        self.get(library_id)
        if any(place.library_id == library_id for place in self._tables.locations.values()):
            raise Conflict("the library still has storage locations")
        del self._tables.libraries[library_id]
        for key in copy.deepcopy(list(self._tables.api_keys.values())):
            key.libraries -= {library_id}
            self._tables.api_keys[key.id] = key

    def _check_name(self, library: Library) -> None:
        same = self.find_by_name(library.name)
        if same is not None and same.id != library.id:
            raise AlreadyExists(f"there is a library called {library.name} already")


class MemoryLocations:
    """Locations by id and by unique name; their secrets apart."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, location_id: LocationId) -> StorageLocation:
        location = self._tables.locations.get(location_id)
        if location is None:
            raise LocationNotFound
        return copy.deepcopy(location)

    def find_by_name(self, name: str) -> StorageLocation | None:
        return next((location for location in self.all() if location.name == name), None)

    def find_by_connection(self, connection_id: ConnectionId) -> StorageLocation | None:
        return next((row for row in self.all() if row.connection_id == connection_id), None)

    def all(self) -> Sequence[StorageLocation]:
        rows = self._tables.locations.values()
        return copy.deepcopy(sorted(rows, key=lambda row: (row.name, row.id)))

    def add(self, location: StorageLocation, secrets: bytes | None = None) -> None:
        self._check(location)
        self._tables.locations[location.id] = copy.deepcopy(location)
        self.set_secrets(location.id, secrets)

    def save(self, location: StorageLocation) -> None:
        self._check(location)
        save(self._tables.locations, location.id, location, LocationNotFound)

    def set_secrets(self, location_id: LocationId, secrets: bytes | None) -> None:
        self.get(location_id)
        if secrets is None:
            self._tables.location_secrets.pop(location_id, None)
        else:
            self._tables.location_secrets[location_id] = secrets

    def secrets(self, location_id: LocationId) -> bytes | None:
        self.get(location_id)
        return self._tables.location_secrets.get(location_id)

    def remove(self, location_id: LocationId) -> None:
        self.get(location_id)
        tables = self._tables
        touched = set()
        for video in list(tables.videos.values()):
            if video.location_id == location_id:
                touched |= {video.work_id, end_of_merges(tables, video.work_id).id}
                del tables.videos[video.id], tables.video_rows[video.id]
                for key in [k for k in tables.watch_states if k[1] == video.id]:
                    del tables.watch_states[key]
        needed = {video.work_id for video in tables.videos.values()}
        needed |= {end_of_merges(tables, work_id).id for work_id in needed}
        for work_id in touched - needed:
            for other in [row for row in tables.works.values() if row.merged_into == work_id]:
                onward = tables.works[work_id].merged_into
                tables.works[other.id] = replace(other, merged_into=onward)
            del tables.works[work_id], tables.work_rows[work_id]
            tables.learnt.pop(work_id, None)
        self.set_secrets(location_id, None)
        del tables.locations[location_id]

    def _check(self, location: StorageLocation) -> None:
        same = self.find_by_name(location.name)
        if same is not None and same.id != location.id:
            raise AlreadyExists(f"there is a location called {location.name} already")
        if location.library_id not in self._tables.libraries:
            raise LibraryNotFound


class MemoryWorks:
    """Works by id."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, work_id: WorkId) -> Work:
        work = self._tables.works.get(work_id)
        if work is None:
            raise WorkNotFound
        return copy.deepcopy(work)

    def add(self, work: Work) -> None:
        self._tables.works[work.id] = copy.deepcopy(work)
        self._tables.work_rows[work.id] = max(self._tables.work_rows.values(), default=0) + 1

    def save(self, work: Work) -> None:
        self._check_merge(work)
        save(self._tables.works, work.id, work, WorkNotFound)

    def merged(self, work_id: WorkId) -> Sequence[Work]:
        rows = [work for work in self._tables.works.values() if work.merged_into == work_id]
        return copy.deepcopy(sorted(rows, key=lambda work: self._tables.work_rows[work.id]))

    def _check_merge(self, work: Work) -> None:
        if work.merged_into is not None:
            self.get(work.merged_into)
            tables = self._tables.snapshot()
            tables.works[work.id] = work
            end_of_merges(tables, work.id)


def end_of_merges(tables: Tables, work_id: WorkId) -> Work:
    """Return the work that a work's videos are shown under; raise Conflict for a circle."""
    work = tables.works[work_id]
    while work.merged_into is not None:
        work = tables.works[work.merged_into]
        if work.id == work_id:
            raise Conflict("a work cannot be merged into itself")
    return work


class MemorySeries:
    """Series by id and by what an episode's source says."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, series_id: SeriesId) -> Series:
        series = self._tables.series.get(series_id)
        if series is None:
            raise SeriesNotFound
        return copy.deepcopy(series)

    def find(self, mark: EpisodeMark) -> Series | None:
        found = (one for one in self._tables.series.values() if one.is_meant_by(mark))
        return copy.deepcopy(next(found, None))

    def add(self, series: Series) -> None:
        self._tables.series[series.id] = copy.deepcopy(series)

    def save(self, series: Series) -> None:
        save(self._tables.series, series.id, series, SeriesNotFound)


class MemoryVideos:
    """Videos by id."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, video_id: VideoId) -> Video:
        video = self._tables.videos.get(video_id)
        if video is None:
            raise VideoNotFound
        return copy.deepcopy(video)

    def of(self, work_id: WorkId) -> Sequence[Video]:
        rows = [video for video in self._tables.videos.values() if video.work_id == work_id]
        return copy.deepcopy(sorted(rows, key=lambda video: self._tables.video_rows[video.id]))

    def move(self, video_id: VideoId, work_id: WorkId) -> None:
        video = self.get(video_id)
        if work_id not in self._tables.works:
            raise WorkNotFound
        self._tables.videos[video_id] = replace(video, work_id=work_id)
