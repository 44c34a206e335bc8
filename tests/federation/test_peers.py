"""Reading a node's API: pages, refusals, and peers that lie."""

import gzip
import json
import resource
import socket
import time

import pytest

from ports.federation.peers import (
    AddressForbidden,
    LimitReached,
    PeerMisbehaves,
    PeerRefused,
    PeerUnreachable,
)
from tests.federation.servers import dripping, gzip_bomb, page, respond, target, work

KEY = "vlr_peer_secret"


def read(peers, server, after=None, limit=200):
    return peers.connect(server.url, KEY).works(after=after, limit=limit)


def test_a_page_is_read_with_the_key_as_bearer(make_peers, serve):
    server = serve(lambda _, sock: respond(sock, page([work(1), work(2)])))

    got = read(make_peers(), server)

    assert [w.remote_id for w in got.works] == ["w1", "w2"]
    assert (got.announced_total, got.after, got.rejected) == (2, None, [])
    assert target(server.requests[0]) == "/api/v1/works?per_page=200"
    assert f"Authorization: Bearer {KEY}" in server.requests[0]


def test_every_field_of_a_record_is_taken(make_peers, serve):
    server = serve(lambda _, sock: respond(sock, page([work(1)])))
    (got,) = read(make_peers(), server).works

    assert (got.title, got.year, got.rating, got.tags) == ("Film 1", 1990, 7.5, ("drama",))
    assert got.external_ids == {"imdb": "tt1"}
    (video,) = got.videos
    assert (video.remote_id, video.filename, video.file_size) == ("v1", "film-1.mp4", 1000)
    assert (video.facts.duration, video.facts.width) == (90.5, 640)
    assert video.fingerprints.oshash == "0" * 16
    assert video.web_compatible
    assert video.available


def test_page_numbers_are_followed_to_the_end(make_peers, serve):
    def answer(request, sock):
        current = 2 if "&page=2" in request else 1
        return respond(sock, page([work(current)], total=2, pages=2, current=current))

    server, peers = serve(answer), make_peers()
    first = read(peers, server)
    second = read(peers, server, after=first.after)

    assert [w.remote_id for w in (*first.works, *second.works)] == ["w1", "w2"]
    assert second.after is None


def test_of_a_link_only_the_cursor_is_taken_and_never_the_address(make_peers, serve):
    link = 'Link: <http://169.254.169.254/steal?after=abc%3D&per_page=9>; rel="next"'

    def answer(request, sock):
        if "after=" in request:
            return respond(sock, page([work(2)]))
        return respond(sock, page([work(1)]), headers=[link])

    server, peers = serve(answer), make_peers()
    first = read(peers, server)
    second = read(peers, server, after=first.after)

    assert second.after is None
    assert target(server.requests[1]) == "/api/v1/works?per_page=200&after=abc%3D"


def test_a_link_to_a_page_number_is_followed_as_one(make_peers, serve):
    link = ['Link: </api/v1/works?page=2&per_page=200>; rel="next"']
    body = page([work(1)], total=2, pages=2)
    got = read(make_peers(), serve(lambda _, sock: respond(sock, body, headers=link)))
    assert got.after == "page:2"


def test_pages_come_over_one_connection(make_peers, serve):
    server, peers = serve(lambda _, sock: respond(sock, page([work(1)]))), make_peers()
    for _ in range(5):
        read(peers, server)
    assert server.connections == 1


def test_a_kept_connection_that_died_is_replaced(make_peers, serve):
    server = serve(lambda _, sock: respond(sock, page([work(1)])) and False)
    peers = make_peers()
    for _ in range(3):
        read(peers, server)
    assert server.connections == 3


