"""Syncing: to the end, kept page by page, and never fooled into forgetting."""

from dataclasses import replace

import pytest

from adapters.memory.peers import MemoryPeer
from app.usecases.federation.syncing import SyncPeer
from domain.federation.remote_work import RemoteVideo, RemoteWork
from domain.ids import JobId
from domain.jobs import Job
from domain.library.video import Fingerprints, MediaFacts
from ports.federation.peers import (
    CataloguePage,
    PeerMisbehaves,
    PeerRefused,
    PeerUnreachable,
    Rejected,
)
from ports.jobs import JobInterrupted
from ports.library.catalogue import EVERYTHING
from tests.unit.federation.conftest import NOW, Context

URL = "http://a.example"


def work(number, **changes):
    video = RemoteVideo(
        remote_id=f"v{number}",
        filename="film.mp4",
        file_size=100,
        facts=MediaFacts(),
        fingerprints=Fingerprints(),
        web_compatible=True,
        available=True,
    )
    fields = {
        "remote_id": f"w{number}",
        "title": f"Film {number}",
        "year": None,
        "description": "",
        "director": "",
        "rating": None,
        "content_rating": None,
        "tags": (),
        "external_ids": {},
        "videos": (video,),
        "digest": f"digest {number}".encode(),
        **changes,
    }
    return RemoteWork(**fields)


@pytest.fixture
def peer(peers, issue):
    _, text = issue("theirs")
    return peers.add(URL, text, MemoryPeer(name="Alpha")), text


@pytest.fixture
def connection(add, peer):
    return add("alpha", URL, peer[1])


@pytest.fixture
def location(connection, read_only):
    """Read the connection's location, anew."""

    def read():
        with read_only() as tx:
            return tx.locations.find_by_connection(connection.id)

    return read


@pytest.fixture
def context(unit_of_work, new_id):
    def make(**arguments):
        job = Job(id=JobId(new_id()), name="scan", arguments=arguments, created_at=NOW, run_at=NOW)
        with unit_of_work() as tx:
            tx.jobs.add(job)
            tx.commit()
        return Context(job.id, [])

    return make


@pytest.fixture
def make_sync(unit_of_work, read_only, make_open, clock):
    def make(*, enabled=True, **options):
        given = {"page_size": 10, "max_works": 1_000_000, **options}
        return SyncPeer(unit_of_work, read_only, make_open(enabled=enabled), clock, **given)

    return make


@pytest.fixture
def sync(make_sync, location, context):
    return lambda **arguments: make_sync()(location(), context(**arguments))


@pytest.fixture
def shown(catalogue):
    """Count what is listed, by availability."""
    return lambda: catalogue.totals(EVERYTHING).works


def test_all_pages_are_read_and_a_second_sync_writes_nothing(peer, sync, shown, location):
    peer[0].works_held = [work(n) for n in range(25)]
    result = sync()

    assert result["success"]
    assert result["message"] == "alpha: 25 works found, 25 added"
    assert result["counts"] == {
        "found": 25, "added": 25, "updated": 0, "missing": 0, "removed": 0, "failed": 0,
    }  # fmt: skip
    assert result["instance_info"]["name"] == "Alpha"
    assert shown() == 25
    assert location().last_scan.success
    assert location().reachable
    again = sync()
    assert again["counts"] == {**result["counts"], "added": 0}


def test_edits_additions_and_losses_are_followed(peer, sync, shown):
    peer[0].works_held = [work(n) for n in range(10)]
    sync()
    peer[0].works_held = [
        *(work(n) for n in range(8)),
        work(8, title="New title", digest=b"new"),
        work(77),
    ]
    counts = sync()["counts"]
    assert (counts["added"], counts["updated"], counts["removed"]) == (1, 1, 1)
    assert shown() == 10


def test_what_comes_back_is_shown_again(peer, sync, shown):
    peer[0].works_held = [work(n) for n in range(5)]
    sync()
    peer[0].works_held = []
    sync()
    assert shown() == 0
    peer[0].works_held = [work(n) for n in range(5)]
    sync()
    assert shown() == 5


