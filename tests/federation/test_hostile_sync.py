"""Whole syncs against hostile peers on real sockets: each ends with its named reason, in bounded
time and memory, keeps what was read, and does nothing to the others.
"""

import itertools
import json
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import pytest

from app.usecases.federation.access import OpenPeer, ReadAccess
from app.usecases.federation.connections import AddConnection
from app.usecases.federation.keys import IssueKey
from app.usecases.federation.syncing import SyncPeer
from domain.federation.audit import CLI
from domain.ids import JobId
from domain.jobs import Job
from ports.library.catalogue import EVERYTHING
from tests.federation.servers import dripping, gzip_bomb, page, respond, target, work

INSTANCE = json.dumps({"name": "Peer", "version": "1"}).encode()


@dataclass
class Context:
    job_id: object

    def progress(self, **figures):
        pass


@pytest.fixture
def node(
    unit_of_work, read_only, credentials, secrets, secret_box, clock, new_id, make_peers, catalogue
):
    """A node with everything but its database real; ``sync(server)`` connects it and syncs."""
    add = AddConnection(unit_of_work, secrets, secret_box, clock, new_id, False, 100)
    issue = IssueKey(unit_of_work, secrets, clock, new_id)
    peers = make_peers(page_s=1.0, first_byte_s=0.5, max_page_bytes=16 * 1024 * 1024)
    open_peer = OpenPeer(ReadAccess(credentials, secret_box, True), peers)
    sync_peer = SyncPeer(unit_of_work, read_only, open_peer, clock, 200, 1_000_000)
    names = itertools.count()

    def connect(server):
        fields = {"kind": "peer", "scopes": ["read"], "libraries": [], "actor": CLI}
        _, key = issue(name="theirs", **fields)
        connection = add(name=f"peer {next(names)}", url=server.url, key=key, actor=CLI)
        with read_only() as tx:
            return tx.locations.find_by_connection(connection.id).id

    def scan(location_id):
        now = clock.now()
        job = Job(id=JobId(new_id()), name="scan", arguments={}, created_at=now, run_at=now)
        with unit_of_work() as tx:
            tx.jobs.add(job)
            tx.commit()
        with read_only() as tx:
            location = tx.locations.get(location_id)
        return sync_peer(location, Context(job.id))

    return SimpleNamespace(
        connect=connect,
        scan=scan,
        sync=lambda server: scan(connect(server)),
        works=lambda: catalogue.totals(EVERYTHING).works,
    )


def query(request):
    return {k: v[0] for k, v in parse_qs(urlsplit(target(request)).query).items()}


