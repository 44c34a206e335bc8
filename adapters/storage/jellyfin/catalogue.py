"""Reading a server's items: a short list of all of them first, then those that changed."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from adapters.storage.jellyfin.client import JellyfinClient, Library, Page
from adapters.storage.jellyfin.items import LISTED, Kept, plain_id
from adapters.storage.jellyfin.memory import Memory
from adapters.storage.jellyfin.shape import Shape, shown
from ports.federation.peers import LimitReached
from ports.library.storage import StorageUnreachable, UnreadableObject

LIST_PAGE = 1000
BATCH = 100  # items that are asked for at once
SMALLEST_PAGE = 50  # a server may cap its pages, but not so far that reading them never ends
MAX_LISTINGS = 4
_TOO_LARGE = "what the server says of it is larger than may be read at once"


class Listed(NamedTuple):
    """An item of the short list. ``tag`` stands for its state, empty where nothing does."""

    id: str
    name: str
    tag: str


class Listing(NamedTuple):
    """The short list, and what of it cannot be used."""

    items: list[Listed]
    odd: list[UnreadableObject]


class Catalogue:
    """Items of one server.

    Args:
        client: asks it.
        max_objects: more items than these are not taken.
        memory: what earlier walks met.
    """

    def __init__(self, client: JellyfinClient, *, max_objects: int, memory: Memory) -> None:
        self._client, self._max_objects = client, max_objects
        self._memory = memory

    def listing(self, library: Library, types: Sequence[str]) -> Listing:
        """Return all items of these types, in the order in which the server got them.

        A list is read page by page, and what is removed meanwhile shifts the rest past the reader.
        So each page begins with the end of the one before, and the list counts only when it is as
        long as announced, or comes out the same twice.

        Raises:
            StorageUnreachable: also for a list that never ends, or never stays the same.
        """
        before: list[str] | None = None
        for _ in range(MAX_LISTINGS):
            found, total = self._list_once(library, types)
            if found is None:
                continue
            met = len(found.items) + len(found.odd)
            ids = [one.id for one in found.items]
            if met == total:
                return found
            if ids == before:
                if total - met > max(20, total // 100):
                    raise StorageUnreachable(
                        f"the Jellyfin server announces {total} items and sends {met}"
                    )
                return found
            before = ids
        raise StorageUnreachable(
            "the Jellyfin server's list changes while it is read; try again when it is at rest"
        )

    def details(
        self, items: Sequence[Listed], fields: str, shape: Shape
    ) -> Iterator[tuple[Listed, Kept | str]]:
        """Yield what is kept of each item, in order, or why it cannot be read.

        Items that are remembered with the same tag are not asked for.

        Raises:
            StorageUnreachable
        """
        for batch in self._batches(items):
            wanted = [one for one in batch if not self._memory.has(one.id, one.tag)]
            asked = self._ask([one.id for one in wanted], fields, shape)
            for one in wanted:
                kept = asked.get(one.id)
                if isinstance(kept, dict):
                    self._memory.keep(one.id, one.tag, kept)
            for one in batch:
                kept = asked.get(one.id) or self._memory.find(one.id, one.tag)
                yield one, kept or "the server lists it and then does not know it"

    def _batches(self, items: Sequence[Listed]) -> Iterator[list[Listed]]:
        """Yield the items in runs; of each, so many have to be asked for as fit in one go."""
        batch: list[Listed] = []
        wanted = 0
        for one in items:
            batch.append(one)
            wanted += not self._memory.has(one.id, one.tag)
            if wanted == BATCH or len(batch) == LIST_PAGE:
                yield batch
                batch, wanted = [], 0
        if batch:
            yield batch

    def check_count(self, count: int, library: Library) -> None:
        """Raise StorageUnreachable for more items than may be taken."""
        if count > self._max_objects:
            raise StorageUnreachable(
                f"{library.name}: more than {self._max_objects} items (the setting "
                "storage.max_objects)"
            )

    def forget_others(self, ids: Collection[str]) -> None:
        """Keep nothing in memory but these."""
        self._memory.keep_only(ids)

    def _list_once(self, library: Library, types: Sequence[str]) -> tuple[Listing | None, int]:
        """Return the list and its announced length; None for one that shifted meanwhile."""
        found: dict[str, Listed] = {}
        odd: list[UnreadableObject] = []
        start, end = 0, ""
        for _ in range(100 + self._max_objects // SMALLEST_PAGE):
            page = self._page(library, types, max(0, start - 1))
            before = len(found) + len(odd)
            has_shifted = start > 0 and [_key(raw) for raw in page.items[:1]] != [end]
            fresh = page.items if has_shifted else page.items[min(1, start) :]
            for raw in fresh:
                kept = LISTED(raw) or {}
                item_id = plain_id(kept.get("Id"))
                name = shown(kept.get("Name", "an item"))
                if item_id is None:
                    odd.append(UnreadableObject(name, "the server gives it no id"))
                else:
                    found[item_id] = Listed(item_id, name, _tag(kept))
            is_same = len(found) + len(odd) == before
            if fresh and is_same:
                raise StorageUnreachable("the Jellyfin server sends the same items again")
            if has_shifted and page.items:
                return None, page.total
            start += len(fresh)
            end = _key(fresh[-1]) if fresh else end
            self.check_count(max(start, page.total), library)
            is_last = start == page.total or (start > page.total and len(page.items) < LIST_PAGE)
            if not fresh or is_last:
                return Listing(list(found.values()), odd), page.total
        raise StorageUnreachable("the Jellyfin server's list comes in too many small pages")

    def _page(self, library: Library, types: Sequence[str], start: int) -> Page:
        try:
            return self._client.items(
                {
                    "parentId": library.id,
                    "recursive": "true",
                    "includeItemTypes": ",".join(types),
                    "excludeLocationTypes": "Virtual",
                    "collapseBoxSetItems": "false",
                    "fields": "Etag,MediaSourceCount",
                    "sortBy": "DateCreated,SortName",
                    "sortOrder": "Ascending",
                    "enableImages": "false",
                    "enableUserData": "false",
                    "enableTotalRecordCount": "true",
                    "startIndex": str(start),
                    "limit": str(LIST_PAGE),
                }
            )
        except LimitReached as exc:
            raise StorageUnreachable(
                "the Jellyfin server sends more than may be read at once"
            ) from exc

    def _ask(self, ids: Sequence[str], fields: str, shape: Shape) -> dict[str, Kept | str]:
        """Return the items by id; halves of what is too large to be read at once, down to one."""
        if not ids:
            return {}
        try:
            page = self._client.items(
                {
                    "ids": ",".join(ids),
                    "fields": fields,
                    "enableImageTypes": "Primary,Backdrop,Thumb",
                    "imageTypeLimit": "1",
                    "enableUserData": "false",
                    "enableTotalRecordCount": "false",
                }
            )
        except LimitReached:
            half = len(ids) // 2
            if not half:
                return {ids[0]: _TOO_LARGE}
            return self._ask(ids[:half], fields, shape) | self._ask(ids[half:], fields, shape)
        wanted, found = set(ids), dict[str, Kept | str]()
        for raw in page.items:
            kept = shape(raw)
            item_id = plain_id(raw.get("Id")) if kept else None
            if kept and item_id in wanted:
                found[item_id] = kept
        return found


def _key(raw: Any) -> str:
    """Return the id of an item as it came, empty where it has none."""
    return plain_id((LISTED(raw) or {}).get("Id")) or ""


def _tag(kept: Kept) -> str:
    """Return what stands for the item's state.

    The ETag is that of the first version alone: an item of several is asked for each time.
    """
    return kept.get("Etag", "") if kept.get("MediaSourceCount", 1) <= 1 else ""
