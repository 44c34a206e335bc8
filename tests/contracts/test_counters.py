import os
import threading
import uuid

import pytest

from adapters.memory.counters import MemoryCounters
from adapters.system.counters import RedisCounters, SqliteCounters
from tests.servers import require

REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379")


class Wall:
    """Seconds since the epoch, moved by hand."""

    def __init__(self):
        self.time = 1_000_000.0

    def __call__(self):
        return self.time


@pytest.fixture
def wall():
    return Wall()


@pytest.fixture(params=["memory", "sqlite", "redis"])
def counters(request, tmp_path, wall):
    if request.param == "memory":
        yield MemoryCounters(wall)
    elif request.param == "sqlite":
        made = SqliteCounters(tmp_path / "counters.db", wall)
        yield made
        made.close()
    else:
        made = RedisCounters.from_url(REDIS, prefix=f"velour:test:{uuid.uuid4()}:")
        require("redis", lambda: made.get("x"))
        yield made
        made.close()


@pytest.fixture(params=["memory", "sqlite"])
def timed(request, tmp_path, wall):
    """Counters whose clock the test moves; Redis has its own."""
    if request.param == "memory":
        yield MemoryCounters(wall)
    else:
        made = SqliteCounters(tmp_path / "counters.db", wall)
        yield made
        made.close()


def test_additions_add_up(counters):
    assert counters.add("a", window_s=60).total == 1
    assert counters.add("a", window_s=60, amount=4).total == 5
    assert counters.add("b", window_s=60).total == 1
    assert counters.get("a").total == 5


def test_an_unused_counter_is_empty(counters):
    assert (counters.get("never").total, counters.get("never").resets_at) == (0, 0.0)
    counters.clear("never")


def test_a_counter_never_falls_below_nothing(counters):
    counters.add("a", window_s=60, amount=2)

    assert counters.add("a", window_s=60, amount=-5).total == 0
    assert counters.add("a", window_s=60).total == 1


def test_a_cleared_counter_begins_again(counters):
    counters.add("a", window_s=60, amount=9)
    counters.clear("a")

    assert counters.get("a").total == 0
    assert counters.add("a", window_s=60).total == 1


def test_the_window_stays_where_the_first_addition_began_it(counters):
    first = counters.add("a", window_s=60)
    second = counters.add("a", window_s=60)

    assert second.resets_at == pytest.approx(first.resets_at, abs=0.1)
    assert counters.get("a").resets_at == pytest.approx(first.resets_at, abs=0.1)


def test_touching_tells_whether_it_was_alive(counters):
    assert counters.touch("film", idle_s=60) is False
    assert counters.touch("film", idle_s=60) is True
    counters.clear("film")
    assert counters.touch("film", idle_s=60) is False


def test_additions_of_several_threads_all_count(counters):
    threads = [
        threading.Thread(target=lambda: [counters.add("a", window_s=60) for _ in range(25)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert counters.get("a").total == 100


def test_after_the_window_counting_begins_again(timed, wall):
    timed.add("a", window_s=60, amount=5)
    wall.time += 59
    assert timed.add("a", window_s=60).total == 6
    wall.time += 1.5

    assert timed.get("a").total == 0
    assert timed.add("a", window_s=60).total == 1


def test_a_clock_set_back_locks_nobody_out(timed, wall):
    timed.add("a", window_s=60, amount=5)
    wall.time -= 3600

    assert timed.add("a", window_s=60).total == 1


def test_touching_keeps_alive_from_the_last_touch(timed, wall):
    timed.touch("film", idle_s=600)
    wall.time += 599
    assert timed.touch("film", idle_s=600) is True
    wall.time += 599
    assert timed.touch("film", idle_s=600) is True
    wall.time += 601
    assert timed.touch("film", idle_s=600) is False


def test_two_processes_share_the_file(tmp_path):
    one, other = SqliteCounters(tmp_path / "c.db"), SqliteCounters(tmp_path / "c.db")

    one.add("a", window_s=60)

    assert other.add("a", window_s=60).total == 2
    one.close()
    other.close()
