"""One transaction, and the repositories that take part in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from domain.federation.api_key import ApiKey
from domain.federation.audit import AuditEntry
from domain.federation.connection import Connection, Direction
from domain.ids import (
    ApiKeyId,
    ConnectionId,
    JobId,
    LibraryId,
    LocationId,
    SeriesId,
    UserId,
    VideoId,
    WorkId,
)
from domain.jobs import Job
from domain.library.description import EpisodeMark
from domain.library.series import Series
from domain.library.storage_location import Library, StorageLocation
from domain.library.video import Video
from domain.library.watch import WatchState
from domain.library.work import Work
from domain.people import Session, User
from ports.federation.learnt import LearntImport
from ports.library.imports import ScanImport
from ports.resources.shelves import Devices, Folders, ResourceAccounts, Resources


class Libraries(Protocol):
    """Libraries by id and by unique name."""

    def get(self, library_id: LibraryId) -> Library: ...
    def find_by_name(self, name: str) -> Library | None: ...
    def all(self) -> Sequence[Library]:
        """Return all, by name."""
        ...

    def add(self, library: Library) -> None:
        """Add; raises AlreadyExists for a taken name."""
        ...

    def save(self, library: Library) -> None: ...
    def remove(self, library_id: LibraryId) -> None:
        """Remove; raises Conflict while a location is in it."""
        ...


class StorageLocations(Protocol):
    """Locations by id and by unique name; their secrets apart."""

    def get(self, location_id: LocationId) -> StorageLocation: ...
    def find_by_name(self, name: str) -> StorageLocation | None: ...
    def find_by_connection(self, connection_id: ConnectionId) -> StorageLocation | None: ...
    def all(self) -> Sequence[StorageLocation]:
        """Return all, by name."""
        ...

    def add(self, location: StorageLocation, secrets: bytes | None = None) -> None:
        """Add; raises AlreadyExists for a taken name. ``secrets`` are sealed."""
        ...

    def save(self, location: StorageLocation) -> None: ...
    def set_secrets(self, location_id: LocationId, secrets: bytes | None) -> None: ...
    def secrets(self, location_id: LocationId) -> bytes | None: ...
    def remove(self, location_id: LocationId) -> None:
        """Remove with its videos and the works that have no other."""
        ...


class Works(Protocol):
    """Works by id; ``save`` keeps the catalogue's texts and search in step."""

    def get(self, work_id: WorkId) -> Work: ...
    def add(self, work: Work) -> None: ...
    def save(self, work: Work) -> None: ...
    def merged(self, work_id: WorkId) -> Sequence[Work]:
        """Return the works that were merged into this one, the oldest first (at most 1,000)."""
        ...


class SeriesShelf(Protocol):
    """Series by id and by what an episode's source says."""

    def get(self, series_id: SeriesId) -> Series: ...
    def find(self, mark: EpisodeMark) -> Series | None:
        """Return the oldest series that the mark means, or None."""
        ...

    def add(self, series: Series) -> None: ...
    def save(self, series: Series) -> None: ...


class Videos(Protocol):
    """Videos by id."""

    def get(self, video_id: VideoId) -> Video: ...
    def of(self, work_id: WorkId) -> Sequence[Video]:
        """Return the videos of a work itself, not those of works merged into it (at most 1,000)."""
        ...

    def move(self, video_id: VideoId, work_id: WorkId) -> None:
        """Make a video one of another work's; raises VideoNotFound, WorkNotFound."""
        ...


class Users(Protocol):
    """People by id and by name."""

    def get(self, user_id: UserId) -> User: ...
    def find(self, name: str) -> User | None:
        """Return the user of that user name or e-mail, without regard to case, or None."""
        ...

    def all(self) -> Sequence[User]: ...
    def count(self) -> int: ...
    def add(self, user: User) -> None:
        """Add; raises AlreadyExists for a taken user name or e-mail."""
        ...

    def save(self, user: User) -> None: ...
    def remove(self, user_id: UserId) -> None: ...


class Sessions(Protocol):
    """Browser sessions by the digest of their id."""

    def put(self, session: Session) -> None: ...
    def refresh(self, session: Session) -> None:
        """Write values and ``seen_at`` back; a session that has ended meanwhile stays ended."""
        ...

    def remove(self, id_digest: bytes) -> None: ...
    def remove_of(self, user_id: UserId) -> None: ...
    def remove_stale(self, seen_before: datetime) -> int: ...


class WatchStates(Protocol):
    """How far people got."""

    def find(self, user_id: UserId, video_id: VideoId) -> WatchState | None: ...
    def put(self, state: WatchState) -> None: ...


