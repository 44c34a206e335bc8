"""Subtitles of a video as WebVTT: turned once, then kept."""

import hashlib
from dataclasses import dataclass

from domain.errors import BadUpstream, NotFound
from domain.ids import VideoId
from domain.library.storage_location import StorageLocation
from domain.library.subtitles import SubtitleTrack
from domain.library.video import Video
from ports.byte_body import BodyTruncated
from ports.library.catalogue import StreamTarget
from ports.library.media import AssetStore, MediaUnreadable, SubtitleReader
from ports.library.storage import Storages
from ports.unit_of_work import ReadOnlyFactory

MAX_SIDE_CAR_BYTES = 10 * 1024 * 1024


class SubtitlesNotFound(NotFound):
    """The video has no such track, or not one of text."""

    code = "subtitles.not-found"
    title = "There are no such subtitles"


@dataclass(frozen=True, slots=True)
class ReadSubtitles:
    """Read a track of a video that the caller may see.

    What was turned is kept as an asset of the track's place, under a first line that names the
    state of the files it was made from: a changed file replaces it.
    """

    read_only: ReadOnlyFactory
    storages: Storages
    assets: AssetStore
    reader: SubtitleReader

    def __call__(self, *, target: StreamTarget, number: int) -> str:
        """Return the text of track ``number``, counted from 0.

        Raises:
            SubtitlesNotFound, MediaUnreadable
            ObjectNotFound, ObjectChanged, StorageUnreachable, BadUpstream: of the storage.
        """
        with self.read_only() as tx:
            video = tx.videos.get(target.video_id)
            location = tx.locations.get(video.location_id)
        if not 0 <= number < len(video.subtitles) or not video.subtitles[number].is_text:
            raise SubtitlesNotFound
        track = video.subtitles[number]
        name, state = _asset_name(video.id, number), _state(video, track)
        first, _, kept = (self.assets.find(name) or b"").partition(b"\n")
        if first.decode() == state:
            return kept.decode()
        text = self._turned(video, location, track)
        self.assets.put(name, f"{state}\n{text}".encode())
        return text

    def _turned(self, video: Video, location: StorageLocation, track: SubtitleTrack) -> str:
        if track.stream is None:
            return self.reader.from_text(self._bytes(location, track.locator), kind=track.format)
        storage = self.storages.walkable(location)
        path = storage.local_path(video.locator) if storage is not None else None
        if path is None:
            raise SubtitlesNotFound("Subtitles inside files of other servers are not read.")
        return self.reader.embedded(path, track.stream)

    def _bytes(self, location: StorageLocation, locator: str) -> bytes:
        storage = self.storages.readable(location)
        info = storage.stat(locator)
        if info.size_bytes > MAX_SIDE_CAR_BYTES:
            raise MediaUnreadable("The file with the subtitles is too large.")
        if not info.size_bytes:
            raise MediaUnreadable("The file with the subtitles is empty.")
        body = storage.open(locator, start=0, length=info.size_bytes, etag=info.etag)
        try:
            return b"".join(body)
        except BodyTruncated as exc:
            raise BadUpstream("The file with the subtitles ended early.") from exc
        finally:
            body.close()


def _asset_name(video_id: VideoId, number: int) -> str:
    digest = hashlib.sha256(f"{video_id}/{number}".encode()).hexdigest()
    return f"subtitles/{digest[:36]}.vtt"


def _state(video: Video, track: SubtitleTrack) -> str:
    said = "\0".join((video.signature, video.extras, track.locator, str(track.stream)))
    return hashlib.sha256(said.encode()).hexdigest()