def test_compressed_and_chunked_pages_are_understood(make_peers, serve):
    def answer(_, sock):
        body = gzip.compress(page([work(1)]))
        chunks = b"".join(
            b"%x\r\n%s\r\n" % (len(body[i : i + 50]), body[i : i + 50])
            for i in range(0, len(body), 50)
        )
        head = (
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n"
            b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        sock.sendall(head + chunks + b"0\r\n\r\n")
        return True

    server, peers = serve(answer), make_peers()
    assert [w.remote_id for w in read(peers, server).works] == ["w1"]
    assert [w.remote_id for w in read(peers, server).works] == ["w1"]
    assert server.connections == 1


def test_the_instance_is_asked_for(make_peers, serve):
    said = {"name": "Alpha\n", "version": 7, "total_works": 5, "total_videos": -1}
    server = serve(lambda _, sock: respond(sock, json.dumps(said).encode()))
    info = make_peers().connect(server.url, KEY).instance()
    assert (info.name, info.version, info.total_works, info.total_videos) == ("Alpha", "", 5, 0)


@pytest.mark.parametrize(
    ("status", "problem", "words"),
    [
        ("403 Forbidden", {"state": "suspended"}, "suspended by peer"),
        ("403 Forbidden", {"state": "rejected"}, "rejected by peer"),
        ("403 Forbidden", {"state": "revoked"}, "revoked by peer"),
        ("403 Forbidden", {"code": "federation.disabled"}, "federation disabled by peer"),
        ("403 Forbidden", {"state": "<script>", "detail": "evil"}, "the peer does not allow it"),
        ("401 Unauthorized", {"code": "key.refused"}, "unknown, expired or revoked"),
        ("401 Unauthorized", ["nonsense"], "unknown, expired or revoked"),
    ],
)
def test_a_refusal_is_told_in_our_words(make_peers, serve, status, problem, words):
    server = serve(
        lambda _, sock: respond(
            sock, json.dumps(problem).encode(), status=status, kind="application/problem+json"
        )
    )
    with pytest.raises(PeerRefused, match=words) as caught:
        read(make_peers(), server)
    assert "evil" not in str(caught.value)
    assert "script" not in str(caught.value)


@pytest.mark.parametrize(
    ("error", "words", "options"),
    [
        (PeerMisbehaves, "JSON", {"kind": "text/html"}),
        (PeerMisbehaves, "not JSON", {"body": b"<html>"}),
        (PeerMisbehaves, "not a JSON object", {"body": b"[]"}),
        (PeerMisbehaves, "no list of works", {"body": b"{}"}),
        (PeerMisbehaves, "not JSON", {"body": b'{"a":' * 5000}),
        (PeerUnreachable, "500", {"status": "500 Oops"}),
        (PeerUnreachable, "rate limit", {"status": "429 Slow"}),
        (PeerMisbehaves, "no such page", {"status": "404 Not Found"}),
        (PeerMisbehaves, "redirect", {"status": "302 Found", "headers": ["Location: http://169.254.169.254/"]}),
        (PeerMisbehaves, "encoding", {"headers": ["Content-Encoding: br"]}),
        (PeerMisbehaves, "encoding", {"headers": ["Content-Encoding: gzip, gzip"]}),
        (PeerMisbehaves, "decoded", {"headers": ["Content-Encoding: gzip"]}),
        (PeerMisbehaves, "no length", {"length": False}),
        (PeerMisbehaves, "two lengths", {"headers": ["Content-Length: 5"]}),
        (PeerMisbehaves, "ambiguous", {"headers": ["Transfer-Encoding: chunked"]}),
        (PeerMisbehaves, "too many fields", {"headers": [f"X-{n}: 1" for n in range(200)]}),
        (PeerMisbehaves, "too large", {"headers": ["X: " + "y" * 40_000]}),
        (PeerMisbehaves, "well formed", {"headers": ["no colon"]}),
        (PeerMisbehaves, "in HTTP", {"status": "99999"}),
        (PeerMisbehaves, "link", {"headers": ['Link: <?after=a&after=b>; rel="next"']}),
        (LimitReached, "limit_reached", {"body": b" " * 2_000_000}),
        (LimitReached, "too many values", {"body": b'{"works":[' + b"{}," * 300_000 + b"{}]}"}),
    ],
)  # fmt: skip
def test_a_strange_answer_ends_with_its_reason(make_peers, serve, error, words, options):
    body = options.pop("body", page([work(1)]))
    server = serve(lambda _, sock: respond(sock, body, **options))
    with pytest.raises(error, match=words):
        read(make_peers(), server)


def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(make_peers, serve):
    other = serve(lambda _, sock: respond(sock, page([])))
    location = [f"Location: {other.url}/api/v1/works"]
    server = serve(lambda _, sock: respond(sock, status="307 Elsewhere", headers=location))
    with pytest.raises(PeerMisbehaves):
        read(make_peers(), server)
    assert other.requests == []


@pytest.mark.parametrize("part", ["header", "body", "chunks", "silence", "late"])
def test_a_drip_ends_at_the_deadline(make_peers, serve, part):
    def answer(_, sock):
        if part == "silence":
            time.sleep(5)
        if part == "header":
            dripping(sock, b"HTTP/1.1 200 OK\r\nX: " + b"y" * 900, every_s=0.02)
        if part == "late":
            time.sleep(0.3)
        framing = b"Transfer-Encoding: chunked" if part == "chunks" else b"Content-Length: 900"
        sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + framing + b"\r\n\r\n"
        )
        dripping(sock, b"1\r\n \r\n" * 300 if part == "chunks" else b" " * 900, every_s=0.02)

    server = serve(answer)
    began = time.monotonic()
    with pytest.raises(PeerUnreachable, match=r"longer than|in time"):
        read(make_peers(page_s=0.6, first_byte_s=0.4), server)
    assert time.monotonic() - began < 1.5


