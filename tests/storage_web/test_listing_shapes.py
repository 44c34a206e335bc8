"""Directory listings as real servers print them, and pages that are none."""

import time
from pathlib import Path

import pytest

from adapters.storage.web.listing import TooManyEntries
from adapters.storage.web.pages import Page
from adapters.storage.web.shapes import Shape, read_listing, read_page
from ports.library.storage import StorageUnreachable

SAMPLES = Path(__file__).parents[1] / "web_listings"
URL = "http://films.example.org/x/"
FILES = {
    "Big Film (1999).mkv",
    "Big Film (1999).en.srt",
    'a&b "q" #1 100%.mp4',
    "short.mp4",
    "été.webm",
    "readme.txt",
}
EXACT = {"nginx.html", "nginx.json", "nginx.xml", "caddy.json"}


def page(content, *, url=URL, kind="text/html"):
    return Page(url, kind, content if isinstance(content, bytes) else content.encode())


def sample(name):
    return read_listing(page((SAMPLES / name).read_bytes()), 1000)


def names(content, **more):
    listing = read_listing(page(content, **more), 1000)
    return None if listing is None else set(listing.entries)


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_every_servers_listing_holds_the_same(name):
    entries = sample(name).entries
    files = {one.name for one in entries.values() if not one.is_folder}
    assert files - {".hidden.mp4"} == FILES
    assert {one.name for one in entries.values() if one.is_folder} == {"Season 1"}
    assert sample(name).unreadable == []


@pytest.mark.parametrize("name", sorted(EXACT))
def test_exact_sizes_are_taken_with_the_time_of_change(name):
    entry = sample(name).entries["Big Film (1999).mkv"]
    assert entry.size_bytes == 5_000_000
    assert "2025" in entry.stamp


@pytest.mark.parametrize("name", sorted({p.name for p in SAMPLES.iterdir()} - EXACT))
def test_rounded_sizes_are_not_taken_for_exact_ones(name):
    assert sample(name).entries["Big Film (1999).mkv"].size_bytes is None


def test_a_rounded_size_and_a_date_still_tell_of_a_change():
    for name in ("apache-fancy.html", "apache-table.html", "lighttpd.html", "caddy.html"):
        assert "2025" in sample(name).entries["Big Film (1999).mkv"].stamp


@pytest.mark.parametrize(
    "link",
    [
        "../a.mp4", "/a.mp4", "//evil.example/x/a.mp4", "https://films.example.org/x/a.mp4",
        "http://films.example.org:81/x/a.mp4", "http://user@evil.example/x/a.mp4", "file:///x/a.mp4",
        "sub/a.mp4", "..%2fa.mp4", "%2e%2e/a.mp4", "%2e%2e", "./../a.mp4", "/x/../a.mp4",
        "javascript:a.mp4", "?a.mp4", "#a.mp4", "", ".", "./", "..", "../", "/x/", "http://[::1/a.mp4",
        "ftp://films.example.org/x/a.mp4", "data:video/mp4,a.mp4", "/y/a.mp4", "/xy/a.mp4",
    ],
)  # fmt: skip
def test_what_does_not_lie_directly_below_is_no_entry(link):
    content = f'<title>Index of /x/</title><a href="{link}">a</a><a href="good.mp4">b</a>'
    assert names(content) == {"good.mp4"}


@pytest.mark.parametrize(
    ("link", "name"),
    [
        ("a.mp4", "a.mp4"), ("./a.mp4", "a.mp4"), ("/x/a.mp4", "a.mp4"),
        ("http://films.example.org/x/a.mp4", "a.mp4"), ("http://FILMS.example.org:80/x/a.mp4", "a.mp4"),
        ("a.mp4?x=1#y", "a.mp4"), ("a%20b.mp4", "a b.mp4"), ("a b.mp4", "a b.mp4"),
        ("a%3Fb.mp4", "a?b.mp4"), ("a&amp;b.mp4", "a&b.mp4"), ("%C3%A9.mp4", "é.mp4"), ("é.mp4", "é.mp4"),
    ],
)  # fmt: skip
def test_links_are_read_however_they_are_written(link, name):
    assert names(f"<title>Index of /x/</title><A  HREF = '{link}' >a</A>") == {name}


