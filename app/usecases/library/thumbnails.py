"""Pictures of videos: made by jobs, read by whoever may see the video."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from app.usecases.jobs import Enqueue
from app.usecases.library.span_reading import StorageSpans, read_small
from domain.errors import BadUpstream, Unavailable
from domain.ids import LocationId, VideoId, WorkId
from domain.library.companions import CompanionKind
from domain.library.storage_location import StorageLocation
from domain.library.video import Availability, PictureKind, Video
from ports.clock import Clock
from ports.jobs import JobContext
from ports.library.catalogue import StreamTarget
from ports.library.media import (
    Artist,
    AssetStore,
    MediaUnreadable,
    RemoteMedia,
    Thumbnailer,
)
from ports.library.storage import (
    ObjectChanged,
    ObjectNotFound,
    Picturing,
    ReadableStorage,
    Storages,
)
from ports.unit_of_work import ReadOnlyFactory, UnitOfWorkFactory

THUMBNAIL, THUMBNAILS = "thumbnail", "thumbnails"
AT_SHARE = 0.1
ASK_AGAIN_AFTER = timedelta(minutes=10)
NO_PICTURE = b""  # kept in place of a picture that cannot be had, so that nobody tries for ever
MAX_ARTWORK = 10 * 1024 * 1024
STILL_SIZE, POSTER_SIZE = (640, 640), (600, 900)  # pixels, at most
_KINDS = {PictureKind.POSTER: CompanionKind.POSTER, PictureKind.STILL: CompanionKind.STILL}

RemotePicture = Callable[[StorageLocation, str], bytes | None]
"""Fetches a picture from the peer behind a location: (location, the peer's video id)."""


def asset_name(video_id: VideoId) -> str:
    """Return the name of a video's picture in the asset store."""
    return f"thumbnails/{video_id}.webp"


def poster_name(owner_id: UUID) -> str:
    """Return the name of the poster of a work or a series in the asset store."""
    return f"posters/{owner_id}.webp"


def poster_digest(data: bytes) -> str:
    """Return what tells one poster of a work from the next."""
    return hashlib.sha256(data).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class PictureTools:
    """What pictures are made with. ``budget_bytes`` bounds what one of a remote file may cost."""

    thumbnailer: Thumbnailer
    remote: RemoteMedia
    artist: Artist
    budget_bytes: int


@dataclass(frozen=True, slots=True)
class PictureMaker:
    """Makes one picture: from artwork, from the file, or from the peer that has it."""

    unit_of_work: UnitOfWorkFactory
    read_only: ReadOnlyFactory
    storages: Storages
    assets: AssetStore
    tools: PictureTools
    remote_picture: RemotePicture

    def make(self, video: Video, location: StorageLocation) -> bool:
        """Keep a still of ``video``; tell whether there is one.

        Raises:
            StorageUnreachable: of the location; there may be a picture later.
        """
        if location.connection_id is not None:
            data = self.remote_picture(location, video.remote_id or "")
            if data is None:  # the peer may have one later
                return False
        else:
            data = self._artwork(video, location, PictureKind.STILL, STILL_SIZE)
            data = data or self._frame(video, location)
        self.assets.put(asset_name(video.id), data)
        return data != NO_PICTURE

    def make_poster(self, video: Video, location: StorageLocation) -> bool:
        """Keep the poster of a video's work, or of its series, unless somebody chose another.

        Raises:
            StorageUnreachable: of the location.
        """
        data = self._artwork(video, location, PictureKind.POSTER, POSTER_SIZE)
        with self.unit_of_work() as tx:
            work = tx.works.get(video.work_id)
            series = None if work.series_id is None else tx.series.get(work.series_id)
            owner = work if series is None else series
            if "poster" in owner.locked or work.connection_id is not None:
                return False
            self.assets.put(poster_name(owner.id), data)
            if data == NO_PICTURE:
                return False
            owner.poster = poster_digest(data)
            if series is None:
                tx.works.save(work)
            else:
                tx.series.save(series)
            tx.commit()
        return True

    def _artwork(
        self, video: Video, location: StorageLocation, kind: PictureKind, size: tuple[int, int]
    ) -> bytes:
        """Return the picture that somebody made for the video, or NO_PICTURE."""
        sources = [one for one in video.pictures if one.kind is kind]
        storage = self.storages.readable(location)
        for source in sources:
            try:
                data = _fetch(storage, video.locator, source.locator, kind)
                if data is not None:
                    width, height = size
                    return self.tools.artist.artwork(data, max_width=width, max_height=height)
            except (MediaUnreadable, ObjectNotFound, ObjectChanged, BadUpstream):
                continue
        return NO_PICTURE

    def _frame(self, video: Video, location: StorageLocation) -> bytes:
        """Return a picture out of the film itself, or NO_PICTURE."""
        storage = self.storages.walkable(location)
        if storage is None:
            return NO_PICTURE
        path = storage.local_path(video.locator)
        try:
            if path is not None:
                return self.tools.thumbnailer.still(path, at_share=AT_SHARE)
            info = storage.stat(video.locator)
            spans = StorageSpans(storage, video.locator, info, self.tools.budget_bytes)
            return self.tools.remote.still_of_source(spans, at_share=AT_SHARE)
        except (MediaUnreadable, ObjectNotFound, ObjectChanged, BadUpstream):
            return NO_PICTURE


def _fetch(storage: ReadableStorage, video: str, picture: str, kind: PictureKind) -> bytes | None:
    if picture:
        return read_small(storage, picture, most=MAX_ARTWORK)
    return storage.picture(video, _KINDS[kind]) if isinstance(storage, Picturing) else None


@dataclass(frozen=True, slots=True)
class MakeThumbnail:
    """The job that makes one picture."""

    maker: PictureMaker

    def __call__(self, context: JobContext, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make the picture of ``video_id``; raises VideoNotFound, StorageUnreachable."""
        context.progress()
        with self.maker.read_only() as tx:
            video = tx.videos.get(VideoId(UUID(arguments["video_id"])))
            location = tx.locations.get(video.location_id)
        return {"made": self.maker.make(video, location)}


@dataclass(frozen=True, slots=True)
class MakeThumbnails:
    """The job that makes the pictures a location's videos still lack; it may start over freely.

    ``follow_up`` asks for what comes next, such as storyboards.
    """

    maker: PictureMaker
    follow_up: Callable[[LocationId], object] = lambda _location_id: None

    def __call__(self, context: JobContext, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make them one after the other; raises LocationNotFound."""
        location_id = LocationId(UUID(arguments["location_id"]))
        with self.maker.read_only() as tx:
            location = tx.locations.get(location_id)
        made = failed = 0
        for make, video in self._lacking(location_id):
            try:
                done = make(video, location)
            except Unavailable:  # of this one; asked for again when somebody looks at it
                done = False
            made, failed = made + done, failed + (not done)
            context.progress(made=made, failed=failed)
        self.follow_up(location_id)
        return {"made": made, "failed": failed}

    def _lacking(
        self, location_id: LocationId
    ) -> Iterator[tuple[Callable[[Video, StorageLocation], bool], Video]]:
        maker, assets = self.maker, self.maker.assets
        with maker.read_only() as tx:
            owners = {
                owner_id: video_id
                for video_id, owner_id in tx.scans.iter_posterless(location_id)
                if assets.find(poster_name(owner_id)) != NO_PICTURE
            }
            pictureless = [
                known.id
                for _, known in tx.scans.iter_known(location_id)
                if known.availability is Availability.AVAILABLE
                and not assets.has(asset_name(known.id))
            ]
        for make, videos in ((maker.make_poster, list(owners.values())), (maker.make, pictureless)):
            for video_id in videos:
                with maker.read_only() as tx:
                    video = tx.videos.get(video_id)
                yield make, video


@dataclass(frozen=True, slots=True)
class ReadThumbnail:
    """Return a picture that is there; have one made otherwise. Nobody waits for it."""

    enqueue: Enqueue
    read_only: ReadOnlyFactory
    clock: Clock
    assets: AssetStore

    def __call__(self, *, target: StreamTarget) -> bytes | None:
        """Return WebP (or what a peer gave) of a video that the caller may see, or None."""
        found = self.assets.find(asset_name(target.video_id))
        if found is None and target.availability is Availability.AVAILABLE:
            self._ask(target.video_id)
        return found or None

    def _ask(self, video_id: VideoId) -> None:
        now, key = self.clock.now(), f"{THUMBNAIL}:{video_id}"
        with self.read_only() as tx:
            last = tx.jobs.find_last(key)
        if last is not None and last.created_at > now - ASK_AGAIN_AFTER:
            return
        self.enqueue(name=THUMBNAIL, arguments={"video_id": str(video_id)}, key=key)


def forget_pictures(assets: AssetStore, video_id: VideoId, work_id: WorkId) -> None:
    """Drop what was made of a video that has changed, so that it is made anew.

    A poster that somebody chose is under its work's name as well, and is kept by its digest.
    """
    assets.remove(asset_name(video_id))
    for kind in ("webp", "json"):
        assets.remove(f"storyboards/{video_id}.{kind}")
    if assets.find(poster_name(work_id)) == NO_PICTURE:
        assets.remove(poster_name(work_id))
