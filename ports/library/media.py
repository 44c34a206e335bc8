"""Looking into media files, always in a child process that can be killed."""

from dataclasses import dataclass
from typing import Protocol

from domain.errors import Invalid
from domain.library.description import Description
from domain.library.subtitles import SubtitleTrack
from domain.library.video import Fingerprints, MediaFacts


class MediaUnreadable(Invalid):
    """The file is not a video, or it is broken or hostile."""

    code = "media.unreadable"
    title = "The file cannot be read as a video"


@dataclass(frozen=True, slots=True)
class Probed:
    """Streams and fingerprints of a file, with its embedded title if it has one.

    ``bytes_read`` counts what was read of the file: from the disk, or over the network.
    """

    facts: MediaFacts
    fingerprints: Fingerprints
    title: str | None = None
    bytes_read: int = 0
    subtitles: tuple[SubtitleTrack, ...] = ()


class BudgetSpent(MediaUnreadable):
    """Reading went on beyond the bytes that one file may cost."""

    code = "media.budget-spent"
    title = "The file needs more reading than one file may cost"


class SpanSource(Protocol):
    """An object somewhere else, read a span at a time.

    ``bytes_read`` counts what came over the network so far, also of spans that failed.
    """

    @property
    def size_bytes(self) -> int:
        """Length of the whole object."""
        ...

    @property
    def bytes_read(self) -> int:
        """Bytes that were fetched so far."""
        ...

    def read(self, start: int, length: int) -> bytes:
        """Return the span; shorter only at the object's end.

        Raises:
            BudgetSpent: it would cost more than the object may.
            StorageUnreachable, ObjectNotFound, ObjectChanged, BadUpstream: of the storage.
        """
        ...


class MediaProbe(Protocol):
    """Reads the facts of a file's streams."""

    def probe(self, path: str) -> Probed:
        """Probe one file of this machine.

        Raises:
            MediaUnreadable: with the reason in plain words; also when the child had to be killed.
        """
        ...

    def close(self) -> None:
        """Stop the children."""
        ...


@dataclass(frozen=True, slots=True)
class Storyboard:
    """Pictures of a film in a grid, for hovering: ``image`` is a WebP.

    Picture ``n`` stands in column ``n % columns`` and row ``n // columns``, each ``tile_width`` by
    ``tile_height`` pixels, and shows the film at ``n * interval_s`` seconds.
    """

    image: bytes
    columns: int
    count: int
    tile_width: int
    tile_height: int
    interval_s: float


class Thumbnailer(Protocol):
    """Makes still pictures of videos."""

    def still(self, path: str, *, at_share: float) -> bytes:
        """Return a WebP picture, at most 640 pixels wide, at that share (0–1) of the duration.

        Raises:
            MediaUnreadable: no picture can be had.
        """
        ...


class RemoteMedia(Protocol):
    """Looks into objects of other machines, by spans and within a budget."""

    def probe_source(self, source: SpanSource, *, name: str) -> Probed:
        """Probe an object of another machine by its header (and index) alone.

        Args:
            source: is asked for spans by this process, never by the child.
            name: the object's name, for its suffix.

        Raises:
            MediaUnreadable, BudgetSpent: with the reason in plain words.
            StorageUnreachable, ObjectNotFound, ObjectChanged, BadUpstream: of the source.
        """
        ...

    def still_of_source(self, source: SpanSource, *, at_share: float) -> bytes:
        """Return the same of an object of another machine.

        Raises:
            MediaUnreadable, BudgetSpent: no picture can be had (within what it may cost).
            StorageUnreachable, ObjectNotFound, ObjectChanged, BadUpstream: of the source.
        """
        ...


class Storyboarder(Protocol):
    """Makes the pictures that show where a film leads, for hovering over its time line."""

    def storyboard(self, path: str) -> Storyboard:
        """Return up to 100 pictures of a film, spread evenly, from key frames alone.

        Raises:
            MediaUnreadable: no pictures can be had.
        """
        ...


class Artist(Protocol):
    """Takes in pictures that somebody else made: side-cars, uploads, other servers' artwork."""

    def artwork(self, data: bytes, *, max_width: int, max_height: int) -> bytes:
        """Return the picture as WebP that fits into the box; it is never enlarged.

        JPEG, PNG and WebP are taken; the dimensions are checked before anything is decoded, and
        only the first picture of a moving one is kept. It happens in a killable child.

        Raises:
            MediaUnreadable: with the reason in plain words (another type, too large, damaged).
        """
        ...


class SubtitleReader(Protocol):
    """Turns subtitles into WebVTT."""

    def from_text(self, data: bytes, *, kind: str) -> str:
        """Return a side-car (SubRip, WebVTT, SSA/ASS, SAMI; any usual encoding) as WebVTT.

        Args:
            data: the file.
            kind: its format, as ``SubtitleTrack.format`` has it.

        Raises:
            MediaUnreadable: it is not what its name says, or it is too large.
        """
        ...

    def embedded(self, path: str, stream: int) -> str:
        """Return a text track of a file of this machine as WebVTT.

        Raises:
            MediaUnreadable: no such track, or not one of text.
        """
        ...


class NfoReader(Protocol):
    """Reads the XML that media centres keep beside films."""

    def read(self, data: bytes) -> Description:
        """Return what an NFO file says of its film or episode.

        Text that is no XML but holds a link to IMDb or TMDB gives the id. Of several episodes in
        one file, the first counts; ``episode.series`` is empty where the file does not name it.
        The description of a series is that of a work. Entities, external references and documents
        of over 1 MiB are refused.

        Raises:
            MediaUnreadable: with the reason in plain words.
        """
        ...


class AssetStore(Protocol):
    """Derived files (thumbnails), by name; losing them costs work, never data."""

    def find(self, name: str) -> bytes | None:
        """Return the asset, or None. Names are ``kind/uuid.suffix``."""
        ...

    def has(self, name: str) -> bool:
        """Tell whether ``find`` would return something, without reading it."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Keep an asset; a reader sees the old or the new one, never half."""
        ...

    def remove(self, name: str) -> None:
        """Drop an asset. Removing an absent one is not an error."""
        ...
