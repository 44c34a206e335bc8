"""Media without media files: facts by path, pictures that name their film, names as they are."""

import html
import re
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

from domain.library.description import Description
from domain.library.video import Fingerprints, MediaFacts
from ports.library.media import (
    BudgetSpent,
    MediaUnreadable,
    Probed,
    SpanSource,
    Storyboard,
)
from ports.library.names import GuessedName

ORDINARY = MediaFacts(
    duration=60.0,
    width=1280,
    height=720,
    video_codec="h264",
    audio_codec="aac",
    container="mp4",
    bit_rate=1_000_000,
    frame_rate=25.0,
)


@dataclass(slots=True)
class MemoryMediaProbe:
    """Says what it was told of a path, else that the file is an ordinary film.

    ``broken`` maps paths to the reason why they cannot be read; ``probed`` lists what was asked.
    """

    answers: dict[str, Probed] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    probed: list[str] = field(default_factory=list)

    def probe(self, path: str) -> Probed:
        self.probed.append(path)
        if path in self.broken:
            raise MediaUnreadable(self.broken[path])
        return self.answers.get(path, Probed(ORDINARY, Fingerprints()))

    def close(self) -> None:
        """No children to stop."""


@dataclass(slots=True)
class MemoryThumbnailer:
    """Makes bytes that begin like a WebP picture and name path and place."""

    broken: dict[str, str] = field(default_factory=dict)

    def still(self, path: str, *, at_share: float) -> bytes:
        if path in self.broken:
            raise MediaUnreadable(self.broken[path])
        return _picture(f"{path}@{at_share}")


@dataclass(slots=True)
class MemorySource:
    """An object of another machine that is in memory; its spans cost what they are long."""

    data: bytes
    budget_bytes: int = 4 * 1024 * 1024
    bytes_read: int = 0

    @property
    def size_bytes(self) -> int:
        return len(self.data)

    def read(self, start: int, length: int) -> bytes:
        span = self.data[start : start + length]
        if self.bytes_read + len(span) > self.budget_bytes:
            raise BudgetSpent
        self.bytes_read += len(span)
        return span


@dataclass(slots=True)
class MemoryRemoteMedia:
    """Takes every object for an ordinary film, at the price of its first bytes.

    ``answers`` and ``broken`` are by the object's name; pictures have none, and name its size.
    """

    answers: dict[str, Probed] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    probed: list[str] = field(default_factory=list)

    def probe_source(self, source: SpanSource, *, name: str) -> Probed:
        self.probed.append(name)
        before = source.bytes_read
        head = source.read(0, min(1024, source.size_bytes))
        if name in self.broken or not head:
            raise MediaUnreadable(self.broken.get(name, "the file is empty"))
        answer = self.answers.get(name, Probed(ORDINARY, Fingerprints()))
        return replace(answer, bytes_read=source.bytes_read - before)

    def still_of_source(self, source: SpanSource, *, at_share: float) -> bytes:
        if not source.read(0, min(1024, source.size_bytes)):
            raise MediaUnreadable("the file is empty")
        return _picture(f"{source.size_bytes} bytes@{at_share}")


@dataclass(slots=True)
class MemoryStoryboarder:
    """Makes storyboards of a hundred pictures that name their film."""

    broken: dict[str, str] = field(default_factory=dict)

    def storyboard(self, path: str) -> Storyboard:
        if path in self.broken:
            raise MediaUnreadable(self.broken[path])
        return Storyboard(
            _picture(path), columns=10, count=100, tile_width=160, tile_height=90, interval_s=0.6
        )


@dataclass(slots=True)
class MemoryArtist:
    """Takes what begins like a picture; ``broken`` maps data to the reason why it cannot be had."""

    broken: dict[bytes, str] = field(default_factory=dict)

    def artwork(self, data: bytes, *, max_width: int, max_height: int) -> bytes:
        if data in self.broken:
            raise MediaUnreadable(self.broken[data])
        if not data.startswith((b"\xff\xd8\xff", b"\x89PNG", b"RIFF")):
            raise MediaUnreadable("it is not a JPEG, PNG or WebP picture")
        return _picture(f"{len(data)} bytes in {max_width}x{max_height}")


@dataclass(slots=True)
class MemorySubtitleReader:
    """Shows the text of a side-car, or the name of a track, for the film's first second."""

    broken: dict[str, str] = field(default_factory=dict)  # by kind, or by path

    def from_text(self, data: bytes, *, kind: str) -> str:
        if kind in self.broken or not data:
            raise MediaUnreadable(self.broken.get(kind, "the file is empty"))
        return _cue(data.decode("utf-8", "replace"))

    def embedded(self, path: str, stream: int) -> str:
        if path in self.broken:
            raise MediaUnreadable(self.broken[path])
        return _cue(f"{path}, stream {stream}")


@dataclass(slots=True)
class MemoryNfoReader:
    """Says what it was told of some data, else takes its text for the title."""

    answers: dict[bytes, Description] = field(default_factory=dict)
    broken: dict[bytes, str] = field(default_factory=dict)

    def read(self, data: bytes) -> Description:
        if data in self.broken:
            raise MediaUnreadable(self.broken[data])
        return self.answers.get(data, Description(title=data.decode("utf-8", "replace")))


@dataclass(slots=True)
class MemoryNameGuesser:
    """Takes the base name for the title, and a year in brackets for the year.

    ``episodes`` says what the names of episodes mean.
    """

    episodes: dict[str, GuessedName] = field(default_factory=dict)

    def guess(self, name: str) -> GuessedName:
        if name in self.episodes:
            return self.episodes[name]
        stem = PurePosixPath(name).stem
        found = re.fullmatch(r"(?P<title>.+?) \((?P<year>\d{4})\)", stem)
        if found is None:
            return GuessedName(stem or "video")
        return GuessedName(found["title"], int(found["year"]))


class MemoryAssetStore:
    """Assets in a dictionary."""

    def __init__(self) -> None:
        self._assets: dict[str, bytes] = {}

    def find(self, name: str) -> bytes | None:
        return self._assets.get(name)

    def has(self, name: str) -> bool:
        return name in self._assets

    def put(self, name: str, data: bytes) -> None:
        self._assets[name] = data

    def remove(self, name: str) -> None:
        self._assets.pop(name, None)


def _picture(text: str) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + text.encode()


def _cue(text: str) -> str:
    lines = "\n".join(line for line in html.escape(text).splitlines() if line)
    return f"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n{lines}\n"
