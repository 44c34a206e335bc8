"""A node's jobs on memory adapters, with workers that can die."""

import threading
import time
from dataclasses import dataclass, field

import pytest

from adapters.jobs.inline import InlineJobQueue
from app.usecases import job_lease
from app.usecases.jobs import CancelJob, Enqueue, RunDue, RunJob
from domain.federation.audit import Actor

ANN = Actor("user:ann")


@dataclass
class Names:
    """Process names, some of them dead."""

    me: str = "here:1:1"
    dead: set[str] = field(default_factory=set)

    def own(self):
        return self.me

    def is_dead(self, name):
        return name in self.dead


@pytest.fixture
def names():
    return Names()


@pytest.fixture
def queue():
    return InlineJobQueue()


@pytest.fixture
def handlers():
    return {"echo": lambda context, arguments: {"said": arguments["say"]}}


@pytest.fixture
def faults():
    return []


@pytest.fixture
def stop():
    return threading.Event()


@pytest.fixture
def make_run(unit_of_work, read_only, clock, new_id, handlers, faults, stop):
    def make(names):
        return RunJob(
            unit_of_work=unit_of_work,
            read_only=read_only,
            clock=clock,
            new_id=new_id,
            workers=names,
            handlers=handlers,
            report=lambda job, exc: faults.append((job.name, exc)),
            stop=stop,
        )

    return make


@pytest.fixture
def run(make_run, names):
    return make_run(names)


@pytest.fixture
def enqueue(unit_of_work, clock, new_id, queue):
    return Enqueue(unit_of_work, clock, new_id, queue)


@pytest.fixture
def cancel(unit_of_work, clock):
    return CancelJob(unit_of_work, clock)


@pytest.fixture
def run_due(unit_of_work, read_only, clock, names, queue):
    return RunDue(unit_of_work, read_only, clock, names, queue)


@pytest.fixture
def stored(read_only):
    def get(job):
        with read_only() as tx:
            return tx.jobs.get(job.id)

    return get


@pytest.fixture
def echo(enqueue):
    return enqueue(name="echo", arguments={"say": "hello"})


@pytest.fixture
def quick_lease(monkeypatch):
    """Renew every few milliseconds."""
    monkeypatch.setattr(job_lease, "WRITE_S", 0.005)
    monkeypatch.setattr(job_lease, "RENEW_S", 0.01)


def until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)
