"""The job table: one worker holds a job, and a dead one does not hold it for long."""

import os
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from adapters.system.processes import ProcessNames
from app.usecases.jobs import RunJob
from domain.jobs import LEASE, JobState

SECOND = timedelta(seconds=1)


def test_a_job_comes_back_whole(backend, rows):
    job = rows.new_job(
        arguments={"a": [1, {"b": None}], "c": "œ"}, key="k", run_at=rows.clock.now()
    )
    job.progress = {"found": 3}
    assert rows.in_one(lambda tx: tx.jobs.add(job)) == job
    with backend.read_only() as tx:
        assert tx.jobs.get(job.id) == job


def test_an_unfinished_job_of_the_same_key_is_returned_instead(backend, rows):
    first = rows.job(key="scan:1")
    assert rows.job(key="scan:1").id == first.id
    other, none, none_too = rows.job(key="scan:2"), rows.job(), rows.job()
    assert len({first.id, other.id, none.id, none_too.id}) == 4
    with backend.read_only() as tx:
        assert tx.jobs.find_live("scan:1").id == first.id
        assert tx.jobs.find_live("scan:3") is None


def test_a_finished_job_frees_its_key(backend, rows):
    now, first = rows.clock.now(), rows.job(key="scan:1")
    with backend.unit_of_work() as tx:
        job = tx.jobs.lease(first.id, "w", now=now)
        job.finish("w", {"ok": True}, now=now)
        tx.jobs.save(job)
        tx.commit()
    with backend.read_only() as tx:
        assert tx.jobs.find_live("scan:1") is None
        assert tx.jobs.find_last("scan:1").result == {"ok": True}
    rows.clock.forward(seconds=1)
    second = rows.job(key="scan:1")
    assert second.id != first.id
    with backend.read_only() as tx:
        assert tx.jobs.find_last("scan:1").id == second.id


def test_one_of_many_adds_of_a_key_wins(backend, rows):
    found, start = [], threading.Barrier(4)
    jobs = [rows.new_job(key="scan:1") for _ in range(4)]

    def add(job):
        start.wait()
        found.append(rows.in_one(lambda tx: tx.jobs.add(job)).id)

    threads = [threading.Thread(target=add, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    with backend.read_only() as tx:
        assert [job.id for job in tx.jobs.recent(limit=9)] == found[:1]


def test_exactly_one_of_many_leases_wins(backend, rows):
    job, won, start = rows.job(), [], threading.Barrier(6)

    def lease(owner):
        start.wait()
        with backend.unit_of_work() as tx:
            leased = tx.jobs.lease(job.id, owner, now=rows.clock.now())
            tx.commit()
        if leased is not None:
            won.append(owner)

    threads = [threading.Thread(target=lease, args=(f"w{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    with backend.read_only() as tx:
        stored = tx.jobs.get(job.id)
        assert (stored.lease_owner, stored.attempts) == (won[0], 1)
        assert [running.id for running in tx.jobs.running()] == [job.id]


def test_a_lease_is_refused_until_it_lapses(backend, rows):
    job, now = rows.job(), rows.clock.now()
    assert rows.in_one(lambda tx: tx.jobs.lease(job.id, "a", now=now)).lease_owner == "a"
    late = now + LEASE
    assert rows.in_one(lambda tx: tx.jobs.lease(job.id, "b", now=late - SECOND)) is None
    assert rows.in_one(lambda tx: tx.jobs.lease(job.id, "b", now=late)).lease_owner == "b"


def test_due_jobs_come_oldest_first(backend, rows):
    now = rows.clock.now()
    later = rows.job(run_at=now + SECOND)
    last, first = rows.job(run_at=now), rows.job(run_at=now - SECOND)
    lapsed, held = rows.job(run_at=now - 99 * SECOND), rows.job(run_at=now - 99 * SECOND)
    rows.in_one(lambda tx: tx.jobs.lease(lapsed.id, "a", now=now - LEASE))
    rows.in_one(lambda tx: tx.jobs.lease(held.id, "a", now=now))
    with backend.read_only() as tx:
        assert list(tx.jobs.due(now=now, limit=9)) == [lapsed.id, first.id, last.id]
        assert list(tx.jobs.due(now=now, limit=1)) == [lapsed.id]
        assert later.id in tx.jobs.due(now=now + SECOND, limit=9)
        assert {job.id for job in tx.jobs.running()} == {lapsed.id, held.id}


def test_recent_jobs_come_newest_first(backend, rows):
    ids = []
    for _ in range(3):
        ids.append(rows.job().id)
        rows.clock.forward(seconds=1)
    with backend.read_only() as tx:
        assert [job.id for job in tx.jobs.recent(limit=2)] == ids[:0:-1]


def test_jobs_that_ended_long_ago_are_forgotten(backend, rows):
    now, old, running, new = rows.clock.now(), rows.job(), rows.job(), rows.job()

    def end(tx, job, at):
        job = tx.jobs.lease(job.id, "w", now=now)
        job.fail("w", "no", now=at)
        tx.jobs.save(job)

    rows.in_one(lambda tx: end(tx, old, now))
    rows.in_one(lambda tx: end(tx, new, now + SECOND))
    assert rows.in_one(lambda tx: tx.jobs.remove_finished(now + SECOND)) == 1
    with backend.read_only() as tx:
        assert {job.id for job in tx.jobs.recent(limit=9)} == {running.id, new.id}


SHARED = pytest.mark.parametrize("backend", ["sqlite", "postgres"], indirect=True)
HOLD = """
import sys, time
from datetime import UTC, datetime
from uuid import UUID, uuid4
from adapters.sql.database import make_engine
from adapters.sql.unit_of_work import SqlUnitOfWork
from adapters.system.processes import ProcessNames

url, job_id, owner = sys.argv[1:]
owner = owner or f"{ProcessNames().own()}/{uuid4()}"
with SqlUnitOfWork(make_engine(url), new_id=uuid4) as tx:
    assert tx.jobs.lease(UUID(job_id), owner, now=datetime.now(UTC)) is not None
    tx.commit()
print("leased", flush=True)
time.sleep(60)
"""


@pytest.fixture
def killed(backend, rows):
    """Lets a process lease a job, kills it with SIGKILL, and returns the job."""

    def kill(owner=""):
        url = backend.engine.url.render_as_string(hide_password=False)
        job = rows.job("echo")
        command = [sys.executable, "-c", HOLD, url, str(job.id), owner]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout.readline() == "leased\n"
            os.kill(child.pid, signal.SIGKILL)
        return job

    return kill


@pytest.fixture
def run(backend, present):
    return RunJob(
        unit_of_work=backend.unit_of_work,
        read_only=backend.read_only,
        clock=present,
        new_id=uuid4,
        workers=ProcessNames(),
        handlers={"echo": lambda context, arguments: {"took": "over"}},
        report=lambda job, exc: pytest.fail(str(exc)),
    )


@pytest.fixture
def present():
    """A clock that goes, and can be put forward."""

    class Present:
        ahead = timedelta()

        def now(self):
            return datetime.now(UTC) + self.ahead

    return Present()


@SHARED
def test_the_job_of_a_killed_process_is_taken_over_at_once(killed, run):
    job = run(killed().id)
    assert (job.state, job.attempts, job.result) == (JobState.DONE, 2, {"took": "over"})


@SHARED
def test_the_job_of_another_machine_is_taken_over_when_its_lease_lapses(killed, run, present):
    job = killed("elsewhere.0123456789ab:17:4711/x")
    assert run(job.id).state is JobState.RUNNING
    present.ahead = LEASE
    assert run(job.id).state is JobState.DONE
