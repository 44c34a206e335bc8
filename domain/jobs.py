"""Background work as rows: what is asked for, who holds it, how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.errors import Conflict, NotFound
from domain.ids import JobId

LEASE = timedelta(seconds=15)
MAX_ATTEMPTS = 20


class JobNotFound(NotFound):
    """No job has this id."""

    code = "job.not-found"
    title = "No such job"


class JobConflict(Conflict):
    """The job is not in a state that allows that."""

    code = "job.conflict"
    title = "The job cannot do that now"


class JobState(StrEnum):
    """Where a job stands; the last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


FINAL = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


@dataclass(slots=True, kw_only=True)
class Job:
    """One piece of background work.

    Delivery is at least once: a worker holds a job for as long as it renews its lease, and
    another takes over when the lease runs out. So every job is idempotent.
    ``key`` is unique among unfinished jobs (one scan per location at a time).
    """

    id: JobId
    name: str
    arguments: Mapping[str, Any]
    created_at: datetime
    run_at: datetime
    key: str | None = None
    state: JobState = JobState.QUEUED
    attempts: int = 0
    lease_owner: str | None = None
    leased_until: datetime | None = None
    cancel_requested: bool = False
    progress: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None
    error: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    version: int = 0

    @classmethod
    def asked(
        cls,
        job_id: JobId,
        name: str,
        arguments: Mapping[str, Any],
        *,
        now: datetime,
        key: str | None = None,
    ) -> "Job":
        """Make a job that is due at once."""
        return cls(id=job_id, name=name, arguments=arguments, key=key, created_at=now, run_at=now)

    @property
    def is_final(self) -> bool:
        """Whether the job is over."""
        return self.state in FINAL

    def is_due(self, now: datetime) -> bool:
        """Tell whether a worker may take the job now."""
        if self.state is JobState.QUEUED:
            return self.run_at <= now
        lapsed = self.leased_until is None or self.leased_until <= now
        return self.state is JobState.RUNNING and lapsed

    def lease(self, owner: str, *, now: datetime) -> None:
        """Take the job for one lease.

        A job that keeps killing its worker is given up, and one whose end was asked for while
        its worker died ends here.
        """
        if not self.is_due(now):
            raise JobConflict(f"the job is {self.state}")
        self.attempts += 1
        self.state, self.lease_owner, self.leased_until = JobState.RUNNING, owner, now + LEASE
        self.started_at = self.started_at or now
        if self.cancel_requested:
            self._end(JobState.CANCELLED, now)
        elif self.attempts > MAX_ATTEMPTS:
            self._end(JobState.FAILED, now)
            self.error = f"given up after {MAX_ATTEMPTS} attempts"

    def renew(self, owner: str, *, now: datetime) -> None:
        """Hold on to the job for another lease."""
        self._check_owner(owner)
        self.leased_until = now + LEASE

    def orphan(self, owner: str, *, now: datetime) -> None:
        """End the lease of a worker that is known to be dead, so that another need not wait."""
        self._check_owner(owner)
        self.leased_until = now

    def finish(self, owner: str, result: Mapping[str, Any], *, now: datetime) -> None:
        """End the job with its result."""
        self._check_owner(owner)
        self.result = result
        self._end(JobState.CANCELLED if self.cancel_requested else JobState.DONE, now)

    def fail(self, owner: str, error: str, *, now: datetime) -> None:
        """End the job with what went wrong, in plain words."""
        self._check_owner(owner)
        self.error = error
        self._end(JobState.FAILED, now)

    def release(self, owner: str, *, now: datetime) -> None:
        """Give the job back unfinished, as a worker that is told to stop does."""
        self._check_owner(owner)
        self.attempts -= 1
        if self.cancel_requested:
            self._end(JobState.CANCELLED, now)
            return
        self.state, self.lease_owner, self.leased_until = JobState.QUEUED, None, None
        self.run_at = now

    def request_cancel(self, *, now: datetime) -> None:
        """Ask for an end: at once where nobody runs the job, else as soon as its worker sees it."""
        if self.is_final:
            raise JobConflict(f"the job is {self.state}")
        self.cancel_requested = True
        if self.state is JobState.QUEUED:
            self._end(JobState.CANCELLED, now)

    def _check_owner(self, owner: str) -> None:
        if self.state is not JobState.RUNNING or self.lease_owner != owner:
            raise JobConflict("another worker has the job")

    def _end(self, state: JobState, now: datetime) -> None:
        self.state, self.finished_at = state, now
        self.lease_owner = self.leased_until = None
