"""Background jobs: asking for one, running it under a lease, picking up what was left lying."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from app.usecases.job_lease import Held, change_job
from domain.errors import DomainError
from domain.federation.audit import Actor
from domain.ids import JobId
from domain.jobs import Job, JobConflict, JobState
from ports.clock import Clock
from ports.ids import IdFactory
from ports.jobs import JobCancelled, JobHandler, JobInterrupted, JobQueue, WorkerNames
from ports.unit_of_work import ReadOnlyFactory, UnitOfWorkFactory

DUE_AT_ONCE = 100

Report = Callable[[Job, BaseException], None]
"""Tells the log of an error that is a mistake of the program."""


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Ask for a job."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    new_id: IdFactory
    queue: JobQueue

    def __call__(
        self,
        *,
        name: str,
        arguments: Mapping[str, Any],
        key: str | None = None,
    ) -> Job:
        """Return the job, or the unfinished one that has the same key."""
        now = self.clock.now()
        wanted = Job.asked(JobId(self.new_id()), name, arguments, now=now, key=key)
        with self.unit_of_work() as tx:
            job = tx.jobs.add(wanted)
            tx.commit()
        self.queue.ring(job.id)
        return job


@dataclass(frozen=True, slots=True)
class CancelJob:
    """End a job: at once where it waits, else as soon as its worker sees it."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, *, job_id: JobId, actor: Actor) -> Job:
        """Return the job; raises JobNotFound, JobConflict where it is over."""
        now = self.clock.now()
        return change_job(
            self.unit_of_work,
            job_id,
            lambda job: job.request_cancel(now=now),
            audit=[actor.did("job.cancel", str(job_id), at=now)],
        )


@dataclass(frozen=True, slots=True)
class RunJob:
    """Run one job if it is due and nobody else has it.

    A thread renews the lease and writes the progress meanwhile. When ``stop`` is set the job goes
    back to the queue, as it does when its worker is killed and the lease runs out.
    """

    unit_of_work: UnitOfWorkFactory
    read_only: ReadOnlyFactory
    clock: Clock
    new_id: IdFactory
    workers: WorkerNames
    handlers: Mapping[str, JobHandler]
    report: Report
    stop: Event = field(default_factory=Event)

    def __call__(self, job_id: JobId) -> Job:
        """Return the job as it is afterwards; raises JobNotFound."""
        owner = f"{self.workers.own()}/{self.new_id()}"
        free_dead(self.unit_of_work, self.read_only, self.workers, self.clock, job_id)
        with self.unit_of_work() as tx:
            leased = tx.jobs.lease(job_id, owner, now=self.clock.now())
            tx.commit()
        if leased is None or leased.state is not JobState.RUNNING:
            return self._read(job_id)
        held = Held(leased, owner, self.unit_of_work, self.clock, self.stop)
        try:
            end = self._run(leased, owner, held)
        except BaseException:  # Ctrl-C: the job goes back to the queue
            self._end(job_id, held, lambda job: job.release(owner, now=self.clock.now()))
            raise
        if held.lost:
            return self._read(job_id)
        return self._end(job_id, held, end)

    def _run(self, leased: Job, owner: str, held: Held) -> Callable[[Job], None]:
        """Run the handler; return what its end does to the row."""
        try:
            handler = self._handler(leased.name)
            with held:
                result = handler(held, leased.arguments)
        except JobCancelled:
            return lambda job: job.finish(owner, {}, now=self.clock.now())
        except JobInterrupted:
            return lambda job: job.release(owner, now=self.clock.now())
        except DomainError as exc:
            error = str(exc)
            return lambda job: job.fail(owner, error, now=self.clock.now())
        except Exception as exc:  # noqa: BLE001 - a job's mistake must not end the worker
            self.report(leased, exc)
            return lambda job: job.fail(owner, "internal error", now=self.clock.now())
        return lambda job: job.finish(owner, result, now=self.clock.now())

    def _handler(self, name: str) -> JobHandler:
        handler = self.handlers.get(name)
        if handler is None:
            raise JobConflict(f"nothing here runs jobs of the kind {name}")
        return handler

    def _end(self, job_id: JobId, held: Held, end: Callable[[Job], None]) -> Job:
        def change(job: Job) -> None:
            end(job)
            job.progress = held.figures

        try:
            return change_job(self.unit_of_work, job_id, change)
        except JobConflict:  # the lease was lost: whoever has it now ends the job
            return self._read(job_id)

    def _read(self, job_id: JobId) -> Job:
        with self.read_only() as tx:
            return tx.jobs.get(job_id)


@dataclass(frozen=True, slots=True)
class RunJobHere:
    """Run a job in this process, or wait for the worker that has it."""

    run_job: RunJob
    pause: Callable[[float], None] = time.sleep
    poll_s: float = 0.25

    def __call__(self, job_id: JobId) -> Job:
        """Return the job when it is over; raises JobNotFound."""
        while not (job := self.run_job(job_id)).is_final:
            self.pause(self.poll_s)
        return job


@dataclass(frozen=True, slots=True)
class RunDue:
    """Ring for every job that a worker may take: lost rings, lapsed leases, dead owners."""

    unit_of_work: UnitOfWorkFactory
    read_only: ReadOnlyFactory
    clock: Clock
    workers: WorkerNames
    queue: JobQueue

    def __call__(self) -> int:
        """Return how many jobs were due."""
        free_dead(self.unit_of_work, self.read_only, self.workers, self.clock)
        with self.read_only() as tx:
            due = tx.jobs.due(now=self.clock.now(), limit=DUE_AT_ONCE)
        for job_id in due:
            self.queue.ring(job_id)
        return len(due)


def free_dead(
    unit_of_work: UnitOfWorkFactory,
    read_only: ReadOnlyFactory,
    workers: WorkerNames,
    clock: Clock,
    only: JobId | None = None,
) -> None:
    """End the leases whose owners died on this machine, so that nobody waits for them to lapse."""
    with read_only() as tx:
        running = tx.jobs.running()
    for job in running:
        owner = job.lease_owner or ""
        if only in (None, job.id) and workers.is_dead(owner.partition("/")[0]):
            _free(unit_of_work, job.id, owner, clock)


def _free(unit_of_work: UnitOfWorkFactory, job_id: JobId, owner: str, clock: Clock) -> None:
    try:
        change_job(unit_of_work, job_id, lambda job: job.orphan(owner, now=clock.now()))
    except JobConflict:
        return  # another worker freed it first and has it already
