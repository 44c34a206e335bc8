"""Jobs that were left lying: lapsed leases, dead workers, lost rings."""

import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest

from app.usecases.housekeeping import TidyUp
from app.usecases.jobs import CancelJob, RunDue, RunJobHere
from domain.errors import StaleWrite
from domain.federation.audit import SYSTEM
from domain.jobs import MAX_ATTEMPTS, JobNotFound, JobState
from tests.unit.jobs.conftest import until


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


@pytest.fixture
def contended(unit_of_work):
    """A factory whose first units of work come too late: somebody else saves the job meanwhile."""

    def make(times):
        left = [times]

        @contextmanager
        def begin():
            with unit_of_work() as tx:
                save = tx.jobs.save

                def save_too_late(job):
                    if left[0]:
                        left[0] -= 1
                        raise StaleWrite
                    save(job)

                tx.jobs.save = save_too_late
                yield tx

        return begin

    return make


def test_a_change_is_tried_again_where_somebody_wrote_first(echo, contended, clock, database):
    cancel = CancelJob(contended(3), clock)
    assert cancel(job_id=echo.id, actor=SYSTEM).state is JobState.CANCELLED
    assert len(database.tables.audit) == 1


def test_a_change_is_given_up_where_somebody_always_writes_first(echo, contended, clock, stored):
    with pytest.raises(StaleWrite):
        CancelJob(contended(99), clock)(job_id=echo.id, actor=SYSTEM)
    assert stored(echo).state is JobState.QUEUED


def test_the_job_of_a_dead_worker_that_another_took_meanwhile_is_left_to_it(
    left_lying, unit_of_work, read_only, clock, names, queue, stored
):
    names.dead.add("there:9:9")

    def begin():
        clock.forward(seconds=15)
        with unit_of_work() as tx:
            tx.jobs.lease(left_lying.id, "elsewhere:1:1/y", now=clock.now())
            tx.commit()
        return unit_of_work()

    queue.rung.clear()
    assert RunDue(begin, read_only, clock, names, queue)() == 0
    assert stored(left_lying).lease_owner == "elsewhere:1:1/y"
