"""Bytes of another node: ranges, changes, breaks, and peers that lie about them."""

import re
import threading
import time

import pytest

from adapters.storage.breaker import FAILURES, REST_S, Breaker
from adapters.storage.velour import VelourStorage
from domain.errors import BadUpstream
from domain.federation.connection import ConnectionInactive
from ports.byte_body import BodyTruncated
from ports.federation.peers import PeerAccess, PeerMisbehaves, PeerUnreachable
from ports.library.storage import (
    ObjectChanged,
    ObjectNotFound,
    OriginSlow,
    OriginUnreachable,
    StorageUnreachable,
)
from tests.federation.servers import dripping, respond, target

FILM = bytes(range(256)) * 4096  # 1 MiB
ETAG = "film-1"


class Film:
    """A peer that serves one film as it should; tests bend it."""

    def __init__(self):
        self.data, self.etag = FILM, ETAG
        self.cut_after = None
        self.status = None
        self.extra = []
        self.lock = threading.Lock()

    def __call__(self, request, sock):
        if self.status:
            return respond(sock, status=self.status)
        method = request.split(" ")[0]
        asked = re.search(r"Range: bytes=(\d+)-(\d+)\r", request + "\r")
        match = f'If-Range: "{self.etag}"' in request or "If-Range" not in request
        head = [f'ETag: "{self.etag}"', *self.extra]
        if method == "HEAD":
            head += [f"Content-Length: {len(self.data)}"]
            sock.sendall("\r\n".join(["HTTP/1.1 200 OK", *head, "", ""]).encode())
            return True
        body, status = self.data, "200 OK"
        if asked and match:
            start, last = map(int, asked.groups())
            body, status = self.data[start : last + 1], "206 Partial Content"
            head.append(f"Content-Range: bytes {start}-{last}/{len(self.data)}")
        head.append(f"Content-Length: {len(body)}")
        with self.lock:
            cut, self.cut_after = self.cut_after, None
        sock.sendall("\r\n".join([f"HTTP/1.1 {status}", *head, "", ""]).encode() + body[:cut])
        return cut is None


@pytest.fixture
def film():
    return Film()


@pytest.fixture
def server(serve, film):
    return serve(film)


@pytest.fixture
def storage(server, make_outbound):
    return VelourStorage(
        lambda: PeerAccess(server.url, "vlr_peer_secret"), make_outbound(), sleep=lambda _: None
    )


def read(body):
    try:
        return b"".join(body)
    finally:
        body.close()


def open_(storage, start=0, length=1024 * 1024, etag=ETAG):
    return storage.open("v/1", start=start, length=length, etag=etag)


def test_size_and_etag_are_asked_for_once_a_minute(storage, server):
    first = storage.stat("v/1")
    assert (first.size_bytes, first.etag) == (len(FILM), ETAG)
    assert storage.stat("v/1") == first
    assert len(server.requests) == 1
    assert server.requests[0].startswith("HEAD /api/v1/videos/v%2F1/stream HTTP/1.1")


@pytest.mark.parametrize(
    ("start", "length"), [(0, 1), (0, len(FILM)), (5, 100), (len(FILM) - 1, 1), (7000, 300_000)]
)
def test_a_span_is_read_exactly(storage, server, start, length):
    assert read(open_(storage, start, length)) == FILM[start : start + length]
    request = server.requests[0]
    assert f"Range: bytes={start}-{start + length - 1}" in request
    assert f'If-Range: "{ETAG}"' in request
    assert "Accept-Encoding: identity" in request
    assert "Authorization: Bearer vlr_peer_secret" in request


def test_connections_are_kept_when_a_body_was_read_to_its_end(storage, server):
    for start in range(20):
        read(open_(storage, start, 1000))
    assert server.connections == 1


def test_a_body_that_is_left_early_closes_its_connection(storage, server):
    body = open_(storage)
    next(iter(body))
    body.close()
    read(open_(storage, 0, 10))
    assert server.connections == 2


def test_little_of_the_body_is_read_with_the_header(storage):
    body = open_(storage)
    assert len(body.prefix) <= 8192
    body.close()


