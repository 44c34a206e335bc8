"""Feeds: what they offer, and what they must not do to a node."""

import gzip
import time

import pytest

from adapters.storage.web.feed import MAX_LOOSE, FeedRefused, parse_feed
from adapters.storage.web.pages import Page
from adapters.storage.web.storage import MAX_PICTURE
from domain.errors import BadUpstream
from domain.library.description import EpisodeMark
from ports.library.storage import (
    CompanionKind,
    FoundObject,
    NewestOnly,
    StorageEmpty,
    StorageUnreachable,
    UnreadableObject,
)
from tests.federation.servers import respond, target
from tests.storage_web.conftest import films, problems

URL = "https://h.example/feeds/films.xml"
NAMESPACES = 'xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd" xmlns:media="http://search.yahoo.com/mrss/" xmlns:atom="http://www.w3.org/2005/Atom"'
ITEM = """<item><title>One</title>
<description>&lt;p&gt;Hello &lt;b&gt;you&lt;/b&gt;&lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;p&gt;&amp;amp; you&lt;/p&gt;</description>
<enclosure url="media/a b.mp4" length="1234" type="video/mp4"/><guid isPermaLink="false">g1</guid>
<pubDate>Wed, 19 Nov 2025 10:11:12 GMT</pubDate><category>cats</category><category>dogs</category>
<media:rating>pg</media:rating><media:thumbnail url="t.jpg"/><itunes:image href="cover.jpg"/></item>"""


def rss(*items, head="<title>Talks</title>"):
    return f'<?xml version="1.0"?><rss version="2.0" {NAMESPACES}><channel>{head}{"".join(items)}</channel></rss>'


def read(content, *, url=URL, kind="application/rss+xml", charset=""):
    data = content if isinstance(content, bytes) else content.encode()
    return parse_feed(Page(url, kind, data, charset=charset))


def test_an_enclosure_is_a_film_and_the_entry_describes_it():
    feed = read(rss(ITEM))
    (lead,) = feed.items
    assert (feed.title, feed.entries) == ("Talks", 1)
    assert lead.locator == "https://h.example/feeds/media/a%20b.mp4"
    assert (lead.name, lead.size_bytes) == ("a b.mp4", 1234)
    said = lead.told.description
    assert (said.title, said.year, said.content_rating) == ("One", 2025, "pg")
    assert said.description == "Hello you\n& you"
    assert said.tags == ("cats", "dogs")
    assert said.external_ids == {}
    assert lead.told.facts is None
    assert lead.told.pictures
    assert feed.pictures == {
        (lead.locator, CompanionKind.STILL): "https://h.example/feeds/t.jpg",
        (lead.locator, CompanionKind.POSTER): "https://h.example/feeds/cover.jpg",
    }


def test_atom_and_media_rss_are_read():
    atom = """<feed xmlns="http://www.w3.org/2005/Atom"><title>A</title><entry><title type="html">Dawn &amp;amp; Dusk</title><id>urn:1</id>
    <link rel="alternate" href="/page.html"/><link rel="enclosure" type="video/webm" href="/d" length="9"/><updated>2024-02-03T00:00:00Z</updated>
    <content type="html">&lt;i&gt;soon&lt;/i&gt;</content></entry></feed>"""
    (lead,) = read(atom).items
    assert (lead.locator, lead.name) == ("https://h.example/d", "Dawn & Dusk.webm")
    assert lead.told.description.year == 2024
    assert lead.told.description.description == "soon"
    group = '<item><title>Two/2</title><media:group><media:content url="http://a/2.mp4" type="video/mp4" fileSize="5"/><media:content url="http://a/2" type="video/webm"/><media:content url="http://a/2.mp4"/></media:group></item>'
    items = read(rss(group)).items
    assert [(one.locator, one.name) for one in items] == [
        ("http://a/2.mp4", "2.mp4"),
        ("http://a/2", "Two-2.webm"),
    ]
    assert items[0].told == items[1].told


def test_what_is_no_film_is_left_alone():
    other = '<item><title>x</title><enclosure url="a.mp3" type="audio/mpeg"/><enclosure url="a.mp4" type="audio/mp4"/><enclosure url="b.jpg"/><media:content url="c" medium="video"/><enclosure url="" type="video/mp4"/></item>'
    feed = read(rss(other))
    assert (feed.entries, feed.items) == (1, [])


