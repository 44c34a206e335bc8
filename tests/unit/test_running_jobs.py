"""Running jobs: leases, progress, ends of every kind, and who takes over what was left."""

import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from adapters.jobs.inline import InlineJobQueue
from app.usecases import job_lease
from app.usecases.housekeeping import TidyUp
from app.usecases.jobs import CancelJob, Enqueue, RunDue, RunJob, RunJobHere
from domain.errors import Invalid
from domain.federation.audit import Actor
from domain.jobs import LEASE, MAX_ATTEMPTS, JobConflict, JobNotFound, JobState
from ports.jobs import JobCancelled

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


def test_a_job_is_stored_and_rung_for(echo, queue, stored):
    assert queue.rung == [echo.id]
    assert stored(echo).state is JobState.QUEUED


def test_a_key_keeps_one_unfinished_job(enqueue, run, queue):
    first = enqueue(name="echo", arguments={"say": "1"}, key="only")
    again = enqueue(name="echo", arguments={"say": "2"}, key="only")
    assert again.id == first.id
    run(first.id)
    assert enqueue(name="echo", arguments={"say": "3"}, key="only").id != first.id


def test_a_job_runs_once_and_keeps_its_result(echo, run, clock):
    job = run(echo.id)
    assert (job.state, job.result, job.finished_at) == (
        JobState.DONE,
        {"said": "hello"},
        clock.now(),
    )
    assert run(echo.id) == job


def test_an_inline_queue_runs_at_the_ring(unit_of_work, clock, new_id, run, stored):
    enqueue = Enqueue(unit_of_work, clock, new_id, InlineJobQueue(run))
    assert stored(enqueue(name="echo", arguments={"say": "x"})).state is JobState.DONE


def test_rings_that_wait_are_answered_in_order(enqueue, run, queue, stored):
    jobs = [enqueue(name="echo", arguments={"say": n}) for n in range(3)]
    queue.run_all(run)
    assert [stored(job).state for job in jobs] == [JobState.DONE] * 3


def test_a_job_of_later_waits(enqueue, run, clock):
    job = enqueue(name="echo", arguments={"say": "x"}, run_at=clock.now() + LEASE)
    assert run(job.id).state is JobState.QUEUED
    clock.forward(seconds=15)
    assert run(job.id).state is JobState.DONE


def test_an_absent_job_says_so(run, new_id):
    with pytest.raises(JobNotFound):
        run(new_id())


def test_a_refusal_fails_the_job_with_its_words(enqueue, run, handlers, faults):
    def refuse(context, arguments):
        raise Invalid("the path is missing")

    handlers["refuse"] = refuse
    job = run(enqueue(name="refuse", arguments={}).id)
    assert (job.state, job.error) == (JobState.FAILED, "the path is missing")
    assert faults == []


def test_a_mistake_is_reported_and_its_words_stay_inside(enqueue, run, handlers, faults):
    handlers["broken"] = lambda context, arguments: arguments["secret"]
    job = run(enqueue(name="broken", arguments={}).id)
    assert (job.state, job.error) == (JobState.FAILED, "internal error")
    assert [(name, type(exc)) for name, exc in faults] == [("broken", KeyError)]


def test_a_job_that_nobody_can_run_fails(enqueue, run):
    job = run(enqueue(name="unheard", arguments={}).id)
    assert job.state is JobState.FAILED
    assert "unheard" in job.error


def test_progress_is_kept_to_the_end(enqueue, run, handlers):
    def count(context, arguments):
        context.progress(found=1, phase="walk")
        context.progress(found=2)
        return {}

    handlers["count"] = count
    assert run(enqueue(name="count", arguments={}).id).progress == {"found": 2, "phase": "walk"}


def test_progress_is_seen_and_the_lease_renewed_meanwhile(
    enqueue, run, handlers, stored, clock, quick_lease
):
    def wait(context, arguments):
        clock.forward(seconds=10)
        context.progress(found=1)
        job = lambda: stored(asked)  # noqa: E731
        until(lambda: job().progress == {"found": 1})
        assert job().leased_until == clock.now() + LEASE
        assert context.job_id == asked.id
        return {}

    handlers["wait"] = wait
    asked = enqueue(name="wait", arguments={})
    assert run(asked.id).state is JobState.DONE


def test_cancelling_a_waiting_job_ends_it(echo, cancel, run, stored, database):
    assert cancel(job_id=echo.id, actor=ANN).state is JobState.CANCELLED
    assert run(echo.id).result is None
    entry = database.tables.audit[-1].entry
    assert (entry.action, entry.actor, entry.target) == ("job.cancel", "user:ann", str(echo.id))


def test_cancelling_a_running_job_stops_it_at_its_next_sign(
    enqueue, run, handlers, cancel, quick_lease
):
    def endless(context, arguments):
        cancel(job_id=context.job_id, actor=ANN)
        with pytest.raises(JobCancelled):
            until(lambda: context.progress(found=1))
        raise JobCancelled

    handlers["endless"] = endless
    job = run(enqueue(name="endless", arguments={}).id)
    assert (job.state, job.progress) == (JobState.CANCELLED, {"found": 1})


def test_a_finished_job_cannot_be_cancelled(echo, run, cancel, database):
    run(echo.id)
    with pytest.raises(JobConflict):
        cancel(job_id=echo.id, actor=ANN)
    assert database.tables.audit == []