@pytest.mark.parametrize("cut", [0, 1, 1000, 500_000, len(FILM) - 1])
def test_a_break_is_mended_at_the_exact_byte(storage, server, film, cut):
    film.cut_after = cut
    assert read(open_(storage)) == FILM
    assert len(server.requests) == 2


def test_a_film_that_changed_after_a_break_is_never_glued_together(storage, film):
    film.cut_after = 1000
    body = open_(storage)
    film.etag, film.data = "film-2", FILM[::-1]
    with pytest.raises(BodyTruncated):
        read(body)


def test_without_an_etag_a_break_stays_one(storage, film):
    film.cut_after = 1000
    with pytest.raises(BodyTruncated):
        read(open_(storage, etag=None))


def test_a_peer_that_restarts_is_waited_for(serve, film, make_outbound):
    server = serve(film)
    url = server.url
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            film.status = None

    storage = VelourStorage(lambda: PeerAccess(url, "k"), make_outbound(), sleep=sleep)
    film.cut_after = 5000
    body = open_(storage)
    film.status = "503 Starting"
    assert read(body) == FILM
    assert len(waits) == 3


def test_a_film_that_changed_is_not_the_one_that_was_asked_for(storage, film):
    film.etag = "film-2"
    with pytest.raises(ObjectChanged):
        open_(storage)
    with pytest.raises(ObjectChanged):
        open_(storage, start=5, length=5)


def test_a_change_is_seen_by_the_next_stat(storage, film):
    storage.stat("v/1")
    film.etag = "film-2"
    with pytest.raises(ObjectChanged):
        open_(storage)
    assert storage.stat("v/1").etag == "film-2"


def test_a_weak_etag_does_not_count(storage, film):
    film.etag = 'x" , W/"y'
    assert storage.stat("v/1").etag is None


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("404 Not Found", ObjectNotFound),
        ("410 Gone", ObjectNotFound),
        ("416 Range", ObjectChanged),
        ("401 Unauthorized", StorageUnreachable),
        ("403 Forbidden", StorageUnreachable),
        ("429 Slow", OriginUnreachable),
        ("500 Oops", OriginUnreachable),
        ("502 Bad Gateway", OriginUnreachable),
        ("302 Found", BadUpstream),
        ("418 Teapot", BadUpstream),
    ],
)
def test_an_answer_without_bytes_is_told_as_what_it_means(storage, film, status, error):
    film.status = status
    with pytest.raises(error):
        open_(storage)
    with pytest.raises(error):
        storage.stat("v/1")


