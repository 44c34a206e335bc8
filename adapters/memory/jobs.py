"""Job rows."""

import copy
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from adapters.memory.database import Tables
from adapters.memory.versions import save
from domain.ids import JobId
from domain.jobs import Job, JobNotFound, JobState


class MemoryJobs:
    """Jobs by id and by key. Their arguments, progress and results go through JSON, as in SQL."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, job_id: JobId) -> Job:
        job = self._tables.jobs.get(job_id)
        if job is None:
            raise JobNotFound
        return copy.deepcopy(job)

    def add(self, job: Job) -> Job:
        live = self.find_live(job.key) if job.key is not None else None
        if live is not None:
            return live
        self._tables.jobs[job.id] = _through_json(job)
        return job

    def save(self, job: Job) -> None:
        save(self._tables.jobs, job.id, job, JobNotFound)
        self._tables.jobs[job.id] = _through_json(job)

    def lease(self, job_id: JobId, owner: str, *, now: datetime) -> Job | None:
        job = self.get(job_id)
        if not job.is_due(now):
            return None
        job.lease(owner, now=now)
        self.save(job)
        return job

    def due(self, *, now: datetime, limit: int) -> Sequence[JobId]:
        due = [job for job in self._tables.jobs.values() if job.is_due(now)]
        return [job.id for job in sorted(due, key=lambda job: (job.run_at, job.id))[:limit]]

    def running(self) -> Sequence[Job]:
        running = [job for job in self._newest_first() if job.state is JobState.RUNNING]
        return copy.deepcopy(running)

    def recent(self, *, limit: int) -> Sequence[Job]:
        return copy.deepcopy(self._newest_first()[:limit])

    def find_live(self, key: str) -> Job | None:
        live = (job for job in self._newest_first() if job.key == key and not job.is_final)
        return copy.deepcopy(next(live, None))

    def find_last(self, key: str) -> Job | None:
        return copy.deepcopy(next((job for job in self._newest_first() if job.key == key), None))

    def remove_finished(self, before: datetime) -> int:
        old = [
            job.id
            for job in self._tables.jobs.values()
            if job.finished_at is not None and job.finished_at < before
        ]
        for job_id in old:
            del self._tables.jobs[job_id]
        return len(old)

    def _newest_first(self) -> list[Job]:
        rows = self._tables.jobs.values()
        return sorted(rows, key=lambda job: (job.created_at, job.id), reverse=True)


def _through_json(job: Job) -> Job:
    twin = copy.deepcopy(job)
    twin.arguments, twin.progress = _json(job.arguments), _json(job.progress)
    twin.result = None if job.result is None else _json(job.result)
    return twin


def _json(value: Mapping[str, Any]) -> Mapping[str, Any]:
    stored: Mapping[str, Any] = json.loads(json.dumps(value, allow_nan=False))
    return stored
