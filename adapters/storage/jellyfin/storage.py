"""A Jellyfin server as a storage location: its films and episodes, and all that it says of them."""

import re
import time
from collections.abc import Callable, Collection, Iterator
from urllib.parse import urlencode

from adapters.storage.breaker import Breaker
from adapters.storage.http_objects import Asked, HttpObjects
from adapters.storage.jellyfin.catalogue import Catalogue
from adapters.storage.jellyfin.client import JellyfinClient, Library, SignedOrigins
from adapters.storage.jellyfin.items import (
    SERIES,
    SERIES_FIELDS,
    VIDEO,
    VIDEO_FIELDS,
    VIDEO_TYPES,
    Kept,
    plain_id,
)
from adapters.storage.jellyfin.memory import Memory
from adapters.storage.jellyfin.session import Credentials, Session
from adapters.storage.jellyfin.told import objects_of
from domain.text import fold
from ports.byte_body import ByteBody
from ports.library.storage import (
    CompanionKind,
    ObjectInfo,
    ObjectNotFound,
    StorageEmpty,
    StorageUnreachable,
    UnreadableObject,
    WalkItem,
)
from ports.outbound import Origins, WebForms

# Collection types of libraries that hold videos; a mixed library has none.
_WITH_SERIES = frozenset({"tvshows", "unknown", ""})
_WITH_VIDEOS = _WITH_SERIES | {"movies", "musicvideos", "homevideos"}
_LOCATOR = re.compile(r"([0-9a-f]{32})/([0-9A-Za-z_-]{1,64})", re.ASCII)
_POSTER_WIDTH, _STILL_WIDTH = 1000, 1920


