"""Holding a job while it runs: one thread renews the lease and writes the progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event, Thread
from types import TracebackType
from typing import Any

from domain.errors import StaleWrite
from domain.federation.audit import AuditEntry
from domain.ids import JobId
from domain.jobs import Job, JobConflict, JobNotFound
from ports.clock import Clock
from ports.jobs import JobCancelled, JobInterrupted
from ports.unit_of_work import UnitOfWorkFactory

RENEW_S = 3.0
WRITE_S = 1.0
ATTEMPTS = 10


def change_job(
    unit_of_work: UnitOfWorkFactory,
    job_id: JobId,
    change: Callable[[Job], None],
    *,
    audit: Sequence[AuditEntry] = (),
) -> Job:
    """Read, change and save a job in its own unit of work, again where somebody else wrote first.

    Raises:
        JobNotFound: there is no such job.
        JobConflict: as ``change`` decides.
    """
    left = ATTEMPTS
    while True:
        left -= 1
        with unit_of_work() as tx:
            job = tx.jobs.get(job_id)
            change(job)
            try:
                tx.jobs.save(job)
            except StaleWrite:
                if left:
                    continue
                raise
            tx.audit.append(audit)
            tx.commit()
            return job


class Held:
    """A leased job: the context that its handler gets. Enter it while the handler runs.

    ``lost`` tells that the lease could not be renewed: another worker may have the job.
    """

    def __init__(
        self, job: Job, owner: str, unit_of_work: UnitOfWorkFactory, clock: Clock, stop: Event
    ) -> None:
        self._job_id, self._owner = job.id, owner
        self._unit_of_work, self._clock, self._stop = unit_of_work, clock, stop
        self._leased_until = job.leased_until
        self._cancelled = job.cancel_requested
        self.lost = False
        self.figures: dict[str, Any] = {}
        self._news, self._over = Event(), Event()
        self._thread = Thread(target=self._keep, name=f"lease of {job.name}", daemon=True)

    @property
    def job_id(self) -> JobId:
        """The job's id."""
        return self._job_id

    def progress(self, **figures: Any) -> None:
        """Publish how far the job is; see ``ports.jobs.JobContext``."""
        self.figures = {**self.figures, **figures}
        self._news.set()
        if self._cancelled:
            raise JobCancelled
        if self.lost or self._stop.is_set():
            raise JobInterrupted

    def __enter__(self) -> Held:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._over.set()
        self._news.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._over.wait(WRITE_S) and not self._ends_before_news():
            self._renew()

    def _ends_before_news(self) -> bool:
        """Wait until there is progress to write or the lease is to be renewed."""
        self._news.wait(RENEW_S - WRITE_S)
        self._news.clear()
        return self._over.is_set()

    def _renew(self) -> None:
        def change(job: Job) -> None:
            job.renew(self._owner, now=self._clock.now())
            job.progress = self.figures

        try:
            job = change_job(self._unit_of_work, self._job_id, change)
        except (JobConflict, JobNotFound):
            self.lost = True
        except Exception:  # noqa: BLE001 - the database is away: tried again while the lease holds
            self.lost = self._leased_until is None or self._clock.now() >= self._leased_until
        else:
            self._cancelled = job.cancel_requested
            self._leased_until = job.leased_until
