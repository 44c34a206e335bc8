"""A transaction over dictionaries, with the promises of the SQL one."""

from __future__ import annotations

from types import TracebackType

from adapters.memory.accounts import MemoryApiKeys, MemorySessions, MemoryUsers, MemoryWatchStates
from adapters.memory.audit import MemoryAuditLog
from adapters.memory.connections import MemoryConnections
from adapters.memory.database import MemoryDatabase, Tables
from adapters.memory.jobs import MemoryJobs
from adapters.memory.learnt import MemoryLearntImport
from adapters.memory.library import (
    MemoryLibraries,
    MemoryLocations,
    MemorySeries,
    MemoryVideos,
    MemoryWorks,
)
from adapters.memory.resources import (
    MemoryDevices,
    MemoryFolders,
    MemoryResourceAccounts,
    MemoryResources,
)
from adapters.memory.scans import MemoryScanImport
from domain.errors import Unavailable

WRITER_TIMEOUT_S = 10.0


class ReadOnly(RuntimeError):
    """The unit of work was begun for reading: a mistake of the program."""


class MemoryUnitOfWork:
    """Works on a snapshot; commit() makes it the database."""

    def __init__(self, database: MemoryDatabase, *, read_only: bool = False) -> None:
        self._database, self._read_only = database, read_only

    def __enter__(self) -> MemoryUnitOfWork:
        if not self._read_only and not self._database.writer.acquire(timeout=WRITER_TIMEOUT_S):
            raise Unavailable("another transaction holds the database")
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._tables = Tables()
        if not self._read_only:
            self._database.writer.release()

    def commit(self) -> None:
        """Keep everything done in the block."""
        if self._read_only:
            raise ReadOnly("a unit of work begun for reading cannot commit")
        self._database.tables = self._tables.snapshot()

    def _begin(self) -> None:
        self._tables = tables = self._database.tables.snapshot()
        self.libraries = MemoryLibraries(tables)
        self.locations = MemoryLocations(tables)
        self.works = MemoryWorks(tables)
        self.series = MemorySeries(tables)
        self.videos = MemoryVideos(tables)
        self.users = MemoryUsers(tables)
        self.sessions = MemorySessions(tables)
        self.watch_states = MemoryWatchStates(tables)
        self.api_keys = MemoryApiKeys(tables)
        self.connections = MemoryConnections(tables)
        self.audit = MemoryAuditLog(tables)
        self.jobs = MemoryJobs(tables)
        self.scans = MemoryScanImport(tables)
        self.learnt = MemoryLearntImport(tables, self._database.new_id)
        self.folders = MemoryFolders(tables)
        self.resources = MemoryResources(tables)
        self.resource_accounts = MemoryResourceAccounts(tables)
        self.devices = MemoryDevices(tables)