class JellyfinStorage:
    """Reads the libraries of one server. A locator is ``item/version``, by the server's ids.

    The bytes are the file itself (the server's static stream); its size and time of change stand
    in for the ETag that the server does not send, so a film that is exchanged while somebody
    watches ends in ObjectChanged, and one that is exchanged twice within a second might not.

    Args:
        base_url: of the server, without a slash at its end.
        credentials: a key or a user.
        device_id: what the server knows this location by.
        libraries: names of those to take; all that hold videos where empty.
        documents, origins: the guarded client.
        max_objects: more items than these are not taken.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        device_id: str,
        documents: WebForms,
        origins: Origins,
        libraries: Collection[str] = (),
        max_objects: int = 1_000_000,
        breaker: Breaker | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        session = Session(credentials, device_id=device_id, monotonic=monotonic)
        self._client = JellyfinClient(base_url, session, documents)
        self._wanted = {fold(name): name for name in libraries}
        self._catalogue = Catalogue(
            self._client, max_objects=max_objects, memory=Memory(monotonic=monotonic)
        )
        self._objects = HttpObjects(
            self._locate,
            SignedOrigins(self._client, origins),
            who="the Jellyfin server",
            plain_web=True,
            breaker=breaker,
            monotonic=monotonic,
            sleep=sleep,
        )

    def check(self) -> str:
        """See ReadableStorage."""
        info = self._client.info()
        names = [library.name for library in self._libraries()]
        counted = f"{len(names)} {'library' if len(names) == 1 else 'libraries'}"
        shown = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
        return f"Jellyfin {info.version} on {info.name or 'a server'}: {counted} ({shown})"

    def walk(self) -> Iterator[WalkItem]:
        """See WalkableStorage.

        Items that did not change since an earlier walk are listed, and not asked for again.
        """
        self._client.info()
        met: set[str] = set()
        is_empty = True
        for library in self._libraries():
            for item in self._walk(library, met):
                is_empty = False
                yield item
        self._catalogue.forget_others(met)
        if is_empty:
            raise StorageEmpty("the Jellyfin server shows no videos in its libraries")

    def local_path(self, _locator: str) -> str | None:
        """See WalkableStorage: nothing of it is on this machine."""
        return None

    def stat(self, locator: str) -> ObjectInfo:
        """See ReadableStorage."""
        return self._objects.stat(locator)

    def open(self, locator: str, *, start: int, length: int, etag: str | None) -> ByteBody:
        """See ReadableStorage."""
        return self._objects.open(locator, start=start, length=length, etag=etag)

    def picture(self, locator: str, kind: CompanionKind) -> bytes | None:
        """See Picturing. An episode's poster is that of its series."""
        item_id, _ = _parts(locator)
        raw = self._client.find(
            item_id,
            {
                "fields": "PrimaryImageAspectRatio",
                "enableImageTypes": "Primary,Backdrop,Thumb",
                "imageTypeLimit": "1",
                "enableUserData": "false",
            },
        )
        item = VIDEO(raw)
        if item is None:
            raise ObjectNotFound
        chosen = _choose(item_id, item, kind)
        if chosen is None:
            return None
        width = _POSTER_WIDTH if kind is CompanionKind.POSTER else _STILL_WIDTH
        return self._client.picture(*chosen, {"maxWidth": str(width), "quality": "90"})

    def _walk(self, library: Library, met: set[str]) -> Iterator[WalkItem]:
        """Yield the objects of one library; what another had already is left out."""
        series = self._series(library, met) if library.holds in _WITH_SERIES else {}
        listing = self._catalogue.listing(library, VIDEO_TYPES)
        yield from listing.odd
        fresh = [one for one in listing.items if one.id not in met]
        met.update(one.id for one in fresh)
        self._catalogue.check_count(len(met), library)
        for one, kept in self._catalogue.details(fresh, VIDEO_FIELDS, VIDEO):
            if isinstance(kept, str):
                yield UnreadableObject(one.name, kept, f"{one.id}/")
            else:
                yield from objects_of(one.id, kept, series)

    def _series(self, library: Library, met: set[str]) -> dict[str, Kept]:
        listed = self._catalogue.listing(library, ("Series",)).items
        met.update(one.id for one in listed)
        found = self._catalogue.details(listed, SERIES_FIELDS, SERIES)
        return {one.id: kept for one, kept in found if isinstance(kept, dict)}

    def _libraries(self) -> list[Library]:
        """Return the libraries to take.

        Raises:
            StorageUnreachable: also where one that is named is not there (any more).
        """
        seen = [one for one in self._client.libraries() if one.holds in _WITH_VIDEOS]
        if not self._wanted:
            if not seen:
                raise StorageEmpty("the Jellyfin server shows no library of videos")
            return seen
        by_name = {fold(one.name): one for one in seen}
        absent = [name for key, name in self._wanted.items() if key not in by_name]
        if absent:
            there = ", ".join(one.name for one in seen[:20]) or "none"
            raise StorageUnreachable(
                f"the Jellyfin server shows no library of videos called {absent[0]}; "
                f"there is: {there}"
            )
        return [one for one in seen if fold(one.name) in self._wanted]

    def _locate(self, _method: str, locator: str) -> Asked:
        item_id, source_id = _parts(locator)
        query = urlencode({"static": "true", "mediaSourceId": source_id})
        return Asked(f"{self._client.base_url}/Videos/{item_id}/stream?{query}")


def _parts(locator: str) -> tuple[str, str]:
    found = _LOCATOR.fullmatch(locator)
    if found is None:
        raise ObjectNotFound
    return found[1], found[2]


def _choose(item_id: str, item: Kept, kind: CompanionKind) -> tuple[str, str] | None:
    """Return (item, image) of the picture that fits best, or None.

    The main picture of a film stands upright, that of an episode or a clip mostly does not.
    """
    images = item.get("ImageTags", {})
    ratio = item.get("PrimaryImageAspectRatio", 0.5 if item.get("Type") == "Movie" else 1.5)
    if kind is CompanionKind.POSTER:
        if "Primary" in images and ratio < 1:
            return item_id, "Primary"
        series_id = plain_id(item.get("SeriesId"))
        has_one = series_id is not None and "SeriesPrimaryImageTag" in item
        return (series_id, "Primary") if has_one and series_id else None
    if "Primary" in images and ratio >= 1:
        return item_id, "Primary"
    if item.get("BackdropImageTags"):
        return item_id, "Backdrop"
    return (item_id, "Thumb") if "Thumb" in images else None
