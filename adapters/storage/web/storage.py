"""A location on the web: whatever its address leads to, its films are read over HTTP."""

import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import quote

from adapters.storage.http_objects import Asked, HttpObjects
from adapters.storage.redirects import AddressInvalid, absolute
from adapters.storage.web.feed import Feed, FeedRefused, parse_feed
from adapters.storage.web.leads import Lead, Measures
from adapters.storage.web.listing import Listing, TooManyEntries, folder_of
from adapters.storage.web.listing_walk import ListingWalk
from adapters.storage.web.pages import Page, Pages
from adapters.storage.web.reach import Reach
from adapters.storage.web.shapes import Shape, read_listing, read_page
from adapters.storage.web.url_list import AddressList
from domain.errors import BadUpstream
from ports.byte_body import ByteBody
from ports.library.storage import (
    CompanionKind,
    NewestOnly,
    ObjectInfo,
    ObjectNotFound,
    OriginUnreachable,
    StorageEmpty,
    StorageUnreachable,
    UnreadableObject,
    WalkItem,
)

MAX_PAGES = 1000  # of one feed
MAX_PICTURE = 10 * 1024 * 1024
_SERVER = re.compile(r"[A-Za-z][A-Za-z0-9 ._-]{0,39}")


class WebStorage:
    """Reads films of the web.

    The locator of a film in a listing is its path below the listing, decoded; that of one in a feed
    or a list is its address.

    Args:
        url: as ``absolute`` returns it.
        reach: the guarded clients.
        shape: what is there; None: what it looks like.
        authorization: a field for the origin of ``url`` alone; empty for none.
        depth: folders deep that listings are read.
        max_objects: that the location may hold.
    """

    def __init__(
        self,
        url: str,
        reach: Reach,
        *,
        shape: Shape | None = None,
        authorization: str = "",
        depth: int,
        max_objects: int,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._home, self._shape = url, shape
        self._depth, self._max_objects = depth, max_objects
        self._pages = Pages(reach, url, authorization=authorization)
        self._objects = HttpObjects(
            lambda _method, address: Asked(address, self._pages.credentials(address)),
            reach,
            plain_web=True,
            monotonic=monotonic,
            sleep=sleep,
        )
        self._measures = Measures(lambda locator: self._objects.measure(self._address(locator)))
        self._folder_url: str | None = None
        self._pictures: dict[tuple[str, CompanionKind], str] | None = None

    def check(self) -> str:
        """See ReadableStorage."""
        page, content = self._read()
        if isinstance(content, Feed):
            return f"a feed: {content.title[:100]}, {_count(content.entries, 'entry', 'entries')}"
        if isinstance(content, AddressList):
            return f"a list of {_count(content.count, 'address', 'addresses')}"
        server = _SERVER.match(page.server)
        by = f" by {server[0].strip()}" if server is not None else ""
        return f"a listing{by} with {_count(len(content.entries), 'entry', 'entries')}"

    def walk(self) -> Iterator[WalkItem]:
        """See WalkableStorage."""
        _page, content = self._read()
        yield from self._measures.complete(self._leads(content))
        if isinstance(content, Feed):
            yield NewestOnly()

    def stat(self, locator: str) -> ObjectInfo:
        """See ReadableStorage."""
        return self._objects.stat(self._address(locator))

    def open(self, locator: str, *, start: int, length: int, etag: str | None) -> ByteBody:
        """See ReadableStorage."""
        return self._objects.open(self._address(locator), start=start, length=length, etag=etag)

    def local_path(self, locator: str) -> None:
        """See WalkableStorage: nothing of the web is on this machine."""

    def picture(self, locator: str, kind: CompanionKind) -> bytes | None:
        """See Picturing: feeds have pictures."""
        if self._pictures is None:
            self._pictures = {}
            _page, content = self._read()
            if isinstance(content, Feed):
                # Reading all pages of the feed is what gathers its pictures.
                deque(self._entries(content), maxlen=0)
        url = self._pictures.get((locator, kind))
        if url is None:
            return None
        page = self._pages.get(url, accept="image/webp, image/jpeg, image/png")
        if not page.kind.startswith("image/"):
            raise BadUpstream("the server sends something else than a picture")
        if len(page.content) > MAX_PICTURE:
            raise BadUpstream(f"a picture takes more than {MAX_PICTURE:,} bytes")
        return page.content

    def _read(self) -> tuple[Page, Listing | Feed | AddressList]:
        page = self._pages.get(self._home)
        try:
            content = read_page(page, self._shape, most=self._max_objects)
        except TooManyEntries as exc:
            reason = f"it lists more than {self._max_objects:,} entries (storage.max_objects)"
            raise StorageUnreachable(reason) from exc
        if isinstance(content, Listing):
            self._folder_url = content.folder_url
        return page, content

    def _leads(self, content: Listing | Feed | AddressList) -> Iterator[Lead | WalkItem]:
        if isinstance(content, Listing):
            if not content.entries and not content.unreadable:
                raise StorageEmpty("the listing is empty")
            walk = ListingWalk(self._pages.get, read_listing, self._depth, self._max_objects)
            return walk.run(content)
        if isinstance(content, Feed):
            if not content.entries:
                raise StorageEmpty("the feed has no entries")
            self._pictures = {}
            return self._capped(self._entries(content))
        if not content.count:
            raise StorageEmpty("the list names no addresses")
        return self._capped(content.items())

    def _entries(self, feed: Feed) -> Iterator[Lead | WalkItem]:
        """Yield what a feed offers, the pages that continue it included (RFC 5005)."""
        pictures = self._pictures if self._pictures is not None else {}
        read, seen = {self._home}, set[str]()
        for number in range(2, MAX_PAGES + 2):
            pictures.update(feed.pictures)
            for item in feed.items:
                if isinstance(item, UnreadableObject):
                    yield item
                elif item.locator not in seen:
                    seen.add(item.locator)
                    yield item
            onward = feed.next_url
            if onward is None:
                return
            try:
                feed = self._feed_page(onward, read)
            except (StorageUnreachable, FeedRefused) as exc:
                yield UnreadableObject(f"page {number} of the feed", str(exc))
                return
        yield UnreadableObject("the feed", f"it has more than {MAX_PAGES:,} pages")

    def _feed_page(self, url: str, read: set[str]) -> Feed:
        if url in read:
            raise FeedRefused("its pages follow each other in a circle")
        read.add(url)
        feed = parse_feed(self._pages.get(url))
        if feed is None:
            raise FeedRefused("that page is no feed")
        return feed

    def _capped(self, items: Iterable[Lead | WalkItem]) -> Iterator[Lead | WalkItem]:
        for number, item in enumerate(items):
            if number == self._max_objects:
                reason = f"it lists more than {number:,} films (storage.max_objects)"
                yield UnreadableObject("/", reason, "/")
                return
            yield item

    def _address(self, locator: str) -> str:
        """Return where a film is; raises ObjectNotFound for what no walk gives out."""
        if locator.startswith(("http://", "https://")):
            try:
                return absolute("", locator)
            except AddressInvalid as exc:
                raise ObjectNotFound from exc
        parts = locator.split("/")
        if "\0" in locator or any(part in {"", ".", ".."} for part in parts):
            raise ObjectNotFound
        return self._folder() + "/".join(quote(part, safe="") for part in parts)

    def _folder(self) -> str:
        """Return where the listing is, once redirects are followed."""
        if self._folder_url is None:
            try:
                self._folder_url = folder_of(self._pages.get(self._home).url)
            except OriginUnreachable:
                raise
            except StorageUnreachable:
                return folder_of(self._home)  # files may be given out where lists are not
        return self._folder_url


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
