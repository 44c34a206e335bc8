"""Media without media files: facts by path, pictures that name their film, names as they are."""

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from domain.library.video import Fingerprints, MediaFacts
from ports.library.media import MediaUnreadable, Probed
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
        return b"RIFF\0\0\0\0WEBP" + f"{path}@{at_share}".encode()


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
