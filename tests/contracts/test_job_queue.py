"""Every doorbell brings each job to one worker, quickly, and carries ids alone."""

import os
import sqlite3
import threading
import time
from uuid import uuid4

import pytest
from redis import Redis

from adapters.jobs.huey_queue import HueyJobQueue, open_job_queue
from tests.servers import require

REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379")


@pytest.fixture
def opened():
    """Queues to close afterwards."""
    queues = []
    yield lambda queue: queues.append(queue) or queue
    for queue in queues:
        queue.stop(timeout_s=5)
        queue.close()


@pytest.fixture(params=["memory", "file", "redis"])
def make(request, tmp_path, opened):
    """Makes queues that share their rings, as processes do."""
    if request.param == "memory":
        queue = opened(HueyJobQueue.in_memory())
        yield lambda: queue
    elif request.param == "file":
        path = tmp_path / "jobs.db"
        yield lambda: opened(open_job_queue(path, redis_url="", node="ours"))
    else:
        client = Redis.from_url(REDIS)
        require("redis", client.ping)
        node = uuid4().hex
        yield lambda: opened(open_job_queue(tmp_path / "no", redis_url=REDIS, node=node))
        client.delete(*client.keys(f"huey.*{node}*"), "none")
        client.close()


@pytest.fixture
def worker(make):
    """A started queue whose calls are written down."""
    queue, calls = make(), []
    queue.start(lambda job_id: calls.append((job_id, time.monotonic())), threads=2)
    return queue, calls


def until(condition):
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_ring_is_answered_within_a_second(make, worker):
    _, calls = worker
    time.sleep(0.7)  # the worker idles by now
    job_id, rung = uuid4(), time.monotonic()
    make().ring(job_id)
    until(lambda: calls)
    assert calls[0][0] == job_id
    assert calls[0][1] - rung < 1.0


def test_each_ring_is_answered_once(make, worker):
    _, calls = worker
    ids = [uuid4() for _ in range(20)]
    bell = make()
    for job_id in ids:
        bell.ring(job_id)
    until(lambda: len(calls) >= 20)
    time.sleep(0.2)
    assert sorted(job_id for job_id, _ in calls) == sorted(ids)


def test_rings_wait_for_a_worker_and_the_same_one_once(make):
    bell, calls, first, second = make(), [], uuid4(), uuid4()
    for job_id in (first, second, first, second, first):
        bell.ring(job_id)
    queue = make()
    queue.start(calls.append, threads=1)
    until(lambda: len(calls) == 2)
    assert queue.stop(timeout_s=5)
    assert calls == [first, second]


def test_stopping_waits_for_what_runs_and_takes_no_more(make):
    queue, begun, end, calls = make(), threading.Event(), threading.Event(), []

    def work(job_id):
        begun.set()
        end.wait(10)
        calls.append(job_id)

    first, second = uuid4(), uuid4()
    queue.start(work, threads=1)
    queue.ring(first)
    assert begun.wait(10)
    queue.ring(second)
    assert not queue.stop(timeout_s=0.05)
    end.set()
    until(lambda: calls)
    time.sleep(0.2)
    assert calls == [first]


def test_a_call_that_fails_costs_no_thread(make, caplog):
    queue, calls = make(), []

    def work(job_id):
        calls.append(job_id)
        raise ValueError("no")

    queue.start(work, threads=1)
    for _ in range(3):
        queue.ring(uuid4())
    until(lambda: len(calls) == 3)
    queue.check()
    assert queue.stop(timeout_s=5)


def test_stopping_what_never_started_is_no_error(make):
    assert make().stop(timeout_s=1)


def test_messages_are_plain_ids(tmp_path, opened):
    job_id = uuid4()
    opened(HueyJobQueue.in_file(tmp_path / "jobs.db")).ring(job_id)
    with sqlite3.connect(tmp_path / "jobs.db") as connection:
        rows = connection.execute("SELECT data FROM task").fetchall()
    connection.close()
    assert rows == [(str(job_id).encode(),)]


def test_a_message_of_somebody_else_runs_nothing(tmp_path, opened, caplog):
    queue, calls = opened(HueyJobQueue.in_file(tmp_path / "jobs.db")), []
    hostile = b"\x80\x04cos\nsystem\n(S'touch /tmp/x'\ntR."
    with sqlite3.connect(tmp_path / "jobs.db") as connection:
        connection.execute(
            "INSERT INTO task (queue, data, priority) VALUES ('velour', ?, 0)", (hostile,)
        )
    connection.close()
    queue.start(calls.append, threads=1)
    good = uuid4()
    queue.ring(good)
    until(lambda: calls)
    assert queue.stop(timeout_s=5)
    assert calls == [good]


def test_a_bell_that_does_not_ring_is_no_error(opened, caplog):
    queue = opened(HueyJobQueue.in_redis("redis://127.0.0.1:1", node="ours"))
    queue.ring(uuid4())
    assert "doorbell" in caplog.text
