"""Files and pictures of a Jellyfin server: spans, changes, breaks, and servers that lie."""

import re
from email.utils import formatdate

import pytest

from domain.errors import BadUpstream
from ports.library.storage import (
    CompanionKind,
    ObjectChanged,
    ObjectNotFound,
    OriginUnreachable,
    StorageUnreachable,
)
from tests.federation.servers import RawServer, respond, target
from tests.jellyfin.conftest import READER, Never
from tests.jellyfin.fake import API_KEY
from tests.jellyfin.shelf import guid, picture

FILM = bytes(range(256)) * 4096
LOCATOR = f"{'a' * 32}/{'a' * 32}"


def read(storage, locator, start, length, etag=None):
    body = storage.open(locator, start=start, length=length, etag=etag)
    try:
        return b"".join(body)
    finally:
        body.close()


def test_spans_are_those_of_the_file(storage, fake):
    item = fake.shelf.movie(data=FILM)
    locator = f"{item.id}/{item.id}"
    info = storage.stat(locator)
    assert info.size_bytes == len(FILM)
    assert info.ranges
    assert read(storage, locator, 1000, 5000, info.etag) == FILM[1000:6000]
    assert read(storage, locator, len(FILM) - 1, 1, info.etag) == FILM[-1:]
    assert read(storage, locator, 0, len(FILM), info.etag) == FILM


def test_each_version_is_its_own_file(storage, fake):
    item = fake.shelf.movie(data=b"small")
    fake.shelf.version(item, "4K", b"much larger", "/srv/4k.mkv")
    read_all = {
        one.size_bytes: read(storage, one.locator, 0, one.size_bytes) for one in storage.walk()
    }
    assert read_all == {5: b"small", 11: b"much larger"}


def test_a_file_that_was_exchanged_is_noticed(server, fake, make_storage):
    storage = make_storage(server.url, monotonic=Never())
    item = fake.shelf.movie(data=b"before")
    locator = f"{item.id}/{item.id}"
    etag = storage.stat(locator).etag
    fake.shelf.movie(data=b"after!")
    with pytest.raises(ObjectChanged):
        read(storage, locator, 0, 6, etag)
    assert read(storage, locator, 0, 6, storage.stat(locator).etag) == b"after!"


def test_a_film_that_is_gone_is_not_an_error_of_the_server(storage, fake):
    item, other = fake.shelf.movie(), fake.shelf.movie("Other")
    fake.shelf.remove(item.id)  # the server answers with status 500 then
    for _ in range(5):
        with pytest.raises(ObjectNotFound):
            storage.stat(f"{item.id}/{item.id}")
        with pytest.raises(ObjectNotFound):
            read(storage, f"{item.id}/{item.id}", 0, 1)
    assert storage.stat(f"{other.id}/{other.id}").size_bytes == 4


def test_an_error_of_the_server_is_not_a_film_that_is_gone(storage, fake):
    item = fake.shelf.movie()
    item.versions.clear()
    with pytest.raises(OriginUnreachable, match="500"):
        storage.stat(f"{item.id}/{item.id}")


def test_a_user_whose_session_ended_goes_on_watching(server, fake, make_storage):
    item = fake.shelf.movie(data=FILM)
    real = fake._stream

    def only_signed_in():
        return real("GET", item.id) if fake._who() else ("", 401)

    for method in ("GET", "HEAD"):
        fake.instead[f"{method} /Videos/{{itemId}}/stream"] = only_signed_in
    storage = make_storage(server.url, READER, monotonic=Never())
    locator = f"{item.id}/{item.id}"
    assert storage.stat(locator).size_bytes == len(FILM)
    fake.expire()
    assert read(storage, locator, 5, 5) == FILM[5:10]
    assert fake.sign_ins == 2


def film_server(*, head=True, last_modified=True, cut=None, ranges=True):
    """Serve FILM from any path, with what a test takes away."""
    state = {"cut": cut}

    def answer(request, sock):
        method = request.split(" ")[0]
        if method == "HEAD" and not head:
            return respond(sock, status="405 Method Not Allowed")
        lines = []
        if last_modified:
            lines.append(f"Last-Modified: {formatdate(1_700_000_000, usegmt=True)}")
        if ranges:
            lines.append("Accept-Ranges: bytes")
        body, status = FILM, "200 OK"
        asked = re.search(r"Range: bytes=(\d+)-(\d+)", request)
        if asked and ranges:
            start, last = map(int, asked.groups())
            body, status = FILM[start : last + 1], "206 Partial Content"
            lines.append(f"Content-Range: bytes {start}-{last}/{len(FILM)}")
        lines.append(f"Content-Length: {len(body)}")
        head_text = "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()
        now, state["cut"] = state["cut"], None if method == "GET" else state["cut"]
        sock.sendall(head_text + (b"" if method == "HEAD" else body[:now]))
        return method == "HEAD" or now is None

    return RawServer(answer)


def test_a_break_in_the_middle_is_mended_at_the_exact_byte(make_storage):
    with film_server(cut=300_000) as raw:
        storage = make_storage(raw.url)
        etag = storage.stat(LOCATOR).etag
        assert read(storage, LOCATOR, 100, len(FILM) - 100, etag) == FILM[100:]
        assert any("If-Range: Tue, 14 Nov 2023" in one for one in raw.requests)


