"""Job rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.mapper import RowMapper
from adapters.sql.repositories.table import VersionedTable
from domain.errors import AlreadyExists, StaleWrite
from domain.ids import JobId
from domain.jobs import Job, JobNotFound, JobState

JOB = RowMapper(Job, schema.job)
_columns = schema.job.c
_QUEUED: sa.ColumnElement[str] = sa.literal_column("'queued'")
_RUNNING: sa.ColumnElement[str] = sa.literal_column("'running'")
# Word for word the condition of the partial indexes, so that both engines use them.
_UNFINISHED = _columns.state.in_([_QUEUED, _RUNNING])
_NEWEST_FIRST = (_columns.created_at.desc(), _columns.id.desc())


class SqlJobs:
    """Jobs by id and by key."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._table = VersionedTable(connection, schema.job, JOB, JobNotFound)

    def get(self, job_id: JobId) -> Job:
        return self._table.get(job_id)

    def add(self, job: Job) -> Job:
        live = self.find_live(job.key) if job.key is not None else None
        if live is not None:
            return live
        try:
            with self._table.unique("there is such a job already"):
                self._table.insert(job)
        except AlreadyExists:  # on PostgreSQL another transaction may have been first
            live = self.find_live(job.key) if job.key is not None else None
            if live is None:
                raise
            return live
        return job

    def save(self, job: Job) -> None:
        self._table.update(job)

    def lease(self, job_id: JobId, owner: str, *, now: datetime) -> Job | None:
        job = self.get(job_id)
        if not job.is_due(now):
            return None
        job.lease(owner, now=now)
        try:
            self.save(job)
        except StaleWrite:
            return None
        return job

    def due(self, *, now: datetime, limit: int) -> Sequence[JobId]:
        waiting = (_columns.state == JobState.QUEUED) & (_columns.run_at <= now)
        lapsed = _columns.leased_until.is_(None) | (_columns.leased_until <= now)
        left = (_columns.state == JobState.RUNNING) & lapsed
        query = sa.select(_columns.id).where(_UNFINISHED, waiting | left)
        ordered = query.order_by(_columns.run_at, _columns.id).limit(limit)
        return list(self._connection.scalars(ordered))

    def running(self) -> Sequence[Job]:
        query = self._table.select.where(_UNFINISHED, _columns.state == JobState.RUNNING)
        return self._table.list(query.order_by(*_NEWEST_FIRST))

    def recent(self, *, limit: int) -> Sequence[Job]:
        return self._table.list(self._table.select.order_by(*_NEWEST_FIRST).limit(limit))

    def find_live(self, key: str) -> Job | None:
        return self._table.first(_UNFINISHED & (_columns.key == key))

    def find_last(self, key: str) -> Job | None:
        return self._table.first(_columns.key == key, *_NEWEST_FIRST)

    def remove_finished(self, before: datetime) -> int:
        ended = _columns.finished_at.is_not(None) & (_columns.finished_at < before)
        return self._connection.execute(sa.delete(schema.job).where(ended)).rowcount
