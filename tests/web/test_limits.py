import threading

import pytest

from adapters.memory.counters import MemoryCounters
from app.api.addresses import prefix
from app.limits import MAX_LEASE, LeasedStorage, LimitFigures, Limits
from domain.errors import Limited, Unavailable


def figures(**changed):
    numbers = {
        "requests_per_hour": 1000, "streams_per_hour": 3, "key_failures_per_minute": 5,
        "sign_in_failures": 5, "sign_in_window_s": 900,
    }  # fmt: skip
    return LimitFigures(**numbers | changed)


def test_one_request_too_many_says_when_to_come_back(make_node):
    node = make_node(figures=figures(requests_per_hour=3))
    key = node.key("read")

    answers = [node.get("/api/v1/ping", key) for _ in range(5)]

    assert [a.status_code for a in answers] == [200, 200, 200, 429, 429]
    assert [a.headers["RateLimit-Remaining"] for a in answers] == ["2", "1", "0", "0", "0"]
    assert answers[0].headers["RateLimit-Limit"] == "3"
    assert 0 < int(answers[4].headers["Retry-After"]) <= 3600
    assert answers[4].headers["Retry-After"] == answers[4].headers["RateLimit-Reset"]
    assert answers[4].get_json()["status"] == 429


def test_every_key_and_every_class_has_its_own_count(make_node):
    node = make_node(figures=figures(requests_per_hour=1))
    one, other = node.key("read"), node.key("read")

    assert node.get("/api/v1/ping", one).status_code == 200
    assert node.get("/api/v1/ping", one).status_code == 429
    assert node.get("/api/v1/videos/search", one).status_code == 200
    assert node.get("/api/v1/ping", other).status_code == 200


def test_switched_off_nothing_is_counted(make_node):
    node = make_node(figures=figures(requests_per_hour=1, enabled=False))
    key = node.key("read")

    assert {node.get("/api/v1/ping", key).status_code for _ in range(5)} == {200}


def test_guessing_keys_is_limited_and_locks_nobody_else_out(make_node):
    node = make_node(figures=figures())
    good = node.key("read")

    guesses = [node.get("/api/v1/ping", "vlr_peer_guess") for _ in range(7)]

    assert [g.status_code for g in guesses] == [401] * 5 + [429] * 2
    assert "Retry-After" in guesses[-1].headers
    assert node.get("/api/v1/ping", good).status_code == 200
    elsewhere = node.get("/api/v1/ping", "vlr_peer_x", environ_base={"REMOTE_ADDR": "198.51.100.1"})
    assert elsewhere.status_code == 401


def test_a_request_without_a_key_guesses_nothing(make_node):
    node = make_node(figures=figures())

    assert {node.get("/api/v1/ping").status_code for _ in range(20)} == {401}


@pytest.mark.parametrize(
    ("address", "block"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("rubbish", "unknown"),
    ],
)
def test_addresses_count_by_block(address, block):
    assert prefix(address) == block


def test_workers_together_never_pass_the_limit():
    counters, limit = MemoryCounters(), 1000
    workers = [LeasedStorage(counters=counters, leased={"api": limit}) for _ in range(4)]
    admitted = 0
    for _ in range(600):
        for worker in workers:
            admitted += worker.incr("api/caller/1000/1/hour", 3600) <= limit

    assert admitted == limit


def test_an_idle_worker_holds_back_one_lease_at_most():
    counters, limit = MemoryCounters(), 1000
    busy = LeasedStorage(counters=counters, leased={"api": limit})
    idle = LeasedStorage(counters=counters, leased={"api": limit})
    for _ in range(100):
        idle.incr("api/caller", 3600)

    admitted = sum(busy.incr("api/caller", 3600) <= limit for _ in range(2000))

    assert limit - 100 - MAX_LEASE <= admitted <= limit - 100


def test_threads_of_a_worker_share_its_leases_exactly():
    counters, limit = MemoryCounters(), 500
    storage = LeasedStorage(counters=counters, leased={"api": limit})
    admitted = []

    def ask():
        admitted.append(sum(storage.incr("api/caller", 3600) <= limit for _ in range(300)))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(admitted) == limit


def test_a_new_window_begins_with_a_new_count():
    now = [1_000_000.0]
    counters = MemoryCounters(lambda: now[0])
    storage = LeasedStorage(counters=counters, leased={"api": 2}, now=lambda: now[0])
    assert [storage.incr("api/k", 60) for _ in range(3)] == [1, 2, 3]

    now[0] += 61

    assert storage.incr("api/k", 60) == 1


class DeadCounters(MemoryCounters):
    def add(self, key, *, window_s, amount=1):
        raise Unavailable


def test_a_dead_store_stops_no_reading_but_stops_signing_in():
    limits = Limits(DeadCounters(), figures())

    assert not limits.count("api", "caller").exceeded
    with pytest.raises(Unavailable):
        limits.begin_sign_in("ann", "192.0.2.1")


def test_a_film_watched_with_many_seeks_is_one_session():
    limits = Limits(MemoryCounters(), figures(streams_per_hour=2))

    seeks = [limits.admit_stream("key", "film").exceeded for _ in range(1500)]
    others = [limits.admit_stream("key", film).exceeded for film in ("two", "three", "four")]

    assert not any(seeks)
    assert others == [False, True, True]
    assert not limits.admit_stream("key", "film").exceeded
    assert not limits.admit_stream("other key", "four").exceeded


def test_a_session_that_another_worker_began_is_not_counted_again():
    counters = MemoryCounters()
    workers = [Limits(counters, figures(streams_per_hour=1)) for _ in range(3)]

    assert [w.admit_stream("key", "film").exceeded for w in workers] == [False] * 3


def tries(limits, account, address, count):
    made = 0
    for _ in range(count):
        try:
            limits.begin_sign_in(account, address)
        except Limited:
            break
        made += 1
    return made


def test_an_account_has_five_tries_from_anywhere():
    limits = Limits(MemoryCounters(), figures())

    assert sum(tries(limits, "Ann", f"192.0.2.{n}", 1) for n in range(9)) == 5
    assert tries(limits, "ann ", "203.0.113.1", 1) == 0


def test_an_address_has_five_tries_whatever_the_account():
    limits = Limits(MemoryCounters(), figures())

    assert sum(tries(limits, f"user{n}", "192.0.2.1", 1) for n in range(9)) == 5


def test_success_clears_the_account_and_keeps_the_failures_of_the_address():
    limits = Limits(MemoryCounters(), figures())
    assert tries(limits, "ann", "192.0.2.1", 4) == 4

    limits.begin_sign_in("own", "192.0.2.1")
    limits.sign_in_succeeded("own", "192.0.2.1")

    assert tries(limits, "bob", "192.0.2.1", 9) == 1
    assert tries(limits, "own", "198.51.100.1", 9) == 5


def test_tries_at_the_same_time_all_count():
    limits = Limits(MemoryCounters(), figures())
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(tries(limits, "ann", "192.0.2.1", 1)))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(made) == 5