@pytest.mark.parametrize("taken", [{"head": False}, {"last_modified": False}, {"ranges": False}])
def test_a_front_server_that_lacks_something_still_lets_films_through(make_storage, taken):
    with film_server(**taken) as raw:
        storage = make_storage(raw.url)
        info = storage.stat(LOCATOR)
        assert info.size_bytes == len(FILM)
        assert (info.etag is None) == ("last_modified" in taken)
        assert info.ranges == ("ranges" not in taken)
        assert read(storage, LOCATOR, 10, 20, info.etag) == FILM[10:30]


def test_the_key_is_in_the_header_and_in_no_address(make_storage):
    with film_server() as raw:
        storage = make_storage(raw.url)
        storage.stat(LOCATOR)
        read(storage, LOCATOR, 0, 5)
        assert len(raw.requests) == 2
        for request in raw.requests:
            assert API_KEY not in target(request)
            assert "key" not in target(request).lower()
            assert f'Token="{API_KEY}"' in request


def test_no_redirect_is_followed_and_the_key_goes_nowhere_else(make_storage):
    with film_server() as elsewhere:
        to = [f"Location: {elsewhere.url}/film"]
        with RawServer(lambda _r, s: respond(s, status="302 Found", headers=to)) as raw:
            storage = make_storage(raw.url)
            for act in (lambda: storage.stat(LOCATOR), lambda: read(storage, LOCATOR, 0, 5)):
                with pytest.raises(BadUpstream, match="redirects"):
                    act()
            for kind in (CompanionKind.POSTER, CompanionKind.STILL):
                with pytest.raises(StorageUnreachable, match="redirects"):
                    storage.picture(LOCATOR, kind)
        assert elsewhere.requests == []


@pytest.mark.parametrize(
    "locator",
    ["", "/", "a", f"{'a' * 32}", f"{'a' * 32}/", f"{'g' * 32}/a", f"{'a' * 32}/../x", "../../x",
     f"{'a' * 32}/b?c=d", f"{'a' * 32}/b#", f"{'a' * 32}/{'b' * 65}", f"{'a' * 32}/b\n"],
)  # fmt: skip
def test_a_locator_of_another_form_is_sent_nowhere(make_storage, locator):
    with film_server() as raw:
        storage = make_storage(raw.url)
        for act in (
            lambda: storage.stat(locator),
            lambda: read(storage, locator, 0, 1),
            lambda: storage.picture(locator, CompanionKind.POSTER),
        ):
            with pytest.raises(ObjectNotFound):
                act()
        assert raw.requests == []


# -- pictures


def test_a_film_has_an_upright_picture_and_a_wide_one(storage, fake):
    item = fake.shelf.movie()
    locator = f"{item.id}/{item.id}"
    assert storage.picture(locator, CompanionKind.POSTER) == item.images["Primary"]
    assert storage.picture(locator, CompanionKind.STILL) == item.images["Backdrop"]
    item.images["Thumb"] = item.images.pop("Backdrop") + b"thumb"
    assert storage.picture(locator, CompanionKind.STILL) == item.images["Thumb"]


def test_an_episode_shows_itself_and_its_series(storage, fake):
    item = fake.shelf.episode("Dark")
    series = fake.shelf.items[guid("series", "Dark")]
    locator = f"{item.id}/{item.id}"
    assert storage.picture(locator, CompanionKind.STILL) == item.images["Primary"]
    assert storage.picture(locator, CompanionKind.POSTER) == series.images["Primary"]


def test_a_home_video_with_a_wide_picture_has_no_poster(storage, fake):
    item = fake.shelf.movie(Type="Video", PrimaryImageAspectRatio=1.78)
    item.images = {"Primary": picture(320, 180)}
    locator = f"{item.id}/{item.id}"
    assert storage.picture(locator, CompanionKind.POSTER) is None
    assert storage.picture(locator, CompanionKind.STILL) == item.images["Primary"]


def test_a_picture_that_is_announced_and_not_there_is_none(storage, fake):
    item = fake.shelf.movie()
    fake.instead["GET /Items/{itemId}/Images/{imageType}"] = ("", 404)
    assert storage.picture(f"{item.id}/{item.id}", CompanionKind.POSTER) is None


def test_a_picture_may_have_8_mib(storage, fake):
    item = fake.shelf.movie()
    locator = f"{item.id}/{item.id}"
    item.images["Primary"] = b"x" * (8 * 1024 * 1024)
    assert len(storage.picture(locator, CompanionKind.POSTER)) == 8 * 1024 * 1024
    item.images["Primary"] += b"x"
    with pytest.raises(BadUpstream, match="8 MiB"):
        storage.picture(locator, CompanionKind.POSTER)


def test_pictures_of_what_is_gone_are_not_found(storage, fake):
    fake.shelf.movie()
    with pytest.raises(ObjectNotFound):
        storage.picture(LOCATOR, CompanionKind.POSTER)
