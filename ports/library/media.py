"""Looking into media files, always in a child process that can be killed."""

from dataclasses import dataclass
from typing import Protocol

from domain.errors import Invalid
from domain.library.video import Fingerprints, MediaFacts


class MediaUnreadable(Invalid):
    """The file is not a video, or it is broken or hostile."""

    code = "media.unreadable"
    title = "The file cannot be read as a video"


@dataclass(frozen=True, slots=True)
class Probed:
    """Streams and fingerprints of a file, with its embedded title if it has one."""

    facts: MediaFacts
    fingerprints: Fingerprints
    title: str | None = None
    bytes_read: int = 0


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


class Thumbnailer(Protocol):
    """Makes still pictures of videos."""

    def still(self, path: str, *, at_share: float) -> bytes:
        """Return a WebP picture, at most 640 pixels wide, at that share (0–1) of the duration.

        Raises:
            MediaUnreadable: no picture can be had.
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