def test_a_numbered_entry_is_an_episode_of_the_feed():
    numbers = "<itunes:season>2</itunes:season><itunes:episode>5</itunes:episode>"
    entry = f'<item><title>x</title>{{}}<enclosure url="a.mp4"/></item>'  # noqa: F541
    told = [
        read(rss(entry.format(text))).items[0].told.description.episode
        for text in (
            numbers,
            "<itunes:episode>5</itunes:episode>",
            "<itunes:episode>-1</itunes:episode>",
        )
    ]
    assert told == [
        EpisodeMark(series="Talks", season=2, episode=5),
        EpisodeMark(series="Talks", season=1, episode=5),
        None,
    ]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("file:///etc/a.mp4", "http"),
        ("ftp://h.example/a.mp4", "http"),
        ("http://user:secret@h.example/a.mp4", "password"),
        ("http://[::1/a.mp4", "read"),
        ("http:///a.mp4", "no server"),
        ("http://h.example/" + "a" * 5000 + ".mp4", "longer"),
    ],
)
def test_an_address_that_cannot_be_asked_is_one_error(url, words):
    bad = f'<item><title>Bad</title><enclosure url="{url}" type="video/mp4"/></item>'
    feed = read(rss(bad, ITEM))
    problem, lead = feed.items
    assert isinstance(problem, UnreadableObject)
    assert problem.name == "Bad"
    assert words in problem.reason
    assert "secret" not in problem.reason
    assert lead.name == "a b.mp4"


@pytest.mark.parametrize("length", ["", "0", "-1", "abc", "9" * 30, "1e9"])
def test_a_length_that_is_none_is_asked_for(length):
    entry = f'<item><title>x</title><enclosure url="a.mp4" length="{length}"/></item>'
    assert read(rss(entry)).items[0].size_bytes is None


def test_encodings_are_read():
    text = rss("<item><title>Été</title><enclosure url='a.mp4'/></item>")
    latin = text.replace('"1.0"', '"1.0" encoding="ISO-8859-1"').encode("latin-1")
    for data, charset in (
        (text.encode(), ""),
        (b"\xef\xbb\xbf" + text.encode(), ""),
        (b"\n  " + text.encode(), ""),
        (latin, ""),
        (text.replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16"), ""),
        (text.encode("latin-1"), "iso-8859-1"),
    ):
        (lead,) = read(data, charset=charset).items
        assert lead.told.description.title == "Été"


def test_a_broken_feed_is_read_as_far_as_it_goes_unless_it_is_long():
    broken = rss("<item><title>a & b &nope;</title><enclosure url='a.mp4'/></item>")
    assert read(broken).items[0].told.description.title.startswith("a & b")
    with pytest.raises(FeedRefused, match="broken"):
        read(broken + " " * MAX_LOOSE + "<")


BOMB = '<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY a "aaaaaaaaaa">%s]><rss version="2.0"><channel><title>&%s;</title><item><title>x</title></item></channel></rss>'


@pytest.mark.parametrize(
    "content",
    [
        BOMB % ("".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(12)), "m"),
        BOMB % ('<!ENTITY x SYSTEM "file:///etc/hostname">', "x"),
        BOMB % ('<!ENTITY x SYSTEM "http://127.0.0.1:1/">', "x"),
        BOMB % ('<!ENTITY % x SYSTEM "http://127.0.0.1:1/"> %x;', "a"),
    ],
)  # fmt: skip
def test_entities_are_refused(content):
    with pytest.raises(FeedRefused, match="entities"):
        read(content)
    with pytest.raises(FeedRefused, match="entities"):
        read(content.encode("utf-16"))


@pytest.mark.parametrize("piece", ["<a ", "<!--", "<item>", "<x>", "&a", "</", "<![CDATA[", "\n"])
def test_nonsense_takes_time_by_length_alone(piece):
    started = time.process_time()
    read(f'<rss version="2.0"><channel>{piece * 50_000}')
    read("\n" * 1000 + f"<?xml?>{piece * 50_000}<rss>")
    assert time.process_time() - started < 20


@pytest.mark.parametrize("content", ["", "<html><p>hello</p></html>", "<rssx/>", "<?xml version='1.0'?><list/>", "text", "[]"])  # fmt: skip
def test_other_documents_are_no_feed(content):
    assert read(content) is None


def serve_pages(serve, pages, log=None):
    def answer(request, sock):
        found = pages.get(target(request))
        if found is None:
            return respond(sock, status="404 Not Found")
        body, kind = found if isinstance(found, tuple) else (found.encode(), "application/rss+xml")
        if request.startswith("HEAD"):
            sock.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode())
            return True
        return respond(sock, body, kind=kind)

    return serve(answer)


def entry(number, **more):
    attributes = "".join(f' {name}="{value}"' for name, value in more.items())
    return f'<item><title>{number}</title><guid>g{number}</guid><enclosure url="/{number}.mp4" type="video/mp4"{attributes}/></item>'


