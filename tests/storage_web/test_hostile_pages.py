"""Pages of servers that mean ill, or are broken: each ends in one error in plain words."""

import contextlib
import time

import pytest

from adapters.storage.web.reach import Client, Reach
from ports.federation.peers import AddressForbidden, PeerUnreachable
from ports.library.storage import (
    OriginSlow,
    OriginUnreachable,
    StorageEmpty,
    StorageUnreachable,
)
from ports.outbound import OriginAnswer, WebDocument
from tests.federation.servers import dripping, gzip_bomb, respond, target
from tests.storage_web.conftest import films, problems

HTML = "text/html"


def page(*links):
    rows = "\n".join(f'<a href="{link}">x</a>  19-Nov-2025 10:11  7' for link in links)
    return f"<title>Index of</title><pre>{rows}\n</pre>".encode()


def endless(request, sock):
    """Write a listing that has no end: 10 GB, were anybody to read it."""
    sock.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 10000000000\r\n\r\n<title>Index of</title><pre>"
    )
    with contextlib.suppress(OSError):
        while True:
            sock.sendall(b'<a href="a.mp4">a</a>\n' * 1000)


def endless_chunks(request, sock):
    sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    with contextlib.suppress(OSError):
        while True:
            sock.sendall(b"8000\r\n" + b"x" * 0x8000 + b"\r\n")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (endless, "more than 1048576 bytes"),
        (endless_chunks, "more than 1048576 bytes"),
        (lambda _, sock: respond(sock, gzip_bomb(50), headers=["Content-Encoding: gzip"]), "more than 1048576 bytes"),
        (lambda _, sock: respond(sock, b"not gzip", headers=["Content-Encoding: gzip"]), "decoded"),
        (lambda _, sock: respond(sock, b"x", headers=["Content-Encoding: zstd"]), "encoding"),
        (lambda _, sock: sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n<title>Index of</title>"), "no length"),
        (lambda _, sock: sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n<title>Index of</title>"), "cut off"),
        (lambda _, sock: sock.sendall(b"SSH-2.0-OpenSSH\r\n\r\n"), "HTTP"),
        (lambda _, sock: sock.sendall(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + b"\r\n"), "header"),
        (lambda _, sock: respond(sock, status="401 No"), "user name and a password"),
        (lambda _, sock: respond(sock, status="403 No"), "does not let this node in"),
        (lambda _, sock: respond(sock, status="404 No"), "nothing at that address"),
        (lambda _, sock: respond(sock, status="502 No"), "status 502"),
        (lambda _, sock: respond(sock, status="204 No"), "status 204"),
        (lambda _, sock: respond(sock, status="206 P", body=page("a.mp4")), "status 206"),
        (lambda _, sock: respond(sock, status="302 F", headers=["Location: /"]), "again and again"),
        (lambda _, sock: respond(sock, status="302 F", headers=["Location: file:///etc/passwd"]), "http or https"),
        (lambda _, sock: respond(sock, status="302 F", headers=["Location: http://127.0.0.2:9000/"]), "storage.allowed_networks"),
        (lambda _, sock: respond(sock, status="302 F", headers=["Location: http://169.254.169.254/"]), "storage.allowed_networks"),
        (lambda _, sock: respond(sock, b"<p>Please sign in</p>", kind=HTML), "no directory listing"),
        (lambda _, sock: respond(sock, b"\0" * 100, kind=""), "neither"),
    ],
)  # fmt: skip
def test_a_root_that_is_no_page_is_unreachable_in_plain_words(serve, make_web, answer, words):
    web = make_web(serve(answer).url + "/")
    for act in (web.check, lambda: list(web.walk())):
        with pytest.raises(StorageUnreachable, match=words) as caught:
            act()
        assert not isinstance(caught.value, StorageEmpty)


@pytest.mark.parametrize("part", ["silence", "header", "body"])
def test_a_server_that_drips_is_left_at_the_deadline(serve, make_web, part):
    def answer(_, sock):
        if part == "silence":
            time.sleep(3)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n"
        head = head + b"\r\n" if part == "body" else head + b"X: "
        dripping(sock, head + b"y" * 300, every_s=0.02)

    web = make_web(serve(answer).url + "/", page_s=0.5, first_byte_s=0.5)
    began = time.monotonic()
    with pytest.raises(OriginSlow):
        web.check()
    assert time.monotonic() - began < 2


def test_a_server_that_is_down_is_unreachable(serve, make_web):
    site = serve(lambda *_: None)
    site.close()
    with pytest.raises(OriginUnreachable, match="refused"):
        make_web(site.url + "/").check()


def test_an_address_outside_the_allowed_networks_names_the_setting(make_web):
    with pytest.raises(StorageUnreachable, match=r"storage\.allowed_networks"):
        make_web("http://127.0.0.2:9000/").check()


def test_names_from_pages_reach_no_word_of_check(serve, make_web):
    site = serve(
        lambda _, sock: respond(sock, page("a.mp4"), kind=HTML, headers=["Server: <b>\x07evil"])
    )
    assert make_web(site.url + "/").check() == "a listing with 1 entry"


