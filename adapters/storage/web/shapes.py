"""What a page of the web is: a directory listing, a feed or a list of addresses."""

import re
from enum import StrEnum
from typing import TypeVar

from adapters.storage.web.feed import Feed, FeedRefused, parse_feed
from adapters.storage.web.listing import Listing, parse_html, parse_json, parse_xml
from adapters.storage.web.pages import Page
from adapters.storage.web.url_list import AddressList, ListRefused, parse_list
from ports.library.storage import StorageUnreachable

_HEAD = 16_384
_NOTHING = "that is neither a directory listing nor a feed nor a list of addresses"
_ROOT = re.compile(r"<([A-Za-z][A-Za-z0-9:]{0,30})")

Read = TypeVar("Read")


class Shape(StrEnum):
    """What is at the address of a location."""

    LISTING = "listing"
    FEED = "feed"
    LIST = "list"


def read_listing(page: Page, most: int) -> Listing | None:
    """Read a listing in whatever format; None where the page is something else.

    Raises:
        TooManyEntries: more than ``most``.
    """
    head = _head(page)
    if head.startswith("["):
        return parse_json(page, most=most)
    root = _ROOT.search(head)
    if root is not None and root[1] == "list":
        return parse_xml(page, most=most)
    return parse_html(page, most=most)


def read_page(page: Page, shape: Shape | None, *, most: int) -> Listing | Feed | AddressList:
    """Read the page that a location's address leads to.

    Args:
        page: as it came.
        shape: what it has to be; None: what it looks like.
        most: entries of a listing.

    Raises:
        StorageUnreachable: it is something else, with what was expected.
        TooManyEntries: a listing of more than ``most``.
    """
    looks = shape or _looks(page)
    try:
        if looks is Shape.FEED:
            return _or_refuse(parse_feed(page), "that page is no feed (RSS or Atom)")
        if looks is Shape.LIST:
            refusal = "that is no list of addresses" if shape else _NOTHING
            return _or_refuse(parse_list(page), refusal)
        return _or_refuse(read_listing(page, most), "that page is no directory listing")
    except (FeedRefused, ListRefused) as exc:
        raise StorageUnreachable(str(exc)) from exc


def _or_refuse(read: Read | None, reason: str) -> Read:
    if read is None:
        raise StorageUnreachable(reason)
    return read


def _looks(page: Page) -> Shape:
    head = _head(page)
    root = _ROOT.search(head)
    if root is not None and head.startswith("<"):
        is_feed = root[1].lower() in {"rss", "feed", "rdf:rdf"}
        return Shape.FEED if is_feed else Shape.LISTING
    if head.startswith("[") or page.kind == "text/html":
        return Shape.LISTING
    return Shape.LIST


def _head(page: Page) -> str:
    start = Page(page.url, page.kind, page.content[:_HEAD], charset=page.charset).text()
    return start.lstrip("\N{ZERO WIDTH NO-BREAK SPACE} \t\r\n")
