"""Running jobs: leases, progress, ends of every kind, and who takes over what was left."""

from dataclasses import replace

import pytest

from adapters.jobs.inline import InlineJobQueue
from app.usecases.jobs import Enqueue
from domain.errors import Invalid
from domain.ids import JobId
from domain.jobs import LEASE, Job, JobConflict, JobNotFound, JobState
from ports.jobs import JobCancelled
from tests.unit.jobs.conftest import ANN, until


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


def test_a_job_of_later_waits(unit_of_work, new_id, run, clock):
    asked = Job.asked(JobId(new_id()), "echo", {"say": "x"}, now=clock.now())
    with unit_of_work() as tx:
        job = tx.jobs.add(replace(asked, run_at=clock.now() + LEASE))
        tx.commit()
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