def test_a_large_loss_waits_for_approval(peer, sync, shown):
    peer[0].works_held = [work(n) for n in range(100)]
    sync()
    peer[0].works_held = [work(n) for n in range(50)]
    held = sync()

    assert held["success"]
    assert "50 of 100 works" in held["message"]
    assert (held["counts"]["missing"], held["counts"]["removed"]) == (50, 0)
    assert shown() == 100
    approved = sync(approved_missing=50)
    assert approved["counts"]["removed"] == 50
    assert shown() == 50


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (PeerUnreachable("its connection was refused"), "unreachable: its connection was refused"),
        (PeerRefused("suspended by peer"), "suspended by peer"),
        (PeerRefused("federation disabled by peer"), "federation disabled by peer"),
        (PeerMisbehaves("it does not answer in JSON"), "it does not answer in JSON"),
    ],
)
def test_a_peer_that_fails_is_offline_and_not_empty(
    peer, sync, shown, location, read_only, connection, fault, words
):
    peer[0].works_held = [work(n) for n in range(30)]
    sync()
    peer[0].fault = fault
    result = sync()

    assert not result["success"]
    assert words in result["message"]
    assert result["counts"]["removed"] == 0
    assert shown() == 30
    assert location().reachable is False
    with read_only() as tx:
        assert tx.learnt.set_offline(connection.id) == 0  # they are already
    peer[0].fault = None
    assert sync()["success"]
    assert location().reachable
    with read_only() as tx:
        assert tx.learnt.set_offline(connection.id) == 30


def test_what_the_peer_says_of_us_shows_at_the_connection(peer, sync, connections):
    peer[0].fault = PeerRefused("suspended by peer")
    sync()
    assert connections()[-1].remote_state == "suspended by peer"
    peer[0].fault = None
    sync()
    assert connections()[-1].remote_state == ""


def test_pages_before_a_break_are_kept_and_nothing_is_removed(peer, sync, shown):
    peer[0].works_held = [work(n) for n in range(40)]
    peer[0].fault, peer[0].fault_after = PeerUnreachable("the answer was cut off"), 2
    result = sync()
    assert not result["success"]
    assert result["counts"]["added"] == 20
    assert shown() == 20
    peer[0].fault = None
    assert sync()["counts"]["added"] == 20


def test_federation_that_is_off_says_so(make_sync, location, context):
    result = make_sync(enabled=False)(location(), context())
    assert not result["success"]
    assert "federation disabled" in result["message"]


def test_our_own_suspension_says_so(sync, connection, moves):
    moves.suspend(connection)
    result = sync()
    assert not result["success"]
    assert "suspended" in result["message"]


def test_a_suspension_in_the_middle_ends_the_sync(
    peer, make_sync, location, context, moves, connection
):
    peer[0].works_held = [work(n) for n in range(30)]
    running = context()
    running.progress = lambda **_: moves.suspend(connection)
    result = make_sync()(location(), running)
    assert not result["success"]
    assert result["counts"]["added"] == 10


def test_bad_records_are_reported_and_never_removed(peer, sync, shown):
    peer[0].works_held = [work(n) for n in range(5)]
    sync()
    peer[0].works_held = [work(n) for n in range(4)]
    peer[0].rejected = [Rejected("w4", "year is impossible"), Rejected("", "id is not text")]
    result = sync()

    assert result["success"]
    assert result["counts"]["failed"] == 2
    assert result["errors"][0] == {"item": "w4", "reason": "year is impossible"}
    assert result["counts"]["removed"] == 0
    assert shown() == 5


def test_a_worker_that_stops_keeps_the_pages_so_far(peer, make_sync, location, context, shown):
    peer[0].works_held = [work(n) for n in range(30)]
    running = context()

    def stop(**figures):
        raise JobInterrupted

    running.progress = stop
    with pytest.raises(JobInterrupted):
        make_sync()(location(), running)
    assert shown() == 10


