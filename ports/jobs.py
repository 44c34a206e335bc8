"""Background jobs: the doorbell, and what a running job may do. Rows: see the unit of work."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from domain.ids import JobId


class JobQueue(Protocol):
    """A doorbell: the job table is the truth, a lost ring only costs time."""

    def ring(self, job_id: JobId) -> None:
        """Tell some worker that a job is due. Call after the transaction that added it."""
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
