"""Films on plain web servers: no HEAD, no ranges, no strong tags, and servers that lie."""

import time

import pytest

from domain.errors import BadUpstream
from ports.byte_body import BodyTruncated
from ports.library.storage import (
    SKIPPED_BYTES,
    ObjectChanged,
    ObjectNotFound,
    OriginSlow,
    OriginUnreachable,
    StorageUnreachable,
)
from tests.federation.servers import dripping, respond
from tests.storage_web.plain import CHANGED, FILM, Plain, span


def test_a_good_server_is_asked_once_for_what_an_object_is(serve, plain, objects):
    site, store = serve(plain), objects()
    info = store.stat(site.url)
    assert (info.size_bytes, info.etag, info.ranges) == (len(FILM), "film-1", True)
    assert store.stat(site.url) == info
    assert [request.split(" ")[0] for request in site.requests] == ["HEAD"]
    assert span(store, site.url, 7000, 300_000) == FILM[7000:307_000]
    assert site.connections == 1


@pytest.mark.parametrize("status", ["405 No", "501 No", "403 No", "404 No", "400 No", "500 No"])
def test_without_head_a_single_byte_is_asked_for(serve, plain, objects, status):
    plain.head, plain.head_fields = status, ["Content-Length: 0"]
    site, store = serve(plain), objects()
    info = store.stat(site.url)
    assert (info.size_bytes, info.etag, info.ranges) == (len(FILM), "film-1", True)
    assert "Range: bytes=0-0" in site.requests[1]
    store.measure(site.url)
    assert site.connections == 1


@pytest.mark.parametrize(
    "fields",
    [
        [],
        ["Transfer-Encoding: chunked"],
        ["Content-Encoding: gzip", "Content-Length: 20", "Accept-Ranges: bytes"],
        ["Accept-Ranges: bytes"],
    ],
)
def test_a_head_that_says_too_little_is_not_believed(serve, plain, objects, fields):
    plain.head_fields = fields
    site = serve(plain)
    assert objects().stat(site.url).size_bytes == len(FILM)
    assert objects().measure(site.url).size_bytes == len(FILM)


@pytest.mark.parametrize("says", ["none", "", "items"])
def test_a_server_without_ranges_is_known_as_one(serve, plain, objects, says):
    plain.ranges, plain.says_ranges = False, says
    info = objects().stat(serve(plain).url)
    assert (info.size_bytes, info.ranges) == (len(FILM), False)
    assert info.can_start_at(SKIPPED_BYTES)
    assert not info.can_start_at(SKIPPED_BYTES + 1)


@pytest.mark.parametrize(("start", "length"), [(0, 10), (0, len(FILM)), (5, 100), (700_000, 1), (len(FILM) - 1, 1)])  # fmt: skip
def test_a_part_is_reached_by_reading_past_what_lies_before_it(
    serve, plain, objects, start, length
):
    plain.ranges = False
    assert span(objects(), serve(plain).url, start, length) == FILM[start : start + length]


def test_a_part_that_lies_too_far_off_is_told_from_then_on(serve, plain, objects):
    plain.ranges, plain.data = False, bytes(SKIPPED_BYTES + 100)  # though it says it had ranges
    url, store = serve(plain).url, objects()
    assert store.stat(url).ranges
    with pytest.raises(ObjectChanged, match="only whole"):
        span(store, url, SKIPPED_BYTES + 1, 10)
    assert not store.stat(url).ranges
    assert len(span(store, url, SKIPPED_BYTES, 10)) == 10


def test_reading_past_bytes_that_drip_ends(serve, objects, monkeypatch):
    monkeypatch.setattr("adapters.storage.http_objects.SKIP_S", 0.3)

    def answer(_, sock):
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        dripping(sock, b"x" * 200, every_s=0.05)

    began = time.monotonic()
    with pytest.raises(OriginSlow):
        objects().open(serve(answer).url, start=900_000, length=10, etag=None)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("etag", ['W/"film-1"', "", "film-1"])
def test_size_and_time_stand_in_for_a_strong_tag(serve, plain, objects, etag):
    plain.etag = etag
    site, store = serve(plain), objects()
    info = store.stat(site.url)
    assert info.etag == f"t1763547072-{len(FILM)}"
    assert span(store, site.url, 10, 20) == FILM[10:30]
    assert f"If-Range: {CHANGED}" in site.requests[-1]
    plain.changed = "Wed, 19 Nov 2025 10:11:13 GMT"
    with pytest.raises(ObjectChanged):
        store.open(site.url, start=10, length=20, etag=info.etag)


@pytest.mark.parametrize("date", ["", "yesterday", "Wed, 99 Nov 2025 10:11:12 GMT", "0"])
def test_without_any_tag_the_size_still_tells(serve, plain, objects, date):
    plain.etag, plain.changed = "", date
    url, store = serve(plain).url, objects()
    assert store.stat(url).etag is None
    assert span(store, url, 10, 20) == FILM[10:30]
    plain.data = FILM[:-1]
    with pytest.raises(ObjectChanged):
        store.open(url, start=10, length=20, etag=None)