def test_a_bad_folder_costs_its_own_films_only(serve, make_web):
    def answer(request, sock):
        pages = {
            "/": page("bad/", "bomb/", "empty/", "good/"),
            "/good/": page("a.mp4"),
            "/empty/": page(),
        }
        if target(request) == "/bomb/":
            return respond(sock, gzip_bomb(20), headers=["Content-Encoding: gzip"], kind=HTML)
        if target(request) == "/bad/":
            return respond(sock, status="500 No")
        return respond(sock, pages[target(request)], kind=HTML)

    items = list(make_web(serve(answer).url + "/").walk())
    assert set(films(items)) == {"good/a.mp4"}
    assert set(problems(items)) == {"bad", "bomb"}


def test_a_redirected_root_is_read_where_it_is_and_its_films_too(serve, make_web):
    def there(request, sock):
        if request.startswith("HEAD"):
            sock.sendall(b"HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nContent-Length: 7\r\n\r\n")
            return True
        return respond(sock, page("a.mp4"), kind=HTML)

    away = serve(there)
    here = serve(
        lambda _, sock: respond(sock, status="301 M", headers=[f"Location: {away.url}/pub/"])
    )
    web = make_web(f"{here.url}/films")
    assert set(films(web.walk())) == {"a.mp4"}
    assert web.stat("a.mp4").size_bytes == 7
    assert target(away.requests[-1]) == "/pub/a.mp4"
    fresh = make_web(f"{here.url}/films")  # as after a restart
    assert fresh.stat("a.mp4").size_bytes == 7


def test_a_password_goes_to_its_own_server_only(serve, make_web):
    away = serve(lambda _, sock: respond(sock, page("a.mp4"), kind=HTML))

    def answer(request, sock):
        if "Authorization: Basic eDp5" not in request:
            return respond(sock, status="401 No")
        if target(request) == "/":
            return respond(sock, page("in/", "out/"), kind=HTML)
        if target(request) == "/out/":
            return respond(sock, status="302 F", headers=[f"Location: {away.url}/out/"])
        return respond(sock, page("a.mp4"), kind=HTML)

    site = serve(answer)
    items = list(make_web(site.url + "/", authorization="Basic eDp5").walk())
    assert set(films(items)) == {"in/a.mp4"}
    assert set(problems(items)) == {"out"}
    assert away.requests
    assert not any("Authorization" in request for request in away.requests)


class Net:
    """A client that reaches the hosts it is given."""

    def __init__(self, hosts, refusal=AddressForbidden):
        self.hosts, self.refusal, self.asked = hosts, refusal, []

    def fetch(self, method, url, *, headers):
        self.asked.append(url)
        if not any(f"//{host}/" in url for host in self.hosts):
            raise self.refusal("its address is private")
        return OriginAnswer(200, {}, None)

    def get(self, url, *, headers, max_bytes=None):
        self.fetch("GET", url, headers=headers)
        return WebDocument(200, {}, b"", url)


def reach(home, *, public):
    near, far = Net(["lan", "nas", "public", "other"]), Net(public)
    return Reach(home, Client(near, near), Client(far, far)), near, far


def test_a_public_feed_does_not_lead_into_the_lan():
    clients, near, _ = reach("https://public/feed", public=["public", "other"])
    assert clients.get("https://public/x", headers={}).status == 200
    assert clients.fetch("GET", "https://other/a.mp4", headers={}).status == 200
    for act in (clients.get, lambda url, headers: clients.fetch("GET", url, headers=headers)):
        with pytest.raises(AddressForbidden):
            act("http://lan/router", headers={})
    assert not any("lan" in url or "other" in url for url in near.asked)


def test_a_feed_in_the_lan_leads_to_its_neighbours_and_to_the_public():
    clients, near, far = reach("http://nas/feed", public=["other"])
    assert clients.fetch("GET", "http://lan/a.mp4", headers={}).status == 200
    assert clients.fetch("GET", "http://other/a.mp4", headers={}).status == 200
    clients.get("http://nas/feed", headers={})
    clients.get("http://lan/b", headers={})
    assert near.asked == ["http://nas/feed", "http://lan/a.mp4", "http://nas/feed", "http://lan/b"]
    assert far.asked.count("http://nas/feed") == 1


def test_a_public_name_that_leads_into_the_lan_later_leads_nowhere():
    clients, near, far = reach("https://public/feed", public=["public"])
    clients.get("https://public/feed", headers={})
    far.hosts.remove("public")
    with pytest.raises(AddressForbidden):
        clients.fetch("GET", "https://public/a.mp4", headers={})
    assert near.asked == []


def test_a_home_that_is_down_is_not_taken_for_a_private_one():
    near = Net(["lan"])
    far = Net([], PeerUnreachable)
    clients = Reach("https://public/feed", Client(near, near), Client(far, far))
    far.fetch = lambda method, url, headers: (_ for _ in ()).throw(
        AddressForbidden("private") if "//lan/" in url else PeerUnreachable("down")
    )
    with pytest.raises(AddressForbidden):
        clients.fetch("GET", "http://lan/a.mp4", headers={})
    assert near.asked == []


def test_a_redirect_to_where_the_password_does_not_go_says_what_to_do(serve, make_web):
    away = serve(lambda _, sock: respond(sock, status="401 No"))
    here = serve(lambda _, sock: respond(sock, status="301 M", headers=[f"Location: {away.url}/"]))
    with pytest.raises(StorageUnreachable, match=f"leads to {away.url}, .* give that address"):
        make_web(here.url + "/", authorization="Basic eDp5").check()
