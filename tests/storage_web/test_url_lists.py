"""Plain lists of addresses."""

import pytest

from adapters.storage.web.leads import Lead
from adapters.storage.web.pages import Page
from adapters.storage.web.shapes import Shape, read_page
from adapters.storage.web.url_list import MAX_LINES, ListRefused, parse_list
from ports.library.storage import StorageEmpty, UnreadableObject
from tests.federation.servers import respond, target
from tests.storage_web.conftest import films, problems

URL = "http://h.example/lists/films.txt"


def read(content, url=URL):
    data = content if isinstance(content, bytes) else content.encode()
    return parse_list(Page(url, "text/plain", data))


def locators(content):
    return [item.locator for item in read(content).items() if isinstance(item, Lead)]


def reasons(content):
    return {item.name: item.reason for item in read(content).items() if isinstance(item, UnreadableObject)}  # fmt: skip


def test_each_line_is_an_address_and_counts_once():
    content = "# films\r\nhttp://a.example/1.mp4\r\n\r\n  https://b.example/x?id=2  \r\nhttp://a.example/1.mp4#t\r\nsub/ü 3.mkv\r\n/4.webm"
    assert locators(content) == [
        "http://a.example/1.mp4",
        "https://b.example/x?id=2",
        "http://h.example/lists/sub/%C3%BC%203.mkv",
        "http://h.example/4.webm",
    ]
    assert read(content).count == 5


def test_m3u_gives_titles():
    content = '#EXTM3U\n#EXTINF:12.5 tvg-id="a,b" group-title="x",Dawn, the film\n#EXTVLCOPT:x\na.mp4\nb.mp4\n#EXTINF:-1,\nc.mp4'
    leads = list(read(content).items())
    assert [one.told.description.title if one.told else None for one in leads] == ["Dawn, the film", None, None]  # fmt: skip
    assert [one.name for one in leads] == ["a.mp4", "b.mp4", "c.mp4"]


@pytest.mark.parametrize("mark", ["#EXT-X-TARGETDURATION:10", "#EXT-X-STREAM-INF:BANDWIDTH=1"])
def test_a_stream_in_pieces_is_refused(mark):
    with pytest.raises(ListRefused, match="HLS"):
        read(f"#EXTM3U\n{mark}\n#EXTINF:9,\nseg1.ts\n")


def test_a_bad_line_is_one_error_with_its_number():
    lines = [
        "http://a.example/1.mp4",
        "ftp://a.example/1.mp4",
        "file:///etc/passwd.mp4",
        "http://user:secret@a.example/1.mp4",
        "just words",
        "http://a.example/live.m3u8",
        "http://a.example/" + "x" * 5000,
        "http://[::1",
        "<a href='http://a.example/2.mp4'>",
    ]
    found = reasons("\n".join(lines))
    assert list(found) == [f"line {number}" for number in range(2, 10)]
    assert not any("secret" in reason for reason in found.values())
    assert len(locators("\n".join(lines))) == 1


@pytest.mark.parametrize("content", ["hello\nworld", "<p>x</p>", b"\0\x01", "{}"])
def test_other_texts_are_no_list(content):
    assert read(content) is None


def test_marks_and_encodings_before_the_first_line_do_no_harm():
    for data in (b"\xef\xbb\xbfa.mp4\n", "a.mp4\n".encode("utf-16"), b"# caf\xe9\na.mp4"):
        assert locators(data) == ["http://h.example/lists/a.mp4"]


def test_a_list_without_end_is_refused():
    with pytest.raises(ListRefused, match="lines"):
        read(b"\n" * (MAX_LINES + 1))


def test_the_playlist_is_known_by_its_first_line_whatever_it_is_called():
    page = Page(URL, "audio/x-mpegurl", b"#EXTM3U\na.mp4\n")
    assert read_page(page, None, most=10).count == 1
    assert read_page(page, Shape.LIST, most=10).count == 1


def test_the_films_of_a_list_are_found_and_asked_for(serve, make_web):
    lines = "1.mp4\n2.mp4\n3.mp4\nftp://x/4.mp4\n"

    def answer(request, sock):
        if target(request) == "/l":
            return respond(sock, lines.encode(), kind="text/plain")
        if "/2" in target(request):
            return respond(sock, status="404 Not Found")
        size = 0 if "/3" in target(request) else 9
        sock.sendall(f'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: {size}\r\n\r\n'.encode())
        return True

    web = make_web(f"{serve(answer).url}/l")
    assert web.check() == "a list of 4 addresses"
    items = list(web.walk())
    assert {name: (one.size_bytes, one.signature) for name, one in films(items).items()} == {"1.mp4": (9, "9-e")}  # fmt: skip
    found = problems(items)
    assert set(found) == {"2.mp4", "3.mp4", "line 4"}
    assert "empty" in found["3.mp4"]
    capped = make_web(f"{serve(answer).url}/l", max_objects=1)
    assert "storage.max_objects" in problems(capped.walk())["/"]


def test_a_list_of_nothing_is_an_empty_place(serve, make_web):
    site = serve(lambda _, sock: respond(sock, b"# soon\n", kind="text/plain"))
    with pytest.raises(StorageEmpty):
        list(make_web(site.url + "/").walk())