LIES = {
    "a whole for a range": "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
    "another span": "HTTP/1.1 206 P\r\nContent-Range: bytes 0-9/1000\r\nContent-Length: 10\r\n\r\n",
    "no span": "HTTP/1.1 206 P\r\nContent-Length: 10\r\n\r\n",
    "too long": "HTTP/1.1 206 P\r\nContent-Range: bytes 5-14/1000\r\nContent-Length: 11\r\n\r\n",
    "too short": "HTTP/1.1 206 P\r\nContent-Range: bytes 5-14/1000\r\nContent-Length: 9\r\n\r\n",
    "chunked": "HTTP/1.1 206 P\r\nContent-Range: bytes 5-14/1000\r\nTransfer-Encoding: chunked\r\n\r\n",
    "no length": "HTTP/1.1 206 P\r\nContent-Range: bytes 5-14/1000\r\n\r\n",
    "HTTP/1.0 without length": "HTTP/1.0 206 P\r\nContent-Range: bytes 5-14/1000\r\n\r\n",
    "encoded": "HTTP/1.1 206 P\r\nContent-Range: bytes 5-14/9\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n",
    "multipart": "HTTP/1.1 206 P\r\nContent-Type: multipart/byteranges; boundary=x\r\nContent-Length: 10\r\n\r\n",
    "no http": "SSH-2.0-OpenSSH\r\n\r\n",
    "two lengths": "HTTP/1.1 206 P\r\nContent-Length: 10\r\nContent-Length: 11\r\n\r\n",
    "negative length": "HTTP/1.1 206 P\r\nContent-Length: -1\r\n\r\n",
    "switching": "HTTP/1.1 101 Switching\r\n\r\n",
    "interim for ever": "HTTP/1.1 100 Continue\r\n\r\n" * 50,
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_about_the_bytes_is_refused(serve, make_outbound, lie):
    def answer(_, sock):
        sock.sendall(LIES[lie].encode() + b"x" * 10)
        time.sleep(0.05)

    url = serve(answer).url
    storage = VelourStorage(lambda: PeerAccess(url, "k"), make_outbound())
    with pytest.raises((BadUpstream, ObjectChanged)):
        storage.open("v", start=5, length=10, etag=None)


@pytest.mark.parametrize("part", ["silence", "drip"])
def test_a_slow_header_ends_at_the_deadline(serve, make_outbound, part):
    def answer(_, sock):
        if part == "silence":
            time.sleep(3)
        dripping(sock, b"HTTP/1.1 200 OK\r\nX: " + b"y" * 500, every_s=0.02)

    url = serve(answer).url
    storage = VelourStorage(lambda: PeerAccess(url, "k"), make_outbound(first_byte_s=0.3))
    began = time.monotonic()
    with pytest.raises(OriginSlow):
        storage.stat("v")
    assert time.monotonic() - began < 1


def test_a_connection_that_does_not_count_is_not_used(server, make_outbound):
    def refuse():
        raise ConnectionInactive("the connection is suspended")

    storage = VelourStorage(refuse, make_outbound())
    with pytest.raises(StorageUnreachable, match="suspended"):
        storage.stat("v")
    assert server.requests == []


def test_a_suspension_stops_the_mending_of_a_break(server, film, make_outbound):
    access = [PeerAccess(server.url, "k")]

    def read_access():
        if not access:
            raise ConnectionInactive("the connection is suspended")
        return access[0]

    storage = VelourStorage(read_access, make_outbound(), sleep=lambda _: None)
    film.cut_after = 1000
    body = open_(storage)
    access.clear()
    with pytest.raises(BodyTruncated):
        read(body)


def test_a_refusal_stops_the_mending_of_a_break_at_once(server, film, make_outbound):
    waits = []
    access = PeerAccess(server.url, "k")
    storage = VelourStorage(lambda: access, make_outbound(), sleep=waits.append)
    film.cut_after = 1000
    body = open_(storage)
    film.status = "403 Suspended"
    with pytest.raises(BodyTruncated):
        read(body)
    assert waits == []


def test_check_asks_whether_the_node_answers(storage, server, film):
    assert storage.check() == "the node answers"
    assert target(server.requests[0]) == "/api/v1/ping"
    film.status = "401 No"
    with pytest.raises(StorageUnreachable):
        storage.check()


def test_a_dead_peer_is_asked_a_few_times_and_then_left_alone(make_outbound):
    now, tried = [0.0], []

    class Dead:
        def fetch(self, method, url, *, headers):
            tried.append(url)
            raise PeerUnreachable

    storage = VelourStorage(
        lambda: PeerAccess("http://a.example", "k"),
        Dead(),
        breaker=Breaker(monotonic=lambda: now[0]),
    )
    for _ in range(10):
        with pytest.raises(StorageUnreachable):
            storage.stat("v")
    assert len(tried) == FAILURES
    now[0] += REST_S
    for _ in range(5):
        with pytest.raises(StorageUnreachable):
            storage.stat("v")
    assert len(tried) == FAILURES + 1


def test_one_good_answer_closes_the_matter():
    now = [0.0]
    breaker = Breaker(monotonic=lambda: now[0])
    for _ in range(FAILURES):
        assert breaker.lets_through()
        breaker.record(success=False)
    assert not breaker.lets_through()
    now[0] += REST_S
    assert breaker.lets_through()
    assert not breaker.lets_through()
    breaker.record(success=True)
    assert breaker.lets_through()


def test_the_client_is_told_of_nonsense_by_name(serve, make_outbound):
    server = serve(lambda _, sock: sock.sendall(b"nonsense\r\n\r\n"))
    with pytest.raises(PeerMisbehaves):
        make_outbound().fetch("GET", server.url, headers={})
