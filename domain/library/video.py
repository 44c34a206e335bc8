"""A video: one playable file or remote stream of a work."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from math import isfinite

from domain.errors import Invalid, NotFound
from domain.ids import LocationId, VideoId, WorkId
from domain.library.subtitles import SubtitleTrack

MAX_FILENAME = 255
MAX_FILE_SIZE = 2**53 - 1  # what JSON numbers carry exactly

# What current browsers play without help; containers by FFmpeg's names.
_WEB_CONTAINERS = frozenset({"mp4", "mov", "m4v", "webm"})
_WEB_VIDEO = frozenset({"h264", "vp8", "vp9", "av1"})
_WEB_AUDIO = frozenset({"aac", "mp3", "opus", "vorbis", "flac"})


class VideoNotFound(NotFound):
    """No video has this id, as far as the caller may know."""

    code = "video.not-found"
    title = "No such video"


class Availability(StrEnum):
    """Whether the bytes can be had now."""

    AVAILABLE = "available"
    OFFLINE = "offline"  # its source does not answer; nothing is lost
    GONE = "gone"  # its source answers and no longer has it


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFacts:
    """What a probe, or a source that we believe, says about the streams of a file."""

    duration: float | None = None  # seconds
    width: int | None = None
    height: int | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    container: str | None = None
    bit_rate: int | None = None  # bits per second
    frame_rate: float | None = None  # frames per second

    def __post_init__(self) -> None:
        for name in ("duration", "frame_rate"):
            value = getattr(self, name)
            if value is not None and not (isfinite(value) and value >= 0):
                raise Invalid(f"{name} must be a number of 0 or more", field=name)
        for name in ("width", "height", "bit_rate"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 2**31 * 1000:
                raise Invalid(f"{name} is out of range", field=name)

    @property
    def web_compatible(self) -> bool:
        """Whether a current browser plays the file as it is."""
        return (
            self.container in _WEB_CONTAINERS
            and self.video_codec in _WEB_VIDEO
            and (self.audio_codec is None or self.audio_codec in _WEB_AUDIO)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprints:
    """Digests of a file's bytes, lower-case hexadecimal."""

    oshash: str | None = None
    sha256: str | None = None
    xxhash64: str | None = None


class PictureKind(StrEnum):
    """The shape of a picture."""

    POSTER = "poster"  # upright
    STILL = "still"  # wide


@dataclass(frozen=True, slots=True)
class PictureSource:
    """Where a picture of a video can be had: a side-car's locator; empty: its location is asked."""

    kind: PictureKind
    locator: str = ""


@dataclass(slots=True, kw_only=True)
class Video:
    """One file of a work in one storage location.

    ``locator`` is what the location's adapter needs to find the bytes; it never leaves the node.
    ``signature`` changes when the bytes may have changed (size, time and inode of a local file,
    the ETag of a remote one); it decides whether a rescan opens the file again.
    ``extras`` does the same for what its location tells of it and for the files beside it.
    ``remote_id`` is the id at the peer the video was learnt from. ``missing_since`` is when a scan
    that could look first did not find it.
    """

    id: VideoId
    work_id: WorkId
    location_id: LocationId
    filename: str
    locator: str
    file_size: int
    signature: str
    created_at: datetime
    updated_at: datetime
    facts: MediaFacts = MediaFacts()
    fingerprints: Fingerprints = Fingerprints()
    web_compatible: bool = False
    availability: Availability = Availability.AVAILABLE
    etag: str | None = None
    extras: str = ""
    subtitles: tuple[SubtitleTrack, ...] = ()
    pictures: tuple[PictureSource, ...] = ()
    missing_since: datetime | None = None
    remote_id: str | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.file_size <= MAX_FILE_SIZE:
            raise Invalid("file_size is out of range", field="file_size")
        self.filename = base_name(self.filename)

    @property
    def place(self) -> str:
        """What an admin knows the file by: the path below its location's root, where it has one."""
        is_path = "://" not in self.locator and base_name(self.locator) == self.filename
        return shown(self.locator) if is_path else self.filename


def shown(path: str) -> str:
    """Return a path below a location's root as it may be shown, its folders included."""
    return "/".join(base_name(part) for part in path.split("/") if part)


def base_name(path: str) -> str:
    """Return the last component of ``path`` as it may be shown: no folders, no control characters.

    Both kinds of slash separate, so that no name of any system carries a folder out of the node.
    """
    last = path.replace("\\", "/").rstrip("/").rpartition("/")[2]
    shown = last
    if not last.isprintable():
        shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in last)
    return shown[-MAX_FILENAME:] or "video"
