"""Reading a tree of directory listings, folder by folder, the upper ones first."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from adapters.storage.names import extras_of, is_folder_name, is_partial, is_video_name
from adapters.storage.redirects import origin
from adapters.storage.web.leads import Lead, stamp_of
from adapters.storage.web.listing import Listing, TooManyEntries, entry_url
from adapters.storage.web.pages import Page
from domain.library.companions import SideCars, is_one_film
from domain.library.video import shown
from ports.library.storage import (
    Companion,
    OriginUnreachable,
    StorageUnreachable,
    UnreadableObject,
    WalkItem,
)

MAX_BYTES = 2 * 1024**3  # of listings, in one walk
FAILURES = 3  # folders in a row that get no answer at all: then it is the server
NOT_ONE = "that page is no directory listing"

ReadListing = Callable[[Page, int], Listing | None]
"""Reads a page as a listing of at most so many entries; None where it is something else."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to read: its path below the root, ending in a slash, and what lies above it."""

    path: str
    url: str
    above: tuple[str, ...] = ()


@dataclass(slots=True)
class ListingWalk:
    """One pass over the tree whose root was read already.

    Args:
        get: fetches a page.
        read: makes a listing of it.
        depth: folders deep.
        max_objects: entries all in all.
    """

    get: Callable[[str], Page]
    read: ReadListing
    depth: int
    max_objects: int
    _entries: int = 0
    _bytes: int = 0
    _waiting: deque[_Folder] = field(default_factory=deque)

    def run(self, root: Listing) -> Iterator[Lead | WalkItem]:
        """Yield the films, and what could not be read.

        A cap that is reached ends the walk, and nothing that was not met counts as missing.

        Raises:
            StorageUnreachable: the server went away in the middle.
        """
        failures = 0
        try:
            yield from self._take(root, _Folder("", root.folder_url))
            while self._waiting:
                folder = self._waiting.popleft()
                try:
                    listing = self._read(folder)
                except StorageUnreachable as exc:
                    failures = failures + 1 if isinstance(exc, OriginUnreachable) else 0
                    if failures == FAILURES:
                        raise
                    yield UnreadableObject(shown(folder.path), str(exc), folder.path)
                else:
                    failures = 0
                    yield from self._take(listing, folder)
        except TooManyEntries:
            reason = f"it lists more than {self.max_objects:,} entries (storage.max_objects)"
            yield UnreadableObject("/", reason, "/")
        except _TooManyBytes:
            yield UnreadableObject("/", f"its pages take more than {MAX_BYTES:,} bytes", "/")

    def _read(self, folder: _Folder) -> Listing:
        page = self.get(folder.url)
        self._bytes += len(page.content)
        if self._bytes > MAX_BYTES:
            raise _TooManyBytes
        listing = self.read(page, self.max_objects - self._entries)
        if listing is None:
            raise StorageUnreachable(NOT_ONE)
        if not _is_same_folder(listing.folder_url, folder.url):
            raise StorageUnreachable("the folder leads to another one")
        return listing

    def _take(self, listing: Listing, folder: _Folder) -> Iterator[Lead | WalkItem]:
        self._entries += len(listing.entries) + len(listing.unreadable)
        if self._entries > self.max_objects:
            raise TooManyEntries
        for name, reason in listing.unreadable:
            yield UnreadableObject(shown(folder.path + name), reason)
        entries = listing.entries.values()
        looks = _looks(listing)
        if looks is not None and looks in folder.above:
            reason = "it lists the same as a folder above it: a link in a circle"
            yield UnreadableObject(shown(folder.path), reason, folder.path)
            return
        yield from _films(listing, folder.path)
        above = folder.above if looks is None else (*folder.above, looks)
        for entry in entries:
            if entry.is_folder and is_folder_name(entry.name):
                path = f"{folder.path}{entry.name}/"
                if path.count("/") > self.depth:
                    reason = f"it lies more than {self.depth} folders deep (the option depth)"
                    yield UnreadableObject(shown(path), reason, path)
                    continue
                url = entry_url(listing.folder_url, entry.name, is_folder=True)
                self._waiting.append(_Folder(path, url, above))


class _TooManyBytes(Exception):
    pass


def _films(listing: Listing, path: str) -> Iterator[Lead]:
    files = {name: entry for name, entry in listing.entries.items() if not entry.is_folder}
    films = [name for name in files if _is_film(name)]
    side_cars = SideCars(files, one_film=is_one_film(films))
    for name in films:
        entry = files[name]
        companions = tuple(
            Companion(
                match.kind,
                path + match.name,
                match.name,
                files[match.name].size_bytes or 0,
                stamp_of(*files[match.name]),
                match.shared,
            )
            for match in side_cars.of(name)
        )
        yield Lead(
            path + name,
            path + name,
            entry.size_bytes,
            entry.stamp,
            companions,
            extras=extras_of(companions),
        )


def _is_film(name: str) -> bool:
    return is_video_name(name) and not name.startswith(".") and not is_partial(name)


def _looks(listing: Listing) -> str | None:
    """Return what two listings of one folder have in common, None where it would say little."""
    kinds = {entry.is_folder for entry in listing.entries.values()}
    return stamp_of(*sorted(listing.entries.values())) if len(kinds) > 1 else None


def _is_same_folder(url: str, other: str) -> bool:
    paths = (unquote(urlsplit(one).path) for one in (url, other))
    return origin(url) == origin(other) and len(set(paths)) == 1
