"""Turning files that a scan found into works and videos, a batch in a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from app.usecases.library.looking import Bytes, Reading
from domain.ids import SeriesId, VideoId, WorkId
from domain.library.description import Description, EpisodeMark
from domain.library.matching import EpisodeKey, Traits, first_match
from domain.library.series import series_of
from domain.library.storage_location import StorageLocation
from domain.library.subtitles import MAX_TRACKS
from domain.library.video import (
    Availability,
    Fingerprints,
    MediaFacts,
    PictureKind,
    PictureSource,
    Video,
)
from domain.library.work import Work
from domain.text import fold
from ports.clock import Clock
from ports.ids import IdFactory
from ports.library.media import Probed
from ports.unit_of_work import UnitOfWork

_MOST_SERIES = 10_000  # that a scan keeps in mind
_UNKNOWN = Probed(MediaFacts(), Fingerprints())


class Absent(NamedTuple):
    """A stored video whose file is not where it was."""

    id: VideoId
    locator: str


@dataclass(slots=True)
class Written:
    """What a batch did. ``moved`` are stored videos whose file was found under another name."""

    added: int = 0
    updated: int = 0
    moved: tuple[VideoId, ...] = ()
    repictured: list[tuple[VideoId, WorkId]] = field(default_factory=list)
    """Videos whose pictures may show something else now."""


@dataclass(frozen=True, slots=True)
class VideoImport:
    """Writes readings of one location."""

    location: StorageLocation
    clock: Clock
    new_id: IdFactory
    _series: dict[tuple[object, ...], SeriesId] = field(default_factory=dict)

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
        new: list[Reading] = []
        for reading in readings:
            stored = reading.known or absent.pop(reading.bytes, None)
            if stored is None:
                new.append(reading)
                continue
            before = tx.videos.get(stored.id)
            if reading.known is None:
                moved.append(stored.id)
                work = tx.works.get(before.work_id)
                said = reading.said if _is_named_so(work, reading) else reading.said_beside
                self._describe(tx, work, said, reading.pictures, now)
            elif reading.known.extras != reading.found.extras:
                work = tx.works.get(before.work_id)
                self._describe(tx, work, reading.said, reading.pictures, now)
                written.repictured.append((before.id, before.work_id))
            elif reading.probed is not None:
                written.repictured.append((before.id, before.work_id))
            updates.append(self._changed(before, reading, now))
        self._add(tx, new, now)
        tx.scans.update(updates)
        written.added, written.updated, written.moved = len(new), len(updates), tuple(moved)
        return written

    def _add(self, tx: UnitOfWork, new: Sequence[Reading], now: datetime) -> None:
        """Give each video the work that it belongs to, or a new one; they match each other too."""
        wanted = [(reading, self._traits_of(tx, reading, now)) for reading in new]
        known = _Index(tx.scans.candidates([traits for _, traits in wanted]))
        pairs: list[tuple[Work | None, Video]] = []
        made: dict[WorkId, Work] = {}
        for reading, traits in wanted:
            work: Work | None = None
            work_id = known.find(traits)
            if work_id is None:
                work_id = WorkId(self.new_id())
                work = made[work_id] = self._work(work_id, reading.said, traits.episode, now)
            elif work_id in made:
                made[work_id].fill(reading.said, at=now)
            elif _says_more(reading.said):
                stored = tx.works.get(work_id)
                if stored.fill(reading.said, at=now):
                    tx.works.save(stored)
            known.add(work_id, traits)
            pairs.append((work, self._video(reading, work_id, now)))
        tx.scans.add(pairs)

    def _work(
        self, work_id: WorkId, said: Description, episode: EpisodeKey | None, now: datetime
    ) -> Work:
        work = Work(id=work_id, title=said.title or "video", created_at=now, updated_at=now)
        work.take(said, at=now)
        if episode is not None:
            work.series_id, work.season, work.episode = episode
        return work

    def _describe(
        self,
        tx: UnitOfWork,
        work: Work,
        said: Description,
        pictures: Sequence[PictureSource],
        now: datetime,
    ) -> None:
        """Let a work follow what its sources say now, but for what a person has set."""
        if work.connection_id is not None:
            return
        episode = self._episode(tx, said.episode, now)
        news = work.take(said, at=now)
        if episode is not None and episode != work.episode_key:
            work.series_id, work.season, work.episode = episode
            news = True
        has_poster = any(one.kind is PictureKind.POSTER for one in pictures)
        if work.poster and has_poster and "poster" not in work.locked:
            work.poster, news = "", True  # made anew from what lies there now
        if news:
            tx.works.save(work)

    def _traits_of(self, tx: UnitOfWork, reading: Reading, now: datetime) -> Traits:
        said = reading.said
        oshash = reading.probed.fingerprints.oshash if reading.probed else None
        return Traits(
            title=said.title or "video",
            year=said.year,
            external_ids=said.external_ids,
            fingerprints=frozenset({f"oshash:{oshash}"} if oshash else ()),
            libraries=frozenset({self.location.library_id}),
            locations=frozenset({self.location.id}),
            episode=self._episode(tx, said.episode, now),
        )

    def _episode(
        self, tx: UnitOfWork, mark: EpisodeMark | None, now: datetime
    ) -> EpisodeKey | None:
        """Return the place of an episode in its series, which is made where it is not there."""
        if mark is None:
            return None
        ids = frozenset(mark.series_external_ids.items())
        key = (fold(mark.series), mark.series_year, ids)
        series_id = self._series.get(key)
        if series_id is None:
            series_id = self._series_id(tx, mark, now)
            if len(self._series) >= _MOST_SERIES:
                self._series.clear()
            self._series[key] = series_id
        return series_id, mark.season, mark.episode

    def _series_id(self, tx: UnitOfWork, mark: EpisodeMark, now: datetime) -> SeriesId:
        series = tx.series.find(mark)
        if series is None:
            series = series_of(mark, SeriesId(self.new_id()), at=now)
            tx.series.add(series)
        elif series.fill(mark, at=now):
            tx.series.save(series)
        return series.id

    def _changed(self, before: Video, reading: Reading, now: datetime) -> Video:
        """Return a stored video as it is now; what was not looked at again stays."""
        if reading.probed is None:
            after = replace(before, extras=reading.found.extras, updated_at=now)
        else:
            after = replace(
                self._video(reading, before.work_id, now),
                id=before.id,
                created_at=before.created_at,
            )
        if reading.known is not None and reading.known.extras == reading.found.extras:
            beside = tuple(track for track in before.subtitles if not track.is_embedded)
            pictures = before.pictures
        else:
            beside, pictures = reading.subtitles, reading.pictures
        inside = tuple(
            track
            for track in (before if reading.probed is None else after).subtitles
            if track.is_embedded
        )
        after.subtitles = (*inside, *beside)[:MAX_TRACKS]
        after.pictures, after.availability = pictures, Availability.AVAILABLE
        after.missing_since = None
        return after

    def _video(self, reading: Reading, work_id: WorkId, now: datetime) -> Video:
        found, probed = reading.found, reading.probed or _UNKNOWN
        return Video(
            id=VideoId(self.new_id()),
            work_id=work_id,
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
            extras=found.extras,
            subtitles=(*probed.subtitles, *reading.subtitles)[:MAX_TRACKS],
            pictures=reading.pictures,
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
            *([traits.episode] if traits.episode is not None else ()),
            *([(fold(traits.title), traits.year)] if traits.year is not None else ()),
        ]


def _says_more(said: Description) -> bool:
    """Tell whether there is more than what a file name says."""
    return said != Description(title=said.title, year=said.year, episode=said.episode)


def _is_named_so(work: Work, reading: Reading) -> bool:
    """Tell whether a work's title came from the name that its file had before it moved."""
    old = reading.said_before
    return (
        old is not None and (old.title, old.year) == (work.title, work.year) and not work.organized
    )
