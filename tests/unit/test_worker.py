"""The worker process: rounds, tidying, and a clean stop."""

import os
import signal
import threading
import time

import pytest
from click.testing import CliRunner

from adapters.jobs.huey_queue import HueyJobQueue
from app import worker as worker_module
from app.worker import Worker, run_worker, worker_command
from domain.jobs import JobNotFound


class Changed:
    """Counts its calls."""

    def __init__(self):
        self.calls, self.closed = 0, False

    def __call__(self):
        self.calls += 1

    def close(self):
        self.closed = True


@pytest.fixture
def queue():
    return HueyJobQueue.in_memory()


@pytest.fixture
def notes():
    return []


@pytest.fixture
def make(queue, notes, monkeypatch):
    monkeypatch.setattr(worker_module, "LOOK_S", 0.02)

    def make(**more):
        values = {
            "consumer": queue,
            "run_job": lambda job_id: None,
            "run_due": lambda: 0,
            "tidy_up": lambda: None,
            "scan_due": lambda: 0,
            "scan_changed": Changed(),
            "report": lambda event, exc: notes.append((event, exc)),
            "stop": threading.Event(),
            "threads": 1,
        }
        return Worker(**{**values, **more})

    return make


def events(notes):
    return [event for event, _ in notes]


def test_rings_are_answered_until_told_to_stop(make, queue, notes, new_id):
    stop, ran = threading.Event(), []
    worker = make(stop=stop, run_job=lambda job_id: ran.append(job_id) or stop.set())
    job_id = new_id()
    queue.ring(job_id)
    assert worker()
    assert ran == [job_id]
    assert events(notes) == ["worker.started", "worker.stopped"]


def test_the_table_is_searched_again_and_again_and_tidied_at_first(make):
    stop, rounds, tidied = threading.Event(), [], []

    def look():
        rounds.append(1)
        if len(rounds) == 3:
            stop.set()
        return 0

    assert make(stop=stop, run_due=look, tidy_up=lambda: tidied.append(1))()
    assert (len(rounds), len(tidied)) == (3, 1)


def test_a_database_that_is_away_ends_nothing(make, queue, notes, new_id):
    stop, left = threading.Event(), [ConnectionError("away"), JobNotFound()]

    def run(job_id):
        if not left:
            stop.set()
        else:
            raise left.pop(0)

    def broken():
        raise ConnectionError("away")

    for _ in range(3):
        queue.ring(new_id())
    assert make(stop=stop, run_job=run, run_due=broken)()
    assert "worker.round-failed" in events(notes)
    assert events(notes).count("worker.job-postponed") == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_worker_and_the_old_handlers_come_back(make, number):
    before = signal.getsignal(number)
    worker = make(run_due=lambda: os.kill(os.getpid(), number))
    begun = time.monotonic()
    assert run_worker(worker)
    assert time.monotonic() - begun < 5
    assert signal.getsignal(number) is before


def test_the_command_prepares_and_tells_how_it_ended(make, queue, new_id, monkeypatch):
    stop, prepared, hold = threading.Event(), [], threading.Event()
    stop.set()
    command = worker_command(worker=lambda: make(stop=stop), prepare=lambda: prepared.append(1))
    assert CliRunner().invoke(command).exit_code == 0
    assert prepared == [1]

    monkeypatch.setattr(worker_module, "STOP_S", 0.05)
    ran = threading.Event()

    def stuck(job_id):
        ran.set()
        hold.wait(10)

    queue.ring(new_id())
    busy = make(
        stop=threading.Event(), run_job=stuck, run_due=lambda: ran.wait(5) and busy.stop.set()
    )
    command = worker_command(worker=lambda: busy, prepare=lambda: None)
    assert CliRunner().invoke(command).exit_code == 1
    hold.set()


def test_the_clock_and_changed_folders_ask_for_scans(make):
    stop, due, changed = threading.Event(), [], Changed()
    worker = make(stop=stop, scan_due=lambda: due.append(1), scan_changed=changed)
    threading.Timer(0.2, stop.set).start()
    worker()
    assert due == [1]
    assert changed.calls > 1
    assert changed.closed
