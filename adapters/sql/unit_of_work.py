"""The transaction, over SQLAlchemy Core."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from types import TracebackType
from uuid import UUID

import sqlalchemy as sa

from adapters.sql.database import reading, translated, writing
from adapters.sql.repositories.audit import SqlAuditLog
from adapters.sql.repositories.federation import SqlApiKeys, SqlConnections
from adapters.sql.repositories.jobs import SqlJobs
from adapters.sql.repositories.learnt import SqlLearntImport
from adapters.sql.repositories.library import SqlLibraries, SqlLocations
from adapters.sql.repositories.people import SqlSessions, SqlUsers, SqlWatchStates
from adapters.sql.repositories.resources import (
    SqlDevices,
    SqlFolders,
    SqlResourceAccounts,
    SqlResources,
)
from adapters.sql.repositories.scans import SqlScanImport
from adapters.sql.repositories.shelves import Shelves
from adapters.sql.repositories.works import SqlSeries, SqlVideos, SqlWorks
from ports.federation.audit import Checkpoints
from ports.ids import IdFactory

_log = logging.getLogger(__name__)


class ReadOnly(RuntimeError):
    """The unit of work was begun for reading: a mistake of the program."""


class SqlUnitOfWork:
    """One connection and one transaction per ``with`` block; never shared by threads.

    Args:
        engine: of the database.
        new_id: makes the ids of works and videos that are learnt from peers.
        checkpoints: get the head of the audit chain after each commit that appended to it.
    """

    def __init__(
        self, engine: sa.Engine, *, new_id: IdFactory, checkpoints: Checkpoints | None = None
    ) -> None:
        self._engine, self._new_id, self._checkpoints = writing(engine), new_id, checkpoints

    def __enter__(self) -> SqlUnitOfWork:
        with ExitStack() as stack:
            stack.enter_context(translated())
            connection = stack.enter_context(self._engine.connect())
            self._transaction = connection.begin()
            self._bind(connection)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, exc, tb)  # rolls back what commit() did not keep

    def commit(self) -> None:
        """Keep everything done in the block."""
        self._shelves.settle()
        self._transaction.commit()
        if self._checkpoints is not None and self.audit.head is not None:
            try:
                self._checkpoints.write(self.audit.head)
            except OSError as exc:
                # What was committed stays committed; the next checkpoint covers this one.
                _log.warning("the audit checkpoint was not written: %s", exc.strerror)

    def _bind(self, connection: sa.Connection) -> None:
        self._shelves = shelves = Shelves(connection)
        self.libraries = SqlLibraries(connection, shelves)
        self.locations = SqlLocations(connection, shelves)
        self.works = SqlWorks(connection, shelves)
        self.series = SqlSeries(connection)
        self.videos = SqlVideos(connection, shelves)
        self.users = SqlUsers(connection)
        self.sessions = SqlSessions(connection)
        self.watch_states = SqlWatchStates(connection)
        self.api_keys = SqlApiKeys(connection)
        self.connections = SqlConnections(connection)
        self.audit = SqlAuditLog(connection)
        self.jobs = SqlJobs(connection)
        self.scans = SqlScanImport(connection, shelves)
        self.learnt = SqlLearntImport(connection, shelves, self._new_id)
        self.folders = SqlFolders(connection)
        self.resources = SqlResources(connection)
        self.resource_accounts = SqlResourceAccounts(connection)
        self.devices = SqlDevices(connection)


class SqlReadOnly(SqlUnitOfWork):
    """A unit of work that never waits for a writer and cannot commit."""

    def __init__(self, engine: sa.Engine) -> None:
        super().__init__(engine, new_id=_no_new_id)
        self._engine = reading(engine)

    def commit(self) -> None:
        """Refuse: nothing was to be written."""
        raise ReadOnly("a unit of work begun for reading cannot commit")


def _no_new_id() -> UUID:
    raise ReadOnly("a unit of work begun for reading makes nothing new")
