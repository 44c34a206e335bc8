"""Background jobs: the doorbell, and what a running job may do. Rows: see the unit of work."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from domain.ids import JobId


class JobQueue(Protocol):
    """A doorbell: the job table is the truth, a lost ring only costs time."""

    def ring(self, job_id: JobId) -> None:
        """Tell some worker that a job is due. Call after the transaction that added it."""
        ...


class JobConsumer(Protocol):
    """The threads of this process that answer the doorbell."""

    def start(self, run: Callable[[JobId], object], *, threads: int) -> None:
        """Let that many threads call ``run`` for each ring, within a second of it."""
        ...

    def check(self) -> None:
        """Start threads anew that died."""
        ...

    def stop(self, *, timeout_s: float) -> bool:
        """Take no more rings; wait for running calls; tell whether all came back in time."""
        ...


class WorkerNames(Protocol):
    """Names of processes, as the owners of leases."""

    def own(self) -> str:
        """Return the name of this process: no other process ever has it, on any machine."""
        ...

    def is_dead(self, name: str) -> bool:
        """Tell whether that process is known to be gone; False where this machine cannot know."""
        ...


class JobCancelled(Exception):
    """Raised inside a job whose end was asked for."""


class JobInterrupted(Exception):
    """Raised inside a job whose worker stops: the job goes back to the queue."""


class JobContext(Protocol):
    """What a handler gets beside its arguments."""

    @property
    def job_id(self) -> JobId:
        """The job's id."""
        ...

    def progress(self, **figures: Any) -> None:
        """Publish how far the job is (numbers and short texts); written about once a second.

        Raises:
            JobCancelled: somebody asked for the job's end.
            JobInterrupted: this worker is about to stop, or lost its lease.
        """
        ...


JobHandler = Callable[[JobContext, Mapping[str, Any]], Mapping[str, Any]]
"""Runs one kind of job: (context, arguments) -> result, both JSON objects. Idempotent."""
