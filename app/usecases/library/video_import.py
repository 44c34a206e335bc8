"""Turning files that a scan found into works and videos, a batch in a transaction."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from domain.errors import Invalid
from domain.ids import VideoId, WorkId
from domain.library.description import MAX_TITLE
from domain.library.matching import Traits, first_match
from domain.library.storage_location import StorageLocation
from domain.library.video import Availability, Video
from domain.library.work import Work, check_year
from domain.text import fold
from ports.clock import Clock
from ports.ids import IdFactory
from ports.library.imports import KnownVideo
from ports.library.media import Probed
from ports.library.names import GuessedName
from ports.library.storage import FoundObject
from ports.unit_of_work import UnitOfWork

_CAMERA = re.compile(r"(?:VID|IMG|MVI|MOV|DSC|PXL|GOPR|GH|GX|DJI|CLIP)[ _-]?\d*", re.IGNORECASE)

Bytes = tuple[str | None, int]
"""What identifies the bytes of a file cheaply: oshash and size."""


class Absent(NamedTuple):
    """A stored video whose file is not where it was."""

    id: VideoId
    locator: str


class Reading(NamedTuple):
    """A file that was looked into.

    ``known`` is its stored video; None for a new file, whose name was read then. ``guessed_before``
    is what the old name said, where the file may have moved. Names are read beforehand since that
    takes longer than a transaction should.
    """

    found: FoundObject
    known: KnownVideo | None
    probed: Probed
    guessed: GuessedName | None = None
    guessed_before: GuessedName | None = None

    @property
    def bytes(self) -> Bytes:
        """Return what tells the file's bytes from others."""
        return self.probed.fingerprints.oshash, self.found.size_bytes


@dataclass(slots=True)
class Written:
    """What a batch did. ``moved`` are stored videos whose file was found under another name."""

    added: int = 0
    updated: int = 0
    moved: tuple[VideoId, ...] = ()


@dataclass(frozen=True, slots=True)
class VideoImport:
    """Writes readings of one location."""

    location: StorageLocation
    clock: Clock
    new_id: IdFactory

    def write(
        self, tx: UnitOfWork, readings: Sequence[Reading], absent: dict[Bytes, Absent]
    ) -> Written:
        """Add new videos, update changed ones, and keep those whose file only moved.

        Args:
            tx: the caller commits.
            readings: at most 1,000.
            absent: stored videos of the location whose file is not there, by their bytes; what
                turns out to have moved is taken out.
        """
        now, written = self.clock.now(), Written()
        updates: list[Video] = []
        moved: list[VideoId] = []
        new: list[tuple[Traits, Video]] = []
        for reading in readings:
            stored = reading.known or absent.pop(reading.bytes, None)
            if stored is None:
                new.append((self._traits_of(reading, now), self._video(reading, now)))
                continue
            before = tx.videos.get(stored.id)
            if reading.known is None:
                moved.append(stored.id)
                _retitle(tx, before, reading, now)
            updates.append(
                replace(
                    self._video(reading, now),
                    id=before.id,
                    work_id=before.work_id,
                    created_at=before.created_at,
                )
            )
        tx.scans.add(self._with_works(tx, new, now))
        tx.scans.update(updates)
        written.added, written.updated, written.moved = len(new), len(updates), tuple(moved)
        return written

    def _with_works(
        self, tx: UnitOfWork, new: Sequence[tuple[Traits, Video]], now: datetime
    ) -> list[tuple[Work | None, Video]]:
        """Give each video the work that it belongs to, or a new one; they match each other too."""
        known = _Index(tx.scans.candidates([traits for traits, _ in new]))
        pairs: list[tuple[Work | None, Video]] = []
        for traits, video in new:
            work: Work | None = None
            work_id = known.find(traits)
            if work_id is None:
                work_id = WorkId(self.new_id())
                work = Work(
                    id=work_id,
                    title=traits.title,
                    year=traits.year,
                    created_at=now,
                    updated_at=now,
                )
            known.add(work_id, traits)
            pairs.append((work, replace(video, work_id=work_id)))
        return pairs

    def _traits_of(self, reading: Reading, now: datetime) -> Traits:
        oshash = reading.probed.fingerprints.oshash
        title, year = _name(reading.guessed, reading.probed, now)
        return Traits(
            title=title,
            year=year,
            external_ids={},
            fingerprints=frozenset({f"oshash:{oshash}"} if oshash else ()),
            libraries=frozenset({self.location.library_id}),
            locations=frozenset({self.location.id}),
        )

    def _video(self, reading: Reading, now: datetime) -> Video:
        found, probed = reading.found, reading.probed
        return Video(
            id=VideoId(self.new_id()),
            work_id=WorkId(self.new_id()),  # replaced as soon as the work is known
            location_id=self.location.id,
            filename=found.name,
            locator=found.locator,
            file_size=found.size_bytes,
            signature=found.signature,
            created_at=now,
            updated_at=now,
            facts=probed.facts,
            fingerprints=probed.fingerprints,
            web_compatible=probed.facts.web_compatible,
            availability=Availability.AVAILABLE,
            etag=found.signature,
        )


class _Index:
    """Works by what they may be matched by, so that not everything is compared with everything."""

    def __init__(self, works: Sequence[tuple[WorkId, Traits]]) -> None:
        self._by_trait: dict[object, list[tuple[WorkId, Traits]]] = {}
        for work_id, traits in works:
            self.add(work_id, traits)

    def add(self, work_id: WorkId, traits: Traits) -> None:
        for key in self._keys(traits):
            self._by_trait.setdefault(key, []).append((work_id, traits))

    def find(self, traits: Traits) -> WorkId | None:
        rows = [row for key in self._keys(traits) for row in self._by_trait.get(key, ())]
        return first_match(traits, rows)

    def _keys(self, traits: Traits) -> list[object]:
        return [
            *traits.fingerprints,
            *traits.external_ids.items(),
            *([(fold(traits.title), traits.year)] if traits.year is not None else ()),
        ]


def _retitle(tx: UnitOfWork, before: Video, reading: Reading, now: datetime) -> None:
    """Let a work follow its file's new name, if its title came from the old one."""
    work = tx.works.get(before.work_id)
    old = _name(reading.guessed_before, reading.probed, now)
    title, year = _name(reading.guessed, reading.probed, now)
    if old == (work.title, work.year) != (title, year) and not work.organized:
        tx.works.save(replace(work, title=title, year=year, updated_at=now))


def _name(guessed: GuessedName | None, probed: Probed, now: datetime) -> tuple[str, int | None]:
    """Return title and year of a new file.

    The file's own title counts only where the file name says nothing: many are advertising.
    """
    guessed = guessed or GuessedName("video")
    title = guessed.title
    if guessed.season is not None and guessed.episode is not None:
        mark = f"S{guessed.season:02}E{guessed.episode:02}"
        title = title if mark in title.upper() else f"{title} {mark}"
    elif probed.title and _says_nothing(title):
        title = probed.title
    try:
        year = check_year(guessed.year, today=now)
    except Invalid:
        year = None
    return " ".join(title.split())[:MAX_TITLE].strip(), year


def _says_nothing(title: str) -> bool:
    return not any(c.isalpha() for c in title) or _CAMERA.fullmatch(title) is not None
