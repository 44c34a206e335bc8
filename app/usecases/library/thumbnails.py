"""Pictures of videos: made by jobs, read by whoever may see the video."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from domain.ids import JobId, LocationId, VideoId
from domain.jobs import Job
from domain.library.storage_location import StorageLocation
from domain.library.video import Availability, Video
from ports.clock import Clock
from ports.ids import IdFactory
from ports.jobs import JobContext, JobQueue
from ports.library.catalogue import StreamTarget
from ports.library.media import AssetStore, MediaUnreadable, Thumbnailer
from ports.library.storage import Storages
from ports.unit_of_work import ReadOnlyFactory, UnitOfWorkFactory

THUMBNAIL, THUMBNAILS = "thumbnail", "thumbnails"
AT_SHARE = 0.1
ASK_AGAIN_AFTER = timedelta(minutes=10)
NO_PICTURE = b""  # kept in place of a picture that cannot be had, so that nobody tries for ever

RemotePicture = Callable[[StorageLocation, str], bytes | None]
"""Fetches a picture from the peer behind a location: (location, the peer's video id)."""


def asset_name(video_id: VideoId) -> str:
    """Return the name of a video's picture in the asset store."""
    return f"thumbnails/{video_id}.webp"


@dataclass(frozen=True, slots=True)
class PictureMaker:
    """Makes one picture, from the file or from the peer that has it."""

    read_only: ReadOnlyFactory
    storages: Storages
    assets: AssetStore
    thumbnailer: Thumbnailer
    remote_picture: RemotePicture

    def make(self, video: Video, location: StorageLocation) -> bool:
        """Keep a picture of ``video``; tell whether there is one."""
        if location.connection_id is not None:
            data = self.remote_picture(location, video.remote_id or "")
            if data is None:  # the peer may have one later
                return False
        else:
            data = self._local(video, location)
        self.assets.put(asset_name(video.id), data)
        return data != NO_PICTURE

    def _local(self, video: Video, location: StorageLocation) -> bytes:
        storage = self.storages.walkable(location)
        path = storage.local_path(video.locator) if storage is not None else None
        if path is None:
            return NO_PICTURE
        try:
            return self.thumbnailer.still(path, at_share=AT_SHARE)
        except MediaUnreadable:
            return NO_PICTURE


@dataclass(frozen=True, slots=True)
class MakeThumbnail:
    """The job that makes one picture."""

    maker: PictureMaker

    def __call__(self, context: JobContext, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make the picture of ``video_id``; raises VideoNotFound."""
        context.progress()
        with self.maker.read_only() as tx:
            video = tx.videos.get(VideoId(UUID(arguments["video_id"])))
            location = tx.locations.get(video.location_id)
        return {"made": self.maker.make(video, location)}


@dataclass(frozen=True, slots=True)
class MakeThumbnails:
    """The job that makes the pictures a location's videos still lack; it may start over freely."""

    maker: PictureMaker

    def __call__(self, context: JobContext, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make them one after the other; raises LocationNotFound."""
        location_id = LocationId(UUID(arguments["location_id"]))
        with self.maker.read_only() as tx:
            location = tx.locations.get(location_id)
        made = failed = 0
        for video in self._lacking(location_id):
            if self.maker.make(video, location):
                made += 1
            else:
                failed += 1
            context.progress(made=made, failed=failed)
        return {"made": made, "failed": failed}

    def _lacking(self, location_id: LocationId) -> Iterator[Video]:
        with self.maker.read_only() as tx:
            wanted = [
                known.id
                for _, known in tx.scans.iter_known(location_id)
                if known.availability is Availability.AVAILABLE
                and not self.maker.assets.has(asset_name(known.id))
            ]
        for video_id in wanted:
            with self.maker.read_only() as tx:
                video = tx.videos.get(video_id)
            yield video


@dataclass(frozen=True, slots=True)
class ReadThumbnail:
    """Return a picture that is there; have one made otherwise. Nobody waits for it."""

    unit_of_work: UnitOfWorkFactory
    read_only: ReadOnlyFactory
    clock: Clock
    new_id: IdFactory
    assets: AssetStore
    queue: JobQueue

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
        with self.unit_of_work() as tx:
            job = tx.jobs.add(
                Job(
                    id=JobId(self.new_id()),
                    name=THUMBNAIL,
                    arguments={"video_id": str(video_id)},
                    created_at=now,
                    run_at=now,
                    key=key,
                )
            )
            tx.commit()
        self.queue.ring(job.id)