def test_a_worker_that_stops_gives_its_job_back(enqueue, run, handlers, stop, stored):
    def go_on(context, arguments):
        stop.set()
        context.progress(found=7)
        raise AssertionError("progress() interrupts")

    handlers["go on"] = go_on
    job = run(enqueue(name="go on", arguments={}).id)
    assert (job.state, job.lease_owner, job.attempts) == (JobState.QUEUED, None, 0)


def test_ctrl_c_gives_the_job_back(enqueue, run, handlers, stored):
    def interrupted(context, arguments):
        raise KeyboardInterrupt

    handlers["interrupted"] = interrupted
    job = enqueue(name="interrupted", arguments={})
    with pytest.raises(KeyboardInterrupt):
        run(job.id)
    assert stored(job).state is JobState.QUEUED


@pytest.fixture
def left_lying(echo, unit_of_work, clock):
    """A job whose worker ``there:9:9`` went away in the middle."""
    with unit_of_work() as tx:
        tx.jobs.lease(echo.id, "there:9:9/x", now=clock.now())
        tx.commit()
    return echo


def test_a_leased_job_is_left_alone(left_lying, run, run_due, queue):
    queue.rung.clear()
    assert run(left_lying.id).state is JobState.RUNNING
    assert run_due() == 0
    assert queue.rung == []


def test_a_lapsed_lease_is_taken_over(left_lying, run, run_due, queue, clock):
    queue.rung.clear()
    clock.forward(seconds=15)
    assert run_due() == 1
    assert queue.rung == [left_lying.id]
    job = run(left_lying.id)
    assert (job.state, job.attempts) == (JobState.DONE, 2)


def test_the_job_of_a_dead_worker_is_taken_over_at_once(left_lying, run, names):
    names.dead.add("there:9:9")
    assert run(left_lying.id).state is JobState.DONE


def test_looking_through_the_table_frees_the_jobs_of_the_dead(left_lying, run_due, names, queue):
    queue.rung.clear()
    names.dead.add("there:9:9")
    assert run_due() == 1
    assert queue.rung == [left_lying.id]


def test_a_lost_ring_is_made_good(echo, run_due, queue):
    queue.rung.clear()
    assert run_due() == 1
    assert queue.rung == [echo.id]


def test_a_job_that_keeps_killing_its_worker_is_given_up(echo, run, unit_of_work, clock):
    for attempt in range(MAX_ATTEMPTS):
        with unit_of_work() as tx:
            assert tx.jobs.lease(echo.id, f"w{attempt}", now=clock.now()).attempts == attempt + 1
            tx.commit()
        clock.forward(seconds=15)
    job = run(echo.id)
    assert job.state is JobState.FAILED
    assert "given up" in job.error


def test_who_lost_the_lease_writes_nothing(enqueue, run, handlers, unit_of_work, clock, stored):
    def slow(context, arguments):
        clock.forward(seconds=16)
        with unit_of_work() as tx:
            assert tx.jobs.lease(context.job_id, "other", now=clock.now()) is not None
            tx.commit()
        return {"said": "too late"}

    handlers["slow"] = slow
    job = run(enqueue(name="slow", arguments={}).id)
    assert (job.state, job.lease_owner, job.result) == (JobState.RUNNING, "other", None)


def test_who_lost_the_lease_is_told(enqueue, run, handlers, unit_of_work, clock, quick_lease):
    def slow(context, arguments):
        clock.forward(seconds=16)
        with unit_of_work() as tx:
            tx.jobs.lease(context.job_id, "other", now=clock.now())
            tx.commit()
        until(lambda: context.progress(found=1))

    handlers["slow"] = slow
    job = run(enqueue(name="slow", arguments={}).id)
    assert (job.state, job.lease_owner) == (JobState.RUNNING, "other")


def test_a_database_that_is_away_costs_the_lease_only_when_it_is_over(
    make_run, names, enqueue, handlers, unit_of_work, clock, quick_lease
):
    away = threading.Event()

    def sometimes():
        if away.is_set() and threading.current_thread().name.startswith("lease of"):
            raise ConnectionError
        return unit_of_work()

    def work(context, arguments):
        away.set()
        time.sleep(0.05)
        context.progress(still="ours")
        clock.forward(seconds=15)
        until(lambda: context.progress())

    handlers["work"] = work
    run = make_run(names)
    object.__setattr__(run, "unit_of_work", sometimes)
    job = run(enqueue(name="work", arguments={}).id)
    assert (job.state, job.attempts) == (JobState.RUNNING, 1)
    assert job.is_due(clock.now())


def test_a_job_is_run_here_or_waited_for(left_lying, run, clock):
    waited = []

    def pause(seconds):
        waited.append(seconds)
        clock.forward(seconds=5)

    job = RunJobHere(run, pause)(left_lying.id)
    assert job.state is JobState.DONE
    assert len(waited) == 3


def test_many_threads_run_a_job_once(enqueue, run, handlers):
    ran, start = [], threading.Barrier(5)
    handlers["once"] = lambda context, arguments: ran.append(1) or {}
    job = enqueue(name="once", arguments={})

    def race():
        start.wait()
        run(job.id)

    threads = [threading.Thread(target=race) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ran == [1]


def test_old_jobs_and_stale_sessions_go(echo, run, enqueue, unit_of_work, clock, stored):
    run(echo.id)
    tidy = TidyUp(unit_of_work, clock, keep_jobs=timedelta(days=30))
    clock.forward(days=29)
    waiting = enqueue(name="echo", arguments={"say": "x"})
    assert tidy() == (0, 0)
    clock.forward(days=2)
    assert tidy() == (0, 1)
    assert stored(waiting).state is JobState.QUEUED
    with pytest.raises(JobNotFound):
        stored(echo)