class ApiKeys(Protocol):
    """Keys by id and name; names need not be unique, lookups by name return the newest good one."""

    def get(self, key_id: ApiKeyId) -> ApiKey: ...
    def find_by_name(self, name: str) -> ApiKey | None: ...
    def all(self) -> Sequence[ApiKey]:
        """Return all, newest first."""
        ...

    def add(self, key: ApiKey) -> None: ...
    def save(self, key: ApiKey) -> None: ...
    def touch(self, key_id: ApiKeyId, *, at: datetime, address: str) -> None:
        """Remember the last use, without the version check."""
        ...


class Connections(Protocol):
    """Connections by id and name; the sealed key of an outbound one apart."""

    def get(self, connection_id: ConnectionId) -> Connection: ...
    def find_by_name(self, name: str) -> Connection | None:
        """Return the connection of that name that is not revoked, else the newest revoked one."""
        ...

    def find_by_key(self, key_id: ApiKeyId) -> Connection | None: ...
    def all(self) -> Sequence[Connection]:
        """Return all, by name."""
        ...

    def count_live(self, direction: Direction) -> int:
        """Count those that are neither rejected nor revoked."""
        ...

    def add(
        self, connection: Connection, sealed_key: bytes | None, key_digest: bytes | None
    ) -> None:
        """Add; raises AlreadyExists for a taken name or a (remote URL, key digest) in use."""
        ...

    def save(self, connection: Connection) -> None: ...
    def sealed_key(self, connection_id: ConnectionId) -> bytes | None: ...


class AuditLog(Protocol):
    """The chain, inside the transaction."""

    def append(self, entries: Sequence[AuditEntry]) -> None:
        """Chain entries to the end. Writers take turns until they commit."""
        ...


class Jobs(Protocol):
    """Job rows."""

    def get(self, job_id: JobId) -> Job: ...
    def add(self, job: Job) -> Job:
        """Add, or return the unfinished job that has the same key."""
        ...

    def save(self, job: Job) -> None: ...
    def lease(self, job_id: JobId, owner: str, *, now: datetime) -> Job | None:
        """Lease the job if it is due; None where another worker was first."""
        ...

    def due(self, *, now: datetime, limit: int) -> Sequence[JobId]:
        """Return jobs that a worker may take now, the oldest first."""
        ...

    def running(self) -> Sequence[Job]:
        """Return the jobs that some worker holds, or held when it died."""
        ...

    def recent(self, *, limit: int) -> Sequence[Job]:
        """Return jobs, newest first."""
        ...

    def find_live(self, key: str) -> Job | None:
        """Return the unfinished job with that key, or None."""
        ...

    def find_last(self, key: str) -> Job | None:
        """Return the newest job with that key, or None."""
        ...

    def remove_finished(self, before: datetime) -> int:
        """Forget jobs that ended before; return how many."""
        ...


class UnitOfWork(AbstractContextManager["UnitOfWork"], Protocol):
    """A transaction that may write. Leaving the block without commit() rolls everything back.

    ``get`` raises the entity's NotFound; ``find`` returns None; ``save`` raises StaleWrite if
    someone else wrote first. Entities handed out are copies. On SQLite writers take turns from the
    first line of the block on, so keep blocks short and free of other I/O.
    """

    @property
    def libraries(self) -> Libraries: ...
    @property
    def locations(self) -> StorageLocations: ...
    @property
    def works(self) -> Works: ...
    @property
    def series(self) -> SeriesShelf: ...
    @property
    def videos(self) -> Videos: ...
    @property
    def users(self) -> Users: ...
    @property
    def sessions(self) -> Sessions: ...
    @property
    def watch_states(self) -> WatchStates: ...
    @property
    def api_keys(self) -> ApiKeys: ...
    @property
    def connections(self) -> Connections: ...
    @property
    def audit(self) -> AuditLog: ...
    @property
    def jobs(self) -> Jobs: ...
    @property
    def scans(self) -> ScanImport: ...
    @property
    def learnt(self) -> LearntImport: ...
    @property
    def folders(self) -> Folders: ...
    @property
    def resources(self) -> Resources: ...
    @property
    def resource_accounts(self) -> ResourceAccounts: ...
    @property
    def devices(self) -> Devices: ...

    def commit(self) -> None:
        """Keep everything done in the block, at once or not at all."""
        ...


UnitOfWorkFactory = Callable[[], UnitOfWork]
"""Begins a unit of work: ``with unit_of_work() as tx``."""

ReadOnlyFactory = Callable[[], UnitOfWork]
"""Begins one that only reads: it never waits for a writer, and ``commit`` is refused."""
