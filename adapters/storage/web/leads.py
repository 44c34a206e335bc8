"""Films that a page leads to, and finding out what the page does not say: their sizes."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import NamedTuple

from domain.errors import BadUpstream, NotFound
from domain.library.video import MAX_FILE_SIZE, shown
from ports.library.storage import (
    Companion,
    FoundObject,
    ObjectInfo,
    StorageUnreachable,
    Told,
    UnreadableObject,
    WalkItem,
)

PARALLEL = 8
MAX_KEPT = 200_000


class Lead(NamedTuple):
    """A film on the web.

    ``size_bytes`` None: not stated exactly. ``stamp`` changes whenever the page shows a change of
    the bytes; empty where it shows nothing of the kind.
    """

    locator: str
    name: str
    size_bytes: int | None = None
    stamp: str = ""
    companions: tuple[Companion, ...] = ()
    told: Told | None = None
    extras: str = ""

    def found(self, size_bytes: int, signature: str) -> FoundObject:
        """Return the film as a walk yields it."""
        return FoundObject(
            self.locator,
            self.name,
            size_bytes,
            signature,
            self.extras,
            self.companions,
            self.told,
        )


class Measures:
    """Sizes of films whose page does not state them, asked for a few at a time.

    What was asked once is asked again only when the page shows a change; a page that shows nothing
    has every film asked for each time.

    Args:
        measure: asks for the size and the tag of an object.
    """

    def __init__(self, measure: Callable[[str], ObjectInfo]) -> None:
        self._measure = measure
        self._kept: dict[str, tuple[str, int, str]] = {}
        self._lock = Lock()

    def complete(self, items: Iterable[Lead | WalkItem]) -> Iterator[WalkItem]:
        """Yield the items in their order, every lead as what it turned out to be."""
        pool = ThreadPoolExecutor(PARALLEL, thread_name_prefix="measure")
        waiting: deque[WalkItem | Future[WalkItem]] = deque()
        try:
            for item in items:
                waiting.append(self._begin(item, pool))
                while waiting and (
                    not isinstance(waiting[0], Future) or len(waiting) > 4 * PARALLEL
                ):
                    yield _result(waiting.popleft())
            while waiting:
                yield _result(waiting.popleft())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _begin(
        self, item: Lead | WalkItem, pool: ThreadPoolExecutor
    ) -> WalkItem | Future[WalkItem]:
        if not isinstance(item, Lead):
            return item
        if item.size_bytes is not None and item.stamp:
            return _checked(item, item.size_bytes, f"{item.size_bytes}-{item.stamp}")
        kept = self._kept.get(item.locator)
        if kept is not None and item.stamp and kept[0] == item.stamp:
            return _checked(item, kept[1], kept[2])
        return pool.submit(self._ask, item)

    def _ask(self, lead: Lead) -> WalkItem:
        try:
            info = self._measure(lead.locator)
        except NotFound:
            return UnreadableObject(shown(lead.name), "the server has no such file", lead.locator)
        except (StorageUnreachable, BadUpstream) as exc:
            return UnreadableObject(shown(lead.name), str(exc), lead.locator)
        signature = f"{info.size_bytes}-{info.etag or lead.stamp}"
        with self._lock:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[lead.locator] = (lead.stamp, info.size_bytes, signature)
        return _checked(lead, info.size_bytes, signature)


def stamp_of(*parts: object) -> str:
    """Return a short text that changes whenever one of the parts does."""
    text = "\0".join(map(str, parts))
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=12).hexdigest()


def _checked(lead: Lead, size_bytes: int, signature: str) -> WalkItem:
    if size_bytes <= 0:
        return UnreadableObject(shown(lead.name), "the file is empty", lead.locator)
    if size_bytes > MAX_FILE_SIZE:
        return UnreadableObject(shown(lead.name), "its length is impossible", lead.locator)
    return lead.found(size_bytes, signature)


def _result(item: WalkItem | Future[WalkItem]) -> WalkItem:
    return item.result() if isinstance(item, Future) else item