def test_sizes_that_a_feed_does_not_state_are_asked_for_once(serve, make_web):
    site = serve_pages(serve, {"/f": rss(entry(1), entry(2, length=7), entry(3)), "/1.mp4": (b"12345", "video/mp4")})  # fmt: skip
    web = make_web(f"{site.url}/f")
    items = list(web.walk())
    assert {name: one.size_bytes for name, one in films(items).items()} == {"1.mp4": 5, "2.mp4": 7}
    assert "no such file" in problems(items)["3.mp4"]
    assert items[-1] == NewestOnly()
    asked = sum("/1.mp4" in request for request in site.requests)
    assert films(web.walk())["1.mp4"] == films(items)["1.mp4"]
    assert sum("/1.mp4" in request for request in site.requests) == asked


def test_a_film_changes_with_what_the_feed_says_of_its_bytes(serve, make_web):
    pages = {"/f": rss(entry(1, length=7))}
    web = make_web(f"{serve_pages(serve, pages).url}/f")
    before = films(web.walk())["1.mp4"]
    pages["/f"] = rss(entry(1, length=8))
    assert films(web.walk())["1.mp4"].signature != before.signature
    pages["/f"] = rss(entry(1, length=7).replace("<title>1", "<title>One"))
    after = films(web.walk())["1.mp4"]
    assert after.signature == before.signature
    assert after.extras != before.extras


def test_the_pages_of_a_feed_are_followed_and_each_film_counts_once(serve, make_web):
    onward = '<title>T</title><atom:link rel="next" href="/{}"/>'
    pages = {
        "/f": rss(entry(1, length=1), head=onward.format("f2")),
        "/f2": rss(entry(1, length=1), entry(2, length=1), head=onward.format("f3")),
        "/f3": rss(entry(3, length=1)),
    }
    web = make_web(f"{serve_pages(serve, pages).url}/f")
    assert web.check() == "a feed: T, 1 entry"
    assert sorted(films(web.walk())) == ["1.mp4", "2.mp4", "3.mp4"]
    pages["/f3"] = rss(head=onward.format("f"))
    items = list(web.walk())
    assert sorted(films(items)) == ["1.mp4", "2.mp4"]
    assert "circle" in problems(items)["page 4 of the feed"]
    del pages["/f3"]
    assert "404" in problems(web.walk())["page 3 of the feed"]


def test_a_feed_without_end_is_stopped(serve, make_web):
    def answer(request, sock):
        number = int(target(request).removeprefix("/"))
        head = f'<title>T</title><atom:link rel="next" href="/{number + 1}"/>'
        return respond(sock, rss(entry(number, length=1), head=head).encode())

    items = list(make_web(f"{serve(answer).url}/1", max_objects=20).walk())
    assert sum(isinstance(item, FoundObject) for item in items) == 20
    assert "storage.max_objects" in problems(items)["/"]


def test_an_empty_feed_is_an_empty_place(serve, make_web):
    with pytest.raises(StorageEmpty):
        list(make_web(f"{serve_pages(serve, {'/f': rss()}).url}/f").walk())


def test_pictures_of_entries_are_fetched_also_by_a_storage_that_never_walked(serve, make_web):
    png = b"\x89PNG\r\n\x1a\n"
    pages = {
        "/f": rss(ITEM, '<item><title>p</title><enclosure url="/2.mp4" length="1"/><media:thumbnail url="/page"/></item>', '<item><title>q</title><enclosure url="/3.mp4" length="1"/><media:thumbnail url="/big"/></item>'),
        "/t.jpg": (png, "image/png"),
        "/page": (b"<p>", "text/html"),
        "/big": (b"x" * (MAX_PICTURE + 1), "image/png"),
    }  # fmt: skip
    site = serve_pages(serve, pages)
    web = make_web(f"{site.url}/f", max_page_bytes=64 * 1024 * 1024)
    film = f"{site.url}/media/a%20b.mp4"
    assert web.picture(film, CompanionKind.STILL) == png
    with pytest.raises(StorageUnreachable):
        web.picture(film, CompanionKind.POSTER)
    assert web.picture(f"{site.url}/other.mp4", CompanionKind.STILL) is None
    for name in ("2", "3"):
        with pytest.raises(BadUpstream):
            web.picture(f"{site.url}/{name}.mp4", CompanionKind.STILL)


def test_packed_feeds_are_unpacked(serve, make_web):
    body = gzip.compress(rss(entry(1, length=1)).encode())
    site = serve(lambda _, sock: respond(sock, body, headers=["Content-Encoding: gzip"]))
    assert sorted(films(make_web(site.url + "/").walk())) == ["1.mp4"]
