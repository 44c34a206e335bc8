"""Items of earlier walks, compressed, so that unchanged ones are not asked for again.

An item's ETag stands for the time at which the server last saved it: equal ETag, equal item. That
is not so for what other items add (the name of a series, a person's), so everything is asked anew
once a week.
"""

import time
import zlib
from collections.abc import Callable, Collection
from threading import Lock

import orjson

from adapters.storage.jellyfin.items import Kept, load

MAX_BYTES = 64 * 1024 * 1024
OVERHEAD = 300  # of an entry, beside its text: keys, ETag, the dictionary's slot
WEEK_S = 7 * 24 * 3600.0
# Words that nearly every item has, so that a short text compresses as a part of a long one would.
_DICTIONARY = (
    b'"IsDefault":false,"IsForced":false,"IsHearingImpaired":false,"IsExternal":false,'
    b'"Language":"eng","Codec":"subrip","Codec":"ac3","Codec":"hevc","MediaStreams":[{"Type":'
    b'"Subtitle","Index":"Type":"Audio","Index":1,"Codec":"aac","RealFrameRate":23.976,'
    b'"AverageFrameRate":23.976024627685547,"Width":1920,"Height":1080,"Type":"Video","Index":0,'
    b'"Codec":"h264","MediaSources":[{"Id":"","Protocol":"File","Type":"Default","VideoType":'
    b'"VideoFile","Path":"/media/","Container":"mkv","Size":,"RunTimeTicks":,"Bitrate":'
    b'"BackdropImageTags":["SeriesPrimaryImageTag":"","ImageTags":{"Primary":"",'
    b'"PrimaryImageAspectRatio":0.6666666666666666,"IsFolder":false,"LocationType":"FileSystem",'
    b'"SeriesName":"","SeriesId":"","ParentIndexNumber":1,"IndexNumber":"People":[{"Name":"",'
    b'"Role":"","Type":"GuestStar"},{"Name":"","Type":"Producer"},{"Name":"","Type":"Writer"},'
    b'{"Name":"","Type":"Director"},{"Name":"","Role":"","Type":"Actor"},"Tags":[],"Genres":'
    b'["Drama","Comedy","ProviderIds":{"Imdb":"tt","Tmdb":"","Tvdb":""},"OfficialRating":"PG-13",'
    b'"CommunityRating":,"PremiereDate":"20","ProductionYear":20,"Overview":"","Path":"/media/'
    b'"Id":"","Type":"Movie","Name":""Id":"","Type":"Episode","Name":"'
)


class Memory:
    """Items by id, together with the tag that they had; at most so many bytes of them."""

    def __init__(
        self,
        *,
        max_bytes: int = MAX_BYTES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_bytes, self._monotonic = max_bytes, monotonic
        self._kept: dict[str, tuple[str, bytes]] = {}
        self._bytes = 0
        self._forget_at = monotonic() + WEEK_S
        self._lock = Lock()

    @property
    def size_bytes(self) -> int:
        """About how much memory is taken."""
        return self._bytes

    def has(self, item_id: str, tag: str) -> bool:
        """Tell whether ``find`` would return something."""
        with self._lock:
            found = self._kept.get(item_id)
        return found is not None and bool(tag) and found[0] == tag

    def find(self, item_id: str, tag: str) -> Kept | None:
        """Return what was kept of the item if it had that tag then."""
        with self._lock:
            found = self._kept.get(item_id)
        if found is None or not tag or found[0] != tag:
            return None
        unpacker = zlib.decompressobj(zdict=_DICTIONARY)
        return load(unpacker.decompress(found[1]) + unpacker.flush())

    def keep(self, item_id: str, tag: str, kept: Kept) -> None:
        """Remember an item, if it has a tag and there is room."""
        if not tag:
            return
        packer = zlib.compressobj(6, zdict=_DICTIONARY)
        packed = packer.compress(orjson.dumps(kept)) + packer.flush()
        with self._lock:
            self._drop(item_id)
            if self._bytes + len(packed) + OVERHEAD <= self._max_bytes:
                self._kept[item_id] = (tag, packed)
                self._bytes += len(packed) + OVERHEAD

    def keep_only(self, item_ids: Collection[str]) -> None:
        """Forget what the server no longer lists; after a week, everything."""
        with self._lock:
            is_old = self._monotonic() >= self._forget_at
            if is_old:
                self._forget_at = self._monotonic() + WEEK_S
            for item_id in [one for one in self._kept if is_old or one not in item_ids]:
                self._drop(item_id)

    def _drop(self, item_id: str) -> None:
        old = self._kept.pop(item_id, None)
        if old is not None:
            self._bytes -= len(old[1]) + OVERHEAD