def test_progress_tells_how_far_it_is(peer, make_sync, location, context):
    peer[0].works_held = [work(n) for n in range(15)]
    running = context()
    make_sync()(location(), running)
    assert [(f["found"], f["total"]) for f in running.figures] == [(10, 15), (15, 15)]


class EndlessPeer(MemoryPeer):
    """Goes on for ever, as ``page`` says."""

    def __init__(self, page):
        super().__init__()
        self.page, self.asked = page, 0

    def works(self, *, after, limit):
        self.asked += 1
        return self.page(self.asked)


def full(number, total):
    works = [work(number * 10 + n) for n in range(10)]
    return CataloguePage(works, [], total, f"c{number}")


@pytest.mark.parametrize(
    ("page", "words", "pages"),
    [
        (lambda n: CataloguePage([work(0)] * 10, [], 100, f"c{n}"), "limit_reached", 30),
        (lambda n: full(n, 10**9), "limit_reached", 30),
        (lambda n: CataloguePage([], [], 10**9, f"c{n}"), "limit_reached", 100),
        (lambda n: replace(full(n, 10**9), after="same"), "cycle", 2),
        (lambda n: replace(full(n, 10**9), after=f"c{n % 7}"), "cycle", 8),
        (lambda n: CataloguePage([], [Rejected("x", "bad")] * 10, 50, f"c{n}"), "limit_reached", 30),
    ],
)  # fmt: skip
def test_an_endless_peer_ends_at_a_cap_and_what_was_read_is_kept(
    peers, peer, make_sync, location, context, shown, page, words, pages
):
    endless = peers.add(URL, peer[1], EndlessPeer(page))
    result = make_sync(max_works=300)(location(), context())

    assert not result["success"]
    assert words in result["message"]
    assert endless.asked == pages
    assert shown() == result["counts"]["added"]
    assert result["counts"]["removed"] == 0
    assert location().reachable


def test_a_peer_that_sends_more_than_it_announced_is_stopped(
    peers, peer, make_sync, location, context
):
    endless = peers.add(
        URL, peer[1], EndlessPeer(lambda n: CataloguePage([work(0)] * 50, [], 1000, f"c{n}"))
    )
    result = make_sync(page_size=50)(location(), context())
    assert "limit_reached: more than the 2100 works" in result["message"]
    assert endless.asked == 42


def test_a_page_of_only_bad_records_does_not_end_the_sync(
    peers, peer, make_sync, location, context
):
    pages = [
        CataloguePage([], [Rejected("x", "bad")] * 10, 20, "c1"),
        CataloguePage([work(1)], [], 20, None),
    ]
    peers.add(URL, peer[1], EndlessPeer(lambda n: pages[n - 1]))
    result = make_sync()(location(), context())
    assert result["success"]
    assert (result["counts"]["added"], result["counts"]["failed"]) == (1, 10)


def test_a_peer_that_is_slow_for_what_it_sends_is_given_up(
    peers, peer, make_sync, location, context
):
    time = iter(range(0, 10**6, 29))
    peers.add(URL, peer[1], EndlessPeer(lambda n: full(n, 10**6)))
    result = make_sync(monotonic=lambda: next(time))(location(), context())
    assert "limit_reached" in result["message"]
    assert "too slow" in result["message"]
    assert result["counts"]["added"] <= 50


def test_who_the_peer_is_may_stay_unknown(peer, sync, monkeypatch):
    def instance(_):
        raise PeerMisbehaves("no such page")

    peer[0].works_held = [work(1)]
    monkeypatch.setattr(MemoryPeer, "instance", instance)
    result = sync()
    assert result["success"]
    assert "instance_info" not in result


def test_two_peers_with_equal_ids_do_not_touch_each_other(
    peers, peer, add, issue, sync, shown, make_sync, read_only, context
):
    peer[0].works_held = [work(1)]
    sync()
    _, text = issue("others")
    other = add("beta", "http://b.example", text)
    peers.add("http://b.example", text, MemoryPeer(works_held=[work(1, title="Mine")]))
    with read_only() as tx:
        location = tx.locations.find_by_connection(other.id)
    assert make_sync()(location, context())["counts"]["added"] == 1
    assert shown() == 2