@pytest.mark.parametrize(
    "link", ["a%00b.mp4", "a%0Ab.mp4", "%ff.mp4", "a%2Fb.mp4", "x" * 1500 + ".mp4"]
)
def test_a_name_that_cannot_be_kept_is_reported(link):
    listing = read_listing(page(f'<title>Index of /x/</title><a href="{link}">a</a>'), 1000)
    assert listing.entries == {}
    assert len(listing.unreadable) == 1


@pytest.mark.parametrize(
    "content",
    [
        "",
        "<html><title>Welcome</title><p>It works!</p></html>",
        '<title>Blog</title><a href="2025/">old</a><a href="about/">about</a><a href="/x/c/">c</a>',
        '<title>Sign in</title><form action="/login"><input name="password"></form>',
        '<title>Shop</title><a href="a.mp4">trailer</a><a href="/">home</a><a href="/a">a</a><a href="/b">b</a>',
        '<!-- <title>Index of /x/</title> --><script>document.write("<a href=a.mp4>")</script>',
        "[1, 2]",
        '[{"id": 1}]',
        "[" * 5000,
        "{}",
        '<?xml version="1.0"?><list><file>a.mp4</list>',
        '<?xml version="1.0"?><lists/>',
    ],
)  # fmt: skip
def test_other_pages_are_no_listing(content):
    assert names(content) is None


def test_an_empty_listing_is_one():
    assert names("<title>Index of /x/</title><a href='../'>../</a>") == set()
    assert names("[]", kind="application/json") == set()


def test_a_hand_made_page_of_films_is_one_and_a_link_twice_counts_once():
    content = '<a href="a.mp4"><img></a> <a href="a.mp4">a</a> 2025-11-19 10:11 12<br><a href="b.mkv">b</a>'
    listing = read_listing(page(content), 1000)
    assert listing.entries["a.mp4"].size_bytes == 12
    assert set(listing.entries) == {"a.mp4", "b.mkv"}


def test_xml_that_declares_things_is_refused():
    bomb = '<?xml version="1.0"?><!DOCTYPE list [<!ENTITY a "b">]><list><file>&a;.mp4</file></list>'
    assert names(bomb) is None


def test_names_in_json_stay_one_component():
    rows = '[{"name":"../a.mp4","type":"file","size":1},{"name":"","type":"file"},{"name":"a\\u0000.mp4","is_dir":false},{"name":"ok.mp4","type":"file","size":-5,"mtime":7}]'
    listing = read_listing(page(rows), 1000)
    assert set(listing.entries) == {"ok.mp4"}
    assert listing.entries["ok.mp4"].size_bytes is None
    assert len(listing.unreadable) == 3


def test_a_listing_that_is_too_long_is_stopped():
    row = '<a href="{}.mp4">x</a>'
    content = "<title>Index of /x/</title>" + "".join(map(row.format, range(11)))
    with pytest.raises(TooManyEntries):
        read_listing(page(content), 10)
    with pytest.raises(TooManyEntries):
        read_listing(page("[" + ",".join(["{}"] * 2_000_000) + "]"), 10)


@pytest.mark.parametrize("piece", ["<a ", "<!--", "<![CDATA[", '<a href="', "<script>", "</", "&a", "<a href='x'", "href="])  # fmt: skip
def test_reading_takes_time_by_length_alone(piece):
    started = time.process_time()
    read_listing(page("<title>Index of /x/</title>" + piece * 200_000), 1_000_000)
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    ("shape", "content", "words"),
    [
        (Shape.LISTING, "<p>hello</p>", "no directory listing"),
        (Shape.FEED, "<p>hello</p>", "no feed"),
        (Shape.LIST, "<p>hello</p>", "no list of addresses"),
        (None, "<p>hello</p>", "no directory listing"),
        (None, "hello world", "neither"),
        (None, b"\0\1\2", "neither"),
        (None, '{"a": 1}', "neither"),
    ],
)
def test_what_a_page_is_not_is_said(shape, content, words):
    with pytest.raises(StorageUnreachable, match=words):
        read_page(page(content, kind=""), shape, most=10)
