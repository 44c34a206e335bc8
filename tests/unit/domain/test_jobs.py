from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.jobs import LEASE, MAX_ATTEMPTS, Job, JobConflict, JobState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def make(state=JobState.QUEUED, **more):
    job = Job(id=UUID(int=1), name="scan", arguments={}, created_at=NOW, run_at=NOW)
    job.state = state
    if state is JobState.RUNNING:
        job.lease_owner, job.leased_until, job.attempts = "me", NOW + LEASE, 1
    for name, value in more.items():
        setattr(job, name, value)
    return job


MOVES = {
    "lease": lambda job: job.lease("me", now=NOW),
    "renew": lambda job: job.renew("me", now=NOW),
    "orphan": lambda job: job.orphan("me", now=NOW),
    "finish": lambda job: job.finish("me", {"a": 1}, now=LATER),
    "fail": lambda job: job.fail("me", "why", now=LATER),
    "release": lambda job: job.release("me", now=LATER),
    "cancel": lambda job: job.request_cancel(now=LATER),
}
TABLE = {
    (JobState.QUEUED, "lease"): JobState.RUNNING,
    (JobState.QUEUED, "cancel"): JobState.CANCELLED,
    (JobState.RUNNING, "renew"): JobState.RUNNING,
    (JobState.RUNNING, "orphan"): JobState.RUNNING,
    (JobState.RUNNING, "finish"): JobState.DONE,
    (JobState.RUNNING, "fail"): JobState.FAILED,
    (JobState.RUNNING, "release"): JobState.QUEUED,
    (JobState.RUNNING, "cancel"): JobState.RUNNING,
}


@pytest.mark.parametrize("state", JobState)
@pytest.mark.parametrize("move", MOVES)
def test_each_state_allows_what_the_table_says(state, move):
    job = make(state)
    if (state, move) in TABLE:
        MOVES[move](job)
        assert job.state is TABLE[state, move]
    else:
        with pytest.raises(JobConflict):
            MOVES[move](job)
        assert job.state is state


@pytest.mark.parametrize("move", ["renew", "orphan", "finish", "fail", "release"])
def test_only_the_owner_changes_a_running_job(move):
    job = make(JobState.RUNNING, lease_owner="another")
    with pytest.raises(JobConflict):
        MOVES[move](job)


def test_a_job_is_final_in_three_states():
    assert [state for state in JobState if make(state).is_final] == ["done", "failed", "cancelled"]


@pytest.mark.parametrize("state", [JobState.DONE, JobState.FAILED, JobState.CANCELLED])
def test_what_is_over_is_never_due(state):
    assert not make(state, leased_until=NOW).is_due(LATER)


def test_a_waiting_job_is_due_at_its_time():
    job = make(run_at=LATER)
    assert not job.is_due(LATER - timedelta(microseconds=1))
    assert job.is_due(LATER)


def test_a_running_job_is_due_when_its_lease_is_over():
    job = make(JobState.RUNNING)
    assert not job.is_due(NOW + LEASE - timedelta(microseconds=1))
    assert job.is_due(NOW + LEASE)
    assert make(JobState.RUNNING, leased_until=None).is_due(NOW)


def test_a_lease_names_its_owner_and_its_end():
    job = make()
    job.lease("w", now=NOW)
    assert (job.lease_owner, job.leased_until, job.attempts) == ("w", NOW + LEASE, 1)
    assert job.started_at == NOW
    job.renew("w", now=LATER)
    assert job.leased_until == LATER + LEASE
    job.lease("x", now=LATER + LEASE)
    assert (job.lease_owner, job.attempts, job.started_at) == ("x", 2, NOW)


def test_a_lease_is_refused_while_another_holds():
    with pytest.raises(JobConflict):
        make(JobState.RUNNING).lease("x", now=NOW)


def test_an_orphan_can_be_taken_at_once():
    job = make(JobState.RUNNING)
    job.orphan("me", now=NOW)
    job.lease("x", now=NOW)
    assert job.lease_owner == "x"


def test_too_many_attempts_give_the_job_up():
    job = make(attempts=MAX_ATTEMPTS)
    job.lease("w", now=NOW)
    assert (job.state, job.finished_at, job.lease_owner) == (JobState.FAILED, NOW, None)
    assert job.error == "given up after 20 attempts"


def test_an_end_frees_the_lease_and_keeps_result_or_error():
    done, failed = make(JobState.RUNNING), make(JobState.RUNNING)
    MOVES["finish"](done)
    MOVES["fail"](failed)
    assert (done.result, done.finished_at, done.lease_owner) == ({"a": 1}, LATER, None)
    assert (failed.error, failed.finished_at, failed.leased_until) == ("why", LATER, None)


def test_a_released_job_waits_again_and_the_attempt_is_not_counted():
    job = make(JobState.RUNNING)
    job.release("me", now=LATER)
    assert (job.attempts, job.run_at, job.leased_until) == (0, LATER, None)


@pytest.mark.parametrize("end", ["finish", "release"])
def test_a_running_job_whose_end_was_asked_for_ends_cancelled(end):
    job = make(JobState.RUNNING)
    job.request_cancel(now=NOW)
    assert job.cancel_requested
    assert not job.is_final
    MOVES[end](job)
    assert (job.state, job.finished_at, job.lease_owner) == (JobState.CANCELLED, LATER, None)


def test_what_failed_before_it_saw_the_cancel_has_failed():
    job = make(JobState.RUNNING)
    job.request_cancel(now=NOW)
    MOVES["fail"](job)
    assert job.state is JobState.FAILED


def test_a_cancelled_job_whose_worker_died_does_not_begin_again():
    job = make(JobState.RUNNING)
    job.request_cancel(now=NOW)
    job.lease("x", now=LATER)
    assert (job.state, job.finished_at) == (JobState.CANCELLED, LATER)
