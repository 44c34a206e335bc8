"""Two whole nodes in one process: one serves a library over HTTP, the other syncs and plays it."""

import hashlib
import random
from functools import partial

import pytest

from ports.library.catalogue import EVERYTHING
from tests.federation.node import FILM, Node


@pytest.fixture
def nodes(tmp_path):
    made = []

    def make(name):
        made.append(Node(tmp_path / name))
        return made[-1]

    yield make
    for node in made:
        node.close()


@pytest.fixture
def pair(nodes, tmp_path):
    a, b = nodes("a"), nodes("b")
    a.add_library("Shared", tmp_path / "shared", [f"Film {n:03}" for n in range(250)])
    a.add_library("Private", tmp_path / "private", ["Secret 1", "Secret 2"])
    a.serve()
    key = a.issue("b", "read", "stream", "metadata", libraries=["Shared"])
    b.connect("a", a, key)
    result = b.scan("a")
    assert result["success"], result
    return a, b, key, result


def titles(node):
    catalogue = node.container.catalogue()
    page = catalogue.works_page(EVERYTHING, page=1, per_page=1000)
    return [text.split('"title":"')[1].split('"')[0] for text in page.documents]


def film_url(node, key):
    found = node.get("/api/v1/videos/search?query=Film 000", key).json["videos"]
    return f"/api/v1/videos/{found[0]['id']}/stream"


def test_the_shared_library_is_learnt_whole_and_the_other_not_at_all(pair):
    a, b, _, result = pair
    assert result["counts"] == {
        "found": 250, "added": 250, "updated": 0, "missing": 0, "removed": 0, "failed": 0,
    }  # fmt: skip
    assert result["instance_info"]["total_works"] == 250
    assert sorted(titles(b)) == [f"Film {n:03}" for n in range(250)]
    reader = b.issue("reader", "read", kind="app")
    assert b.get("/api/v1/videos/search?query=Secret", reader).json["videos"] == []
    again = b.scan("a")["counts"]
    assert (again["added"], again["updated"], again["removed"]) == (0, 0, 0)
    with a.container.read_only() as tx:
        (inbound,) = tx.connections.all()
        assert (inbound.name, inbound.direction, inbound.state) == ("b", "inbound", "active")


def test_a_film_streams_through_byte_identical(pair):
    _, b, _, _ = pair
    reader = b.issue("reader", "read", "stream", kind="app")
    get = partial(b.get, film_url(b, reader), reader)

    whole = get()
    assert whole.status_code == 200
    assert hashlib.sha256(whole.data).digest() == hashlib.sha256(FILM).digest()
    dice = random.Random(1)
    for _ in range(100):
        start = dice.randrange(len(FILM))
        end = min(start + dice.randrange(1, 1 << 18), len(FILM) - 1)
        part = get(Range=f"bytes={start}-{end}")
        assert part.status_code == 206
        assert part.headers["Content-Range"] == f"bytes {start}-{end}/{len(FILM)}"
        assert part.data == FILM[start : end + 1]
    assert get(Range=f"bytes={len(FILM)}-").status_code == 416


def test_suspending_is_felt_at_once_and_undone_without_pairing(pair):
    a, b, key, _ = pair
    reader = b.issue("reader", "read", "stream", kind="app")
    url = film_url(b, reader)
    a.move("suspend", "b")

    refused = b.scan("a")
    assert not refused["success"]
    assert "suspended by peer" in refused["message"]
    assert a.get("/api/v1/ping", key).status_code == 403
    assert b.get(url, reader).status_code in {502, 503}
    assert len(titles(b)) == 250
    with b.container.read_only() as tx:
        assert tx.connections.find_by_name("a").remote_state == "suspended by peer"
    a.move("resume", "b")
    assert b.scan("a")["success"]
    assert b.get(url, reader).data == FILM


def test_our_own_suspension_stops_reading_at_once(pair):
    _, b, _, _ = pair
    reader = b.issue("reader", "read", "stream", kind="app")
    url = film_url(b, reader)
    assert b.get(url, reader, Range="bytes=0-9").data == FILM[:10]
    b.move("suspend", "a")
    assert b.get(url, reader, Range="bytes=0-9").status_code in {502, 503}
    assert "suspended" in b.scan("a")["message"]
    b.move("resume", "a")
    assert b.get(url, reader, Range="bytes=0-9").data == FILM[:10]


def test_revoking_ends_it_for_good(pair):
    a, b, key, _ = pair
    a.move("revoke", "b")
    assert a.get("/api/v1/ping", key).status_code == 401
    result = b.scan("a")
    assert not result["success"]
    assert "revoked" in result["message"]
    assert len(titles(b)) == 250


def test_a_peer_that_is_down_loses_nothing(pair):
    a, b, _, _ = pair
    port = a.server.server_port
    a.stop()
    result = b.scan("a")
    assert not result["success"]
    assert "unreachable" in result["message"]
    assert len(titles(b)) == 250
    a.serve(port)
    counts = b.scan("a")
    assert counts["success"], counts
    assert (counts["counts"]["added"], counts["counts"]["removed"]) == (0, 0)


def test_what_was_learnt_is_not_passed_on(pair, nodes):
    _, b, _, _ = pair
    b.serve()
    c = nodes("c")
    c.connect("b", b, b.issue("c", "read", "stream", libraries=["a"]))
    result = c.scan("b")
    assert result["success"], result
    assert result["counts"]["found"] == 0
    assert titles(c) == []


def test_reading_each_other_adds_nothing(pair):
    a, b, _, _ = pair
    b.serve()
    a.connect("b again", b, b.issue("a", "read", libraries=["a"]))
    assert a.scan("b again")["counts"]["found"] == 0
    assert len(titles(a)) == 252


def test_everything_left_its_trail_and_the_trail_is_whole(pair):
    a, b, _, _ = pair
    for node in (a, b):
        node.container.audit_trail().flush()
        verdict = node.container.verify_audit()()
        assert verdict.fault == ""
        assert verdict.size > 0