def test_a_cut_page_is_not_taken_for_a_whole_one(make_peers, serve):
    def answer(_, sock):
        body = page([work(1)])
        respond(sock, body + b" " * 100)
        return False

    def cut(_, sock):
        body = page([work(1)])
        sock.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body) + 1, body)
        )

    with pytest.raises(PeerUnreachable, match="cut off"):
        read(make_peers(), serve(cut))
    assert read(make_peers(), serve(answer)).works


def test_a_compressed_bomb_costs_little_memory_and_ends_at_the_cap(make_peers, serve):
    bomb = gzip_bomb(400)
    server = serve(lambda _, sock: respond(sock, bomb, headers=["Content-Encoding: gzip"]))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(LimitReached, match="limit_reached"):
        read(make_peers(max_page_bytes=16 * 1024 * 1024), server)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


@pytest.mark.parametrize("junk", [b"[]", b'"a"', b"1", b'{"a":1}'])
def test_a_page_of_small_things_costs_little_memory(make_peers, serve, junk):
    body = b'{"works":[' + b",".join([junk] * (16_000_000 // (len(junk) + 1))) + b"]}"
    server = serve(lambda _, sock: respond(sock, body))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(LimitReached):
        read(make_peers(max_page_bytes=16 * 1024 * 1024), server)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


BAD = {
    "title": ["", " ", 7, None, ["x"], "x" * 501, "a\x00b", "\ud800"],
    "id": ["", None, 5, "x" * 201, "x" * 10_000, ".", "..", "a\nb"],
    "year": [1869, 2032, -5, 1e3, "1990", True],
    "rating": [-0.1, 10.1, "7", True, float("nan"), float("inf"), 10**400],
    "tags": ["drama", [1], [""], ["x" * 101], {"a": 1}],
    "description": [5, "x" * 20_001, "a\x07"],
    "director": [[], "x" * 301],
    "external_ids": [[], {"a": 1}, {"": "x"}, "tt1"],
    "videos": [None, {}, "v", [1], [{}]],
}
BAD_VIDEO = {
    "id": ["", None, "x" * 201],
    "filename": ["", None, 5, "x" * 1001],
    "file_size": [-1, 1.5, None, "9", True, 2**53, 10**30, float("inf")],
    "duration": [-1, "x", float("nan"), True, 1e300],
    "width": [-1, 1.5, 2**60],
    "bit_rate": ["fast"],
    "frame_rate": [float("inf")],
    "video_codec": [5, "x" * 101],
    "fingerprints": [[], {"oshash": "zz"}, {"sha256": 5}],
}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, values in BAD.items() for v in values])
def test_a_bad_record_is_set_aside_and_the_rest_goes_on(make_peers, serve, field, value):
    body = page([work(1), work(2, **{field: value}), work(3)])
    got = read(make_peers(), serve(lambda _, sock: respond(sock, body)))
    assert [w.remote_id for w in got.works] == ["w1", "w3"]
    (rejected,) = got.rejected
    assert rejected.reason
    assert len(rejected.remote_id) <= 80


