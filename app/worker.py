"""``flask --app wsgi worker``: the process that runs background jobs."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from types import FrameType
from typing import Protocol

import click

from domain.ids import JobId
from domain.jobs import JobNotFound
from ports.jobs import JobConsumer

LOOK_S = 3.0  # how often the table is searched for jobs that nobody was told of
TIDY_S = 3600.0
SCHEDULE_S = 60.0
STOP_S = 10.0  # how long running jobs have to give themselves back
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class ChangedFolders(Protocol):
    """Asks for scans of watched folders."""

    def __call__(self) -> object:
        """Ask for those in which something changed."""
        ...

    def close(self) -> None:
        """Watch nothing any more."""
        ...


@dataclass(frozen=True, slots=True)
class Worker:
    """Runs jobs in threads until ``stop`` is set.

    Args:
        consumer: calls for each ring.
        run_job: runs one job under its lease; it gives the job back when ``stop`` is set.
        run_due: rings for jobs that were forgotten.
        tidy_up: removes what is old, now and every hour.
        scan_due: asks for scans whose time has come, now and every minute.
        scan_changed: asks for scans of folders in which something changed, every few seconds.
        report: tells the log what the worker does, and of errors that it lives through.
        threads: how many jobs run at a time.
    """

    consumer: JobConsumer
    run_job: Callable[[JobId], object]
    run_due: Callable[[], int]
    tidy_up: Callable[[], object]
    scan_due: Callable[[], object]
    scan_changed: ChangedFolders
    report: Callable[[str, BaseException | None], None]
    stop: Event
    threads: int

    def __call__(self) -> bool:
        """Work until told to stop; tell whether every running job ended or went back in time."""
        self.consumer.start(self._run, threads=self.threads)
        self.report("worker.started", None)
        tidy_at = due_at = time.monotonic()
        while True:
            self._guard(self.run_due)
            if time.monotonic() >= tidy_at:
                tidy_at = time.monotonic() + TIDY_S
                self._guard(self.tidy_up)
            if time.monotonic() >= due_at:
                due_at = time.monotonic() + SCHEDULE_S
                self._guard(self.scan_due)
            self._guard(self.scan_changed)
            if self.stop.wait(LOOK_S):
                break
            self.consumer.check()
        ended = self.consumer.stop(timeout_s=STOP_S)
        self.scan_changed.close()
        self.report("worker.stopped", None)
        return ended

    def _run(self, job_id: JobId) -> None:
        try:
            self.run_job(job_id)
        except JobNotFound:
            return  # the ring outlived its job
        except Exception as exc:  # noqa: BLE001 - the database is away; the job is still in it
            self.report("worker.job-postponed", exc)

    def _guard(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as exc:  # noqa: BLE001 - the next round may succeed
            self.report("worker.round-failed", exc)


def run_worker(worker: Worker) -> bool:
    """Run ``worker`` until SIGTERM or SIGINT; the previous handlers are put back afterwards."""

    def end(_number: int, _frame: FrameType | None) -> None:
        worker.stop.set()

    before = [(number, signal.signal(number, end)) for number in _SIGNALS]
    try:
        return worker()
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def worker_command(*, worker: Callable[[], Worker], prepare: Callable[[], None]) -> click.Command:
    """Build the command.

    Args:
        worker: builds the worker.
        prepare: refuses to go on where the database is not up to date.
    """

    @click.command("worker")
    @click.pass_context
    def work(context: click.Context) -> None:
        """Run background jobs until SIGTERM or Ctrl-C; `serve` does so too unless told not to."""
        prepare()
        context.exit(0 if run_worker(worker()) else 1)

    return work
