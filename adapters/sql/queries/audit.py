"""Reading the audit chain, and adding to it without making the caller wait."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.database import DatabaseUnavailable, translated, writing
from adapters.sql.queries.snapshot import Snapshots
from adapters.sql.repositories.audit import ENTRY, SqlAuditLog
from domain.federation.audit import AuditEntry, ChainedEntry
from ports.federation.audit import Checkpoints

_audit = schema.audit
_PAGE = 1000
_MOST_WAITING = 10_000
_BATCH = 500
_GATHER_S = 0.2
_RETRY_S = 1.0
_log = logging.getLogger(__name__)


class SqlAuditReader:
    """Reads the chain."""

    def __init__(self, engine: sa.Engine) -> None:
        self._snapshots = Snapshots(engine)

    def iter_chain(self) -> Iterator[ChainedEntry]:
        query, last = _entries().order_by(_audit.c.number).limit(_PAGE), 0
        while True:
            with self._snapshots.open() as connection:
                rows = connection.execute(query.where(_audit.c.number > last)).all()
            if not rows:
                return
            yield from map(_chained, rows)
            last = rows[-1].number

    def page(
        self,
        *,
        before: int | None,
        limit: int,
        action: str = "",
        actor: str = "",
        target: str = "",
    ) -> Sequence[ChainedEntry]:
        query = _entries().order_by(_audit.c.number.desc()).limit(limit)
        if before is not None:
            query = query.where(_audit.c.number < before)
        for column, start in ((_audit.c.action, action), (_audit.c.actor, actor)):
            if start:
                query = query.where(sa.func.substr(column, 1, len(start)) == start)
        if target:
            query = query.where(_audit.c.target == target)
        with self._snapshots.open() as connection:
            return [_chained(row) for row in connection.execute(query)]


class SqlAuditTrail:
    """Gathers notes; one thread per process writes them, many in one transaction.

    The thread starts with the first note, so that a fork in between costs nothing. Where the
    database is busy it tries again; what waits longer than the queue holds makes callers wait.
    """

    def __init__(self, engine: sa.Engine, *, checkpoints: Checkpoints | None = None) -> None:
        self._engine, self._checkpoints = writing(engine), checkpoints
        self._starting = threading.Lock()
        self._process = 0
        self._notes: queue.Queue[AuditEntry | None] = queue.Queue(_MOST_WAITING)
        known = weakref.WeakMethod(self._leave_to_parent)

        def leave_to_parent() -> None:
            if (leave := known()) is not None:
                leave()

        os.register_at_fork(after_in_child=leave_to_parent)

    def note(self, entry: AuditEntry) -> None:
        self._start()
        self._notes.put(entry)

    def flush(self) -> None:
        """Return when every note taken so far is in the chain."""
        if self._process == os.getpid():
            self._notes.join()

    def close(self) -> None:
        """Write what waits and stop the thread; a later note starts it again."""
        with self._starting:
            if self._process != os.getpid():
                return
            self._notes.put(None)
            self._thread.join()
            self._process = 0

    def _leave_to_parent(self) -> None:
        self._starting, self._process = threading.Lock(), 0
        self._notes = queue.Queue(_MOST_WAITING)

    def _start(self) -> None:
        if self._process == os.getpid():
            return
        with self._starting:
            if self._process != os.getpid():
                self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
                self._process = os.getpid()
                self._thread.start()

    def _run(self) -> None:
        notes, stopping = self._notes, False
        while not stopping:
            batch = [notes.get()]
            if batch[0] is not None and notes.empty():
                time.sleep(_GATHER_S)
            while len(batch) < _BATCH and batch[-1] is not None and not notes.empty():
                batch.append(notes.get())
            stopping = batch[-1] is None
            self._write([entry for entry in batch if entry is not None])
            for _ in batch:
                notes.task_done()

    def _write(self, entries: list[AuditEntry]) -> None:
        while entries:
            try:
                with translated(), self._engine.connect() as connection:
                    log = SqlAuditLog(connection)
                    log.append(entries)
                    connection.commit()
            except DatabaseUnavailable:
                _log.warning("audit entries wait for the database: %d", len(entries))
                time.sleep(_RETRY_S)
                continue
            except Exception:  # noqa: BLE001 - the thread must outlive any one batch
                _log.exception("audit entries lost: %d", len(entries))
                return
            if self._checkpoints is not None and log.head is not None:
                self._keep(log)
            return

    def _keep(self, log: SqlAuditLog) -> None:
        try:
            if self._checkpoints is not None and log.head is not None:
                self._checkpoints.write(log.head)
        except Exception:  # noqa: BLE001 - the next commit writes a newer one
            _log.exception("the audit checkpoint was not written")


def _entries() -> sa.Select[Any]:
    return sa.select(_audit.c.number, _audit.c.entry_hash, *ENTRY.columns)


def _chained(row: Sequence[Any]) -> ChainedEntry:
    number, entry_hash, *entry = row
    return ChainedEntry(number, ENTRY.load(entry), entry_hash)