@pytest.mark.parametrize(
    ("field", "value"), [(f, v) for f, values in BAD_VIDEO.items() for v in values]
)
def test_a_bad_video_sets_its_record_aside(make_peers, serve, field, value):
    bad = work(2)
    bad["videos"][0][field] = value
    got = read(make_peers(), serve(lambda _, sock: respond(sock, page([work(1), bad]))))
    assert [w.remote_id for w in got.works] == ["w1"]
    assert len(got.rejected) == 1


@pytest.mark.parametrize("record", [None, 5, "x", [], True, work(2, extra="y" * 70_000)])
def test_a_record_that_is_none_or_too_large_is_set_aside(make_peers, serve, record):
    got = read(make_peers(), serve(lambda _, sock: respond(sock, page([work(1), record]))))
    assert [w.remote_id for w in got.works] == ["w1"]
    assert len(got.rejected) == 1


def test_fields_that_are_withheld_or_new_do_no_harm(make_peers, serve):
    thin = work(1, shiny={"new": [1]})
    for field in ("description", "director", "rating", "tags", "external_ids"):
        del thin[field]
    (got,) = read(make_peers(), serve(lambda _, sock: respond(sock, page([thin])))).works
    assert (got.description, got.rating, got.tags, got.external_ids) == ("", None, (), {})


def test_an_equal_record_has_an_equal_digest_in_any_order(make_peers, serve):
    turned = dict(reversed(work(1).items()))
    body = page([work(1), turned, work(1, title="Other")])
    one, same, other = read(make_peers(), serve(lambda _, sock: respond(sock, body))).works
    assert one.digest == same.digest != other.digest


def test_nobody_there_is_unreachable(make_peers):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(PeerUnreachable, match="refused"):
        make_peers().connect(f"http://127.0.0.1:{port}", KEY).instance()


def test_an_address_that_is_not_allowed_gets_no_connection(make_peers, serve):
    server = serve(lambda _, sock: respond(sock, page([])))
    with pytest.raises(AddressForbidden, match="FEDERATION_ALLOWED_NETWORKS"):
        read(make_peers(allowed=()), server)
    assert server.connections == 0


def test_the_environment_has_no_say(make_peers, serve, monkeypatch, tmp_path):
    server = serve(lambda _, sock: respond(sock, page([])))
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login evil password evil")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    read(make_peers(), server)
    assert f"Authorization: Bearer {KEY}" in server.requests[0]


@pytest.mark.parametrize("key", ["a\r\nX: 1", "a\nb", "a\0b", "\u2028"])
def test_a_key_cannot_smuggle_a_line_in(make_peers, serve, key):
    server = serve(lambda _, sock: respond(sock, page([])))
    with pytest.raises(PeerMisbehaves):
        make_peers().connect(server.url, key).instance()
    assert server.requests == []


def test_pictures_are_of_allowed_types_and_sizes(make_peers, serve):
    answers = iter(
        [
            {"body": b"jpeg", "kind": "image/jpeg"},
            {"status": "404 Not Found"},
            {"body": b"<svg>", "kind": "image/svg+xml"},
        ]
    )
    server = serve(lambda _, sock: respond(sock, **next(answers)))
    peer = make_peers().connect(server.url, KEY)

    assert peer.thumbnail("v/../1") == b"jpeg"
    assert target(server.requests[0]) == "/api/v1/videos/v%2F..%2F1/thumbnail"
    assert peer.thumbnail("v1") is None
    with pytest.raises(PeerMisbehaves, match="type"):
        peer.thumbnail("v1")
