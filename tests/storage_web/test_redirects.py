"""Redirects of plain web servers, and addresses as they are asked."""

import pytest

from adapters.storage.redirects import AddressInvalid, absolute, follow, origin
from domain.errors import BadUpstream
from ports.library.storage import StorageUnreachable
from ports.outbound import OriginAnswer
from tests.federation.servers import respond, target
from tests.storage_web.plain import FILM, span


def moved(to, status="302 Found"):
    def answer(request, sock):
        place = to(request) if callable(to) else to
        fields = [f"Location: {place}"] if place is not None else []
        return respond(sock, b"moved", status=status, headers=fields)

    return answer


@pytest.mark.parametrize("status", ["301 M", "302 M", "303 M", "307 M", "308 M"])
def test_redirects_are_followed_with_the_range(serve, plain, objects, status):
    there = serve(plain)
    here = serve(moved(f"{there.url}/a%20b/ü.mp4", status))
    assert span(objects(), here.url, 100, 50) == FILM[100:150]
    assert target(there.requests[-1]) == "/a%20b/%C3%BC.mp4"
    assert "Range: bytes=100-149" in there.requests[-1]


def test_credentials_go_to_their_own_origin_and_not_back_to_it(serve, plain, objects):
    home = []
    away = serve(moved(lambda _: f"{home[0]}/c"))

    def answer(request, sock):
        places = {"/a": "/b", "/b": f"{away.url}/"}
        if target(request) in places:
            return moved(places[target(request)])(request, sock)
        return plain(request, sock)

    site = serve(answer)
    home.append(site.url)
    store = objects(headers={"Authorization": "Basic c2VjcmV0"})
    assert store.measure(f"{site.url}/a").size_bytes == len(FILM)
    carried = {target(request): "Authorization" in request for request in site.requests}
    assert carried == {"/a": True, "/b": True, "/c": False}
    assert not any("Authorization" in request for request in away.requests)


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (lambda request: target(request), "again and again"),
        (lambda request: target(request) + "x", "again and again"),
        (None, "nowhere"),
        ("", "nowhere"),
        ("file:///etc/passwd", "http or https"),
        ("ftp://127.0.0.1/", "http or https"),
        ("http://user:pw@127.0.0.1/", "password"),
        ("http://[::1", "cannot be read"),
        ("//", "again and again"),
    ],
)
def test_a_redirect_that_leads_nowhere_is_one_error(serve, objects, place, words):
    site = serve(moved(place))
    with pytest.raises(BadUpstream, match=words):
        objects().open(site.url, start=0, length=1, etag=None)
    assert len(site.requests) <= 6


@pytest.mark.parametrize(
    "place",
    ["http://127.0.0.2:8080/", "http://169.254.169.254/latest", "http://10.0.0.1/", "http://[::1]:8080/", "http://[::ffff:127.0.0.2]:80/", "http://127.0.0.1:22/", "http://0/", "http://2130706434:8080/"],
)  # fmt: skip
def test_a_redirect_into_a_private_network_is_refused(serve, objects, place):
    with pytest.raises(StorageUnreachable):
        objects().open(serve(moved(place)).url, start=0, length=1, etag=None)


def test_https_is_never_left_for_http():
    answers = {
        "https://a.example/": OriginAnswer(302, {"location": "http://a.example/"}, None),
        "http://a.example/": OriginAnswer(302, {"location": "https://a.example/2"}, None),
        "https://a.example/2": OriginAnswer(200, {}, None),
    }
    with pytest.raises(BadUpstream, match="from https to http"):
        follow("https://a.example/", lambda url, _: answers[url], who="it")
    homes = []

    def ask(url, at_home):
        homes.append(at_home)
        return answers[url]

    assert follow("http://a.example/", ask, who="it").status == 200
    assert homes == [True, False]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("HTTP://A.Example:80/x y?q=ü#f", "http://a.example/x%20y?q=%C3%BC"),
        ("https://bücher.example", "https://xn--bcher-kva.example/"),
        ("http://a.example:8080/%41%zz", "http://a.example:8080/%41%zz"),
        ("http://[2001:DB8::1]/", "http://[2001:db8::1]/"),
    ],
)
def test_addresses_are_written_as_they_are_asked(text, url):
    assert absolute("", text) == url
    assert absolute("", url) == url


@pytest.mark.parametrize("text", ["", "/x", "x", "mailto:a@b", "http://", "http://a b/", "http://a\r\nHost: b/", "http://a.example:99999/", "http://a@b/", "\\\\a\\b"])  # fmt: skip
def test_other_texts_are_no_address(text):
    with pytest.raises(AddressInvalid):
        absolute("", text)


def test_an_origin_is_scheme_host_and_port():
    assert origin("http://A.example/x") == origin("http://a.example:80/y")
    assert origin("http://a.example/") != origin("https://a.example/")
    assert origin("http://a.example/") != origin("http://a.example:81/")
