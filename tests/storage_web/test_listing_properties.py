"""Whatever a server prints, a listing leads nowhere but below its own address."""

import contextlib
from urllib.parse import quote, unquote, urljoin, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.storage.redirects import absolute, origin
from adapters.storage.web.feed import FeedRefused, parse_feed
from adapters.storage.web.leads import Lead
from adapters.storage.web.listing import TooManyEntries, entry_url
from adapters.storage.web.markup import plain_text, tokens
from adapters.storage.web.pages import Page
from adapters.storage.web.shapes import read_listing
from domain.library.description import tidy

pieces = st.sampled_from(
    ["<a href=", '"', "'", ">", "</a>", "a.mp4", "../", "/", "//", "%2e", "%2F", "%00", "http://",
     "h.example", "<pre>", "<title>Index of /", "</title>", "\n", "2025-11-19 10:11", " 12", "?C=N",
     "&amp;", "&#0;", "<!--", "-->", "<script>", "<list>", "<file>", "[", '{"name":', '"type":"file"}', "]",
     ":", "@", "\\", "x/", "é", "\ud7ff"]
)  # fmt: skip
soup = st.lists(pieces | st.text(max_size=8), max_size=60).map("".join)
links = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
bases = st.sampled_from(
    [
        "http://h.example/",
        "http://h.example/x/",
        "https://h.example:8443/a%20b/c/",
        "http://h.example/x",
    ]
)


def check(url, listing):
    for entry in listing.entries.values():
        found = entry_url(listing.folder_url, entry.name, is_folder=entry.is_folder)
        assert origin(found) == origin(url)
        assert urljoin(found, urlsplit(found).path) == found
        below = found.removeprefix(listing.folder_url).removesuffix("/")
        assert below
        assert "/" not in unquote(below)
        assert unquote(below) not in {".", ".."}
        assert "\0" not in entry.name


@settings(max_examples=300, deadline=None)
@given(content=soup | st.binary(max_size=300), url=bases)
def test_a_listing_never_raises_and_never_leads_out(content, url):
    data = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
    try:
        listing = read_listing(Page(url, "text/html", data), 30)
    except TooManyEntries:
        return
    if listing is not None:
        check(url, listing)


@settings(max_examples=300, deadline=None)
@given(href=links, url=bases)
def test_no_link_leads_out(href, url):
    content = f'<title>Index of</title><a href="{href}">x</a>'.encode()
    listing = read_listing(Page(url, "text/html", content), 30)
    assert listing is not None
    check(url, listing)


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=30).filter(
        lambda n: n.isprintable() and "/" not in n and n not in {".", ".."}
    )
)
def test_every_name_finds_its_way_there_and_back(name):
    url = "http://h.example/x/"
    content = f'<title>Index of</title><a href="{quote(name)}">x</a>'.encode()
    listing = read_listing(Page(url, "text/html", content), 30)
    assert set(listing.entries) == {name}
    assert unquote(entry_url(listing.folder_url, name, is_folder=False)) == url + name


feed_pieces = st.sampled_from(
    ["<item>", "</item>", "<title>", "</title>", "<enclosure url='", "' type='video/mp4'", "/>", "a.mp4", "http://",
     "<media:content url='", "<itunes:episode>", "5", "<pubDate>", "9999999", "<link rel='next' href='", "&lt;", "&x;"]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(feed_pieces | pieces | st.text(max_size=5), max_size=40).map("".join))
def test_a_feed_is_read_or_refused_whatever_it_holds(content):
    data = f"<rss version='2.0'><channel>{content}</channel></rss>".encode("utf-8", "replace")
    with contextlib.suppress(FeedRefused):
        feed = parse_feed(Page("http://h.example/", "", data))
        for item in feed.items if feed is not None else ():
            if isinstance(item, Lead):
                assert absolute("", item.locator) == item.locator
                tidy(item.told.description, last_year=2030)


@settings(max_examples=200, deadline=None)
@given(soup)
def test_text_of_markup_is_text(content):
    list(tokens(content))
    assert len(plain_text(content, most=50)) <= 50
