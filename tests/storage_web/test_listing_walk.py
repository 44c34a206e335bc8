"""Walking a tree of listings, and servers whose tree has no end."""

import pytest

from adapters.storage.web.leads import Lead
from adapters.storage.web.listing_walk import ListingWalk
from adapters.storage.web.pages import Page
from adapters.storage.web.shapes import read_listing
from ports.library.storage import (
    CompanionKind,
    OriginUnreachable,
    StorageUnreachable,
    UnreadableObject,
)

ROOT = "http://h.example/films/"


def listing(*names):
    rows = "\n".join(f'<a href="{name}">x</a>  19-Nov-2025 10:11  7' for name in names)
    return f"<title>Index of</title><pre>{rows}\n</pre>"


class Site:
    """Pages by their path below the root; an exception is raised instead of given out."""

    def __init__(self, pages):
        self.pages, self.asked = pages, []

    def get(self, url):
        path = url.removeprefix(ROOT)
        self.asked.append(path)
        page = self.pages(path) if callable(self.pages) else self.pages[path]
        if isinstance(page, Exception):
            raise page
        return page if isinstance(page, Page) else Page(url, "text/html", page.encode())

    def walk(self, *, depth=10, most=1000):
        root = read_listing(self.get(ROOT), most)
        return list(ListingWalk(self.get, read_listing, depth, most).run(root))


def leads(items):
    return [item.locator for item in items if isinstance(item, Lead)]


def problems(items):
    return [(item.locator, item.reason) for item in items if isinstance(item, UnreadableObject)]


def test_folders_are_read_level_by_level():
    site = Site({"": listing("b/", "z.mp4", "a/"), "a/": listing("c/", "1.mkv"), "b/": listing("2.mkv"), "a/c/": listing("3.mkv")})  # fmt: skip
    items = site.walk()
    assert leads(items) == ["z.mp4", "b/2.mkv", "a/1.mkv", "a/c/3.mkv"]
    assert problems(items) == []


def test_hidden_partial_and_other_files_are_left_alone():
    site = Site({"": listing(".a.mp4", ".git/", "lost+found/", "b.part.mp4", "c.txt", "d.MP4", "e")})  # fmt: skip
    assert leads(site.walk()) == ["d.MP4"]
    assert site.asked == [""]


def test_side_cars_go_along_with_their_film():
    site = Site({"": listing("a.mp4", "a.en.srt", "a.nfo", "b.txt", "poster.jpg")})
    (film,) = [item for item in site.walk() if isinstance(item, Lead)]
    assert {(one.kind, one.locator) for one in film.companions} == {
        (CompanionKind.SUBTITLE, "a.en.srt"),
        (CompanionKind.NFO, "a.nfo"),
        (CompanionKind.POSTER, "poster.jpg"),
    }
    assert film.extras
    site.pages[""] = site.pages[""].replace('a.nfo">x</a>  19-', 'a.nfo">x</a>  20-')
    (changed,) = [item for item in site.walk() if isinstance(item, Lead)]
    assert changed.extras != film.extras
    assert changed.stamp == film.stamp


@pytest.mark.parametrize(
    "page",
    [
        StorageUnreachable("the server does not let this node in (403)"),
        StorageUnreachable("the server answers with status 500"),
        OriginUnreachable("the connection broke"),
        "<p>Please sign in</p>",
        Page("http://h.example/login/", "text/html", listing("x.mp4").encode()),
        Page("http://evil.example/films/a/", "text/html", listing("x.mp4").encode()),
    ],
)
def test_a_folder_that_cannot_be_read_is_named_and_the_walk_goes_on(page):
    site = Site({"": listing("a/", "b/"), "a/": page, "b/": listing("2.mkv")})
    items = site.walk()
    assert leads(items) == ["b/2.mkv"]
    ((locator, reason),) = problems(items)
    assert locator == "a/"
    assert reason


def test_a_server_that_goes_away_in_the_middle_is_unreachable():
    gone = OriginUnreachable("the connection was refused")
    site = Site({"": listing("a/", "b/", "c/", "d/"), "a/": gone, "b/": gone, "c/": gone})
    with pytest.raises(StorageUnreachable, match="refused"):
        site.walk()


def test_a_link_in_a_circle_is_found():
    site = Site(lambda _path: listing("a.mp4", "again/"))
    items = site.walk()
    assert leads(items) == ["a.mp4"]
    ((locator, reason),) = problems(items)
    assert locator == "again/"
    assert "circle" in reason


def test_folders_that_lie_too_deep_are_named():
    site = Site(lambda path: listing(f"{len(path)}/"))
    items = site.walk(depth=3)
    assert len(site.asked) == 4
    ((locator, reason),) = problems(items)
    assert locator.count("/") == 4
    assert "depth" in reason


def test_a_tree_without_end_is_stopped_and_nothing_of_it_counts_as_missing():
    site = Site(lambda path: listing(*(f"{path.count('/')}-{n}/" for n in range(10)), f"{len(path)}.mp4"))  # fmt: skip
    items = site.walk(most=200, depth=50)
    assert len(site.asked) <= 21
    assert len(leads(items)) <= 200
    locator, reason = problems(items)[-1]
    assert locator == "/"
    assert "storage.max_objects" in reason


def test_pages_that_take_too_much_are_stopped(monkeypatch):
    monkeypatch.setattr("adapters.storage.web.listing_walk.MAX_BYTES", 10_000)
    site = Site(lambda path: listing(f"{len(path)}/") + " " * 4000)
    locator, reason = problems(site.walk(depth=50))[-1]
    assert locator == "/"
    assert "bytes" in reason