def good(count, *, keyset=False):
    """A peer that keeps to the protocol."""

    def answer(request, sock):
        if target(request).endswith("/instance"):
            return respond(sock, INSTANCE)
        asked = query(request)
        limit = int(asked["per_page"])
        current = int(asked.get("page", 1))
        start = int(asked.get("after", (current - 1) * limit))
        some = [work(n) for n in range(start, min(start + limit, count))]
        more = start + limit < count
        headers = [f'Link: <?after={start + limit}>; rel="next"'] if keyset and more else []
        body = page(some, total=count, pages=-(-count // limit), current=current)
        return respond(sock, body, headers=headers)

    return answer


@pytest.mark.parametrize("keyset", [False, True])
def test_a_good_peer_is_read_to_its_end_over_one_connection(node, serve, keyset):
    server = serve(good(1050, keyset=keyset))
    location = node.connect(server)

    result = node.scan(location)

    assert result["success"], result
    assert result["counts"]["added"] == node.works() == 1050
    assert result["instance_info"]["name"] == "Peer"
    assert server.connections == 1
    assert len(server.requests) == 7
    again = node.scan(location)["counts"]
    assert (again["added"], again["updated"], again["removed"]) == (0, 0, 0)


def first_then(rest):
    """200 good works, then as ``rest`` says."""

    def answer(request, sock):
        if target(request).endswith("/instance"):
            return respond(sock, INSTANCE)
        if "after=" not in target(request):
            some = [work(n) for n in range(200)]
            return respond(sock, page(some, total=10**6), headers=[NEXT])
        return rest(request, sock)

    return answer


BOMB = gzip_bomb(100)
NEXT = 'Link: <?after=1>; rel="next"'


def endless(request, sock):
    number = int(query(request)["after"])
    headers = [f'Link: <?after={number + 1}>; rel="next"']
    return respond(sock, page([work(number)]), headers=headers)


def empty_for_ever(request, sock):
    number = int(query(request)["after"])
    return respond(sock, page([]), headers=[f'Link: <?after={number + 1}>; rel="next"'])


def same_again(_, sock):
    return respond(sock, page([work(1)]), headers=[NEXT])


def drip_header(_, sock):
    dripping(sock, b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000, every_s=0.02)


def drip_body(_, sock):
    sock.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n"
    )
    dripping(sock, b" " * 1000, every_s=0.02)


def bomb(_, sock):
    return respond(sock, BOMB, headers=["Content-Encoding: gzip"])


def small_things(_, sock):
    return respond(sock, b'{"works":[' + b"{}," * 4_000_000 + b"{}]}")


HOSTILE = {
    "endless": (endless, "limit_reached"),
    "empty for ever": (empty_for_ever, "limit_reached"),
    "the same cursor": (same_again, "cycle"),
    "a dripped header": (drip_header, "unreachable"),
    "a dripped body": (drip_body, "unreachable"),
    "a bomb": (bomb, "limit_reached"),
    "millions of small things": (small_things, "limit_reached"),
    "HTML": (lambda _, s: respond(s, b"<html>", kind="text/html"), "JSON"),
    "another type": (lambda _, s: respond(s, page([]), kind="text/plain"), "JSON"),
    "a redirect": (
        lambda _, s: respond(s, status="302 F", headers=["Location: http://169.254.169.254/"]),
        "redirect",
    ),
    "errors": (lambda _, s: respond(s, status="500 Oops"), "unreachable"),
    "a bad gateway": (lambda _, s: respond(s, status="502 Bad", kind="text/html"), "unreachable"),
    "a cut": (lambda _, s: respond(s, b"{", headers=["Connection: close"]) and False, "not JSON"),
    "silence": (lambda _, s: time.sleep(2), "unreachable"),
    "a hang up": (lambda _, s: None, "unreachable"),
    "no length": (lambda _, s: respond(s, page([]), length=False) and False, "no length"),
    "a suspension": (
        lambda _, s: respond(s, b'{"state":"suspended"}', status="403 No"),
        "suspended by peer",
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_peer_ends_with_its_reason_and_what_was_read_is_kept(node, serve, kind):
    rest, words = HOSTILE[kind]
    server = serve(first_then(rest))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.monotonic()

    result = node.sync(server)

    assert not result["success"]
    assert words in result["message"], result["message"]
    assert result["counts"]["added"] >= 200
    assert result["counts"]["removed"] == 0
    assert node.works() == result["counts"]["added"]
    assert time.monotonic() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 64 * 1024


def test_poison_among_good_records_costs_the_poison_only(node, serve):
    poison = [
        work(900, title=7), work(901, year=1), work(902, rating=99), work(903, id="x" * 10_000),
        work(904, title="\ud800"), work(905, rating=float("nan")), work(906, year=10**40),
        None, [], "x", work(907, description="y" * 70_000), work(908, videos=[{"id": "v"}]),
    ]  # fmt: skip
    body = page([*(work(n) for n in range(50)), *poison, *(work(n) for n in range(50, 100))])

    def answer(request, sock):
        return respond(sock, INSTANCE if target(request).endswith("instance") else body)

    result = node.sync(serve(answer))

    assert result["success"]
    assert (result["counts"]["added"], result["counts"]["failed"]) == (100, len(poison))
    assert all(error["reason"] for error in result["errors"])
    assert node.works() == 100


def test_a_good_peer_beside_hostile_ones_is_read_in_full(node, serve):
    servers = [serve(first_then(rest)) for rest in (drip_body, endless, bomb)]
    servers.append(serve(good(600)))
    locations = [node.connect(server) for server in servers]

    with ThreadPoolExecutor(4) as pool:
        *hostile, fine = pool.map(node.scan, locations)

    assert fine["success"]
    assert fine["counts"]["added"] == 600
    assert not any(result["success"] for result in hostile)


def test_a_peer_that_comes_back_is_shown_again(node, serve):
    down = []

    def answer(request, sock):
        return None if down else good(50)(request, sock)

    location = node.connect(serve(answer))
    assert node.scan(location)["success"]
    down.append(True)
    assert "unreachable" in node.scan(location)["message"]
    assert node.works() == 50
    down.clear()
    result = node.scan(location)
    assert result["success"]
    assert result["counts"]["removed"] == 0