def test_a_length_that_head_lies_about_is_put_right_by_the_first_answer(serve, plain, objects):
    plain.head_fields = ["Content-Length: 5000", "Accept-Ranges: bytes", 'ETag: "film-1"']
    url, store = serve(plain).url, objects()
    assert store.stat(url).size_bytes == 5000
    with pytest.raises(ObjectChanged):
        span(store, url, 0, 5000)
    assert store.stat(url).size_bytes == len(FILM)
    assert span(store, url, 0, len(FILM)) == FILM


def test_a_film_that_grew_between_two_requests_is_another_one(serve, plain, objects):
    url, store = serve(plain).url, objects()
    info = store.stat(url)
    plain.data, plain.etag = FILM + b"more", '"film-2"'
    with pytest.raises(ObjectChanged):
        store.open(url, start=0, length=10, etag=info.etag)
    assert (store.stat(url).size_bytes, store.stat(url).etag) == (len(FILM) + 4, "film-2")


def test_a_break_is_mended_and_without_ranges_it_cuts_the_stream(serve, plain, objects):
    url, store = serve(plain).url, objects()
    plain.cut_after = 5000
    assert span(store, url, 0, len(FILM)) == FILM
    plain.ranges, plain.cut_after = False, 5000
    assert span(store, url, 0, len(FILM)) == FILM  # within what may be read past
    big = Plain(bytes(SKIPPED_BYTES + 1_000_000))
    big.ranges, big.cut_after = False, SKIPPED_BYTES + 500_000
    url = serve(big).url
    with pytest.raises(BodyTruncated):
        span(objects(), url, 0, len(big.data))


LIES = {
    "chunked": ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "no length"),
    "no length": ("HTTP/1.1 200 OK\r\n\r\n", "no length"),
    "HTTP/1.0 without length": ("HTTP/1.0 200 OK\r\n\r\n", "no length"),
    "packed": ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1000\r\n\r\n", "packed"),
    "another span": ("HTTP/1.1 206 P\r\nContent-Range: bytes 0-9/1000\r\nContent-Length: 10\r\n\r\n", "other bytes"),
    "no span": ("HTTP/1.1 206 P\r\nContent-Length: 10\r\n\r\n", "other bytes"),
    "too long": ("HTTP/1.1 206 P\r\nContent-Range: bytes 5-14/1000\r\nContent-Length: 11\r\n\r\n", "more or fewer"),
    "multipart": ("HTTP/1.1 206 P\r\nContent-Type: multipart/byteranges; boundary=x\r\nContent-Length: 10\r\n\r\n", "other bytes"),
    "a page": ("HTTP/1.1 300 Many\r\nContent-Length: 10\r\n\r\n", "status 300"),
    "no http": ("SSH-2.0-OpenSSH\r\n\r\n", "not answer in HTTP"),
    "two lengths": ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Length: 11\r\n\r\n", "two lengths"),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_about_the_bytes_is_one_clear_error(serve, objects, lie):
    head, words = LIES[lie]

    def answer(_, sock):
        sock.sendall(head.encode() + b"x" * 10)
        time.sleep(0.05)

    store, url = objects(), serve(answer).url
    with pytest.raises(BadUpstream, match=words):
        store.open(url, start=5, length=10, etag=None)
    for _ in range(5):  # it says something of this object, not of its server
        with pytest.raises(BadUpstream):
            store.stat(url)


def test_whole_file_shorter_than_the_part_is_another_one(serve, objects):
    url = serve(lambda _, sock: respond(sock, b"x" * 8)).url
    with pytest.raises(ObjectChanged):
        objects().open(url, start=5, length=10, etag=None)


@pytest.mark.parametrize(("status", "error"), [("404 No", ObjectNotFound), ("410 No", ObjectNotFound), ("401 No", StorageUnreachable), ("403 No", StorageUnreachable), ("429 No", OriginUnreachable), ("503 No", OriginUnreachable), ("418 No", BadUpstream)])  # fmt: skip
def test_a_refusal_is_told_as_what_it_means(serve, objects, status, error):
    url = serve(lambda request, sock: respond(sock, status=status, length=True)).url
    with pytest.raises(error):
        objects().stat(url)
    with pytest.raises(error):
        objects().open(url, start=0, length=1, etag=None)


def test_an_empty_file_has_no_bytes(serve, plain, objects):
    plain.data = b""
    assert objects().stat(serve(plain).url).size_bytes == 0
    plain.head = "405 No"
    assert objects().stat(serve(plain).url).size_bytes == 0


def test_a_dead_server_does_not_stop_its_neighbours(serve, plain, objects):
    store, good = objects(), serve(plain).url
    dead = serve(plain)
    dead.close()
    for _ in range(5):
        with pytest.raises(OriginUnreachable):
            store.measure(dead.url)
    with pytest.raises(OriginUnreachable, match="lately"):
        store.measure(dead.url)
    assert store.measure(good).size_bytes == len(FILM)


def test_an_address_that_may_not_be_asked_says_so_every_time(objects):
    store = objects()
    for _ in range(5):
        with pytest.raises(StorageUnreachable, match=r"storage\.allowed_networks"):
            store.measure("http://127.0.0.2:8080/a.mp4")
