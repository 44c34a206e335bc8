"""Bulk writing of what a scan found."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from adapters.memory.database import Tables
from adapters.memory.library import MemoryWorks
from domain.errors import AlreadyExists
from domain.ids import LocationId, SeriesId, VideoId, WorkId
from domain.library.matching import Traits
from domain.library.video import (
    Availability,
    Fingerprints,
    PictureKind,
    Video,
    VideoNotFound,
)
from domain.library.work import Work, WorkNotFound
from domain.text import fold
from ports.library.imports import KnownVideo


class MemoryScanImport:
    """Videos of walkable locations."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def known(self, location_id: LocationId, locators: Sequence[str]) -> Mapping[str, KnownVideo]:
        wanted = set(locators)
        return {
            video.locator: self._known(video)
            for video in self._tables.videos.values()
            if video.location_id == location_id and video.locator in wanted
        }

    def candidates(self, wanted: Sequence[Traits]) -> Sequence[tuple[WorkId, Traits]]:
        own = [work for work in self._tables.works.values() if work.connection_id is None]
        rows = [(work.id, self._traits(work)) for work in sorted(own, key=lambda work: work.id)]
        return [row for row in rows if any(_might_match(traits, row[1]) for traits in wanted)]

    def add(self, pairs: Sequence[tuple[Work | None, Video]]) -> None:
        for work, video in pairs:
            if work is not None:
                MemoryWorks(self._tables).add(work)
            if video.work_id not in self._tables.works:
                raise WorkNotFound
            put_video(self._tables, video)

    def update(self, videos: Sequence[Video]) -> None:
        for video in videos:
            stored = self._tables.videos.get(video.id)
            if stored is None:
                raise VideoNotFound
            kept = replace(video, work_id=stored.work_id, created_at=stored.created_at)
            put_video(self._tables, kept)

    def set_availability(self, videos: Sequence[VideoId], availability: Availability) -> None:
        for video_id in videos:
            video = self._tables.videos.get(video_id)
            if video is not None:
                there = video.missing_since if availability is Availability.OFFLINE else None
                changed = replace(video, availability=availability, missing_since=there)
                self._tables.videos[video_id] = changed

    def set_missing(self, videos: Sequence[VideoId], at: datetime) -> None:
        self.set_availability(videos, Availability.OFFLINE)
        for video_id in videos:
            video = self._tables.videos.get(video_id)
            if video is not None:
                since = video.missing_since or at
                self._tables.videos[video_id] = replace(video, missing_since=since)

    def set_location_offline(self, location_id: LocationId) -> int:
        there = [
            video.id
            for video in self._tables.videos.values()
            if video.location_id == location_id and video.availability is Availability.AVAILABLE
        ]
        self.set_availability(there, Availability.OFFLINE)
        return len(there)

    def iter_known(self, location_id: LocationId) -> Iterator[tuple[str, KnownVideo]]:
        for video in list(self._tables.videos.values()):
            if video.location_id == location_id and video.availability is not Availability.GONE:
                yield video.locator, self._known(video)

    def iter_posterless(
        self, location_id: LocationId
    ) -> Iterator[tuple[VideoId, WorkId | SeriesId]]:
        for video in list(self._tables.videos.values()):
            if (
                video.location_id != location_id
                or video.availability is not Availability.AVAILABLE
                or not any(one.kind is PictureKind.POSTER for one in video.pictures)
            ):
                continue
            work = self._tables.works[video.work_id]
            series = None if work.series_id is None else self._tables.series[work.series_id]
            if not (work if series is None else series).poster:
                yield video.id, work.id if series is None else series.id

    def count_known(self, location_id: LocationId) -> int:
        return sum(1 for _ in self.iter_known(location_id))

    def _known(self, video: Video) -> KnownVideo:
        return KnownVideo(
            row=self._tables.video_rows[video.id],
            id=video.id,
            work_id=video.work_id,
            signature=video.signature,
            availability=video.availability,
            extras=video.extras,
            missing_since=video.missing_since,
        )

    def _traits(self, work: Work) -> Traits:
        videos = [video for video in self._tables.videos.values() if video.work_id == work.id]
        places = [self._tables.locations[video.location_id] for video in videos]
        return Traits(
            title=work.title,
            year=work.year,
            external_ids=dict(work.external_ids),
            fingerprints=frozenset(
                text for video in videos for text in fingerprint_texts(video.fingerprints)
            ),
            libraries=frozenset(place.library_id for place in places),
            locations=frozenset(place.id for place in places),
            episode=work.episode_key,
        )


def put_video(tables: Tables, video: Video) -> None:
    """Store ``video``; its locator is unique in its location."""
    for other in tables.videos.values():
        same_place = (other.location_id, other.locator) == (video.location_id, video.locator)
        if same_place and other.id != video.id:
            raise AlreadyExists("the location has a video with that locator already")
    tables.videos[video.id] = copy.deepcopy(video)
    if video.id not in tables.video_rows:
        tables.video_rows[video.id] = max(tables.video_rows.values(), default=0) + 1


def fingerprint_texts(prints: Fingerprints) -> Iterator[str]:
    """Yield the fingerprints as matching compares them: ``kind:value``."""
    for kind in ("oshash", "sha256", "xxhash64"):
        value = getattr(prints, kind)
        if value:
            yield f"{kind}:{value}"


def _might_match(wanted: Traits, traits: Traits) -> bool:
    ids = wanted.external_ids.items() & traits.external_ids.items()
    prints = wanted.fingerprints & traits.fingerprints
    named = wanted.year == traits.year and fold(wanted.title) == fold(traits.title)
    same_episode = wanted.episode is not None and wanted.episode == traits.episode
    return bool(ids or prints or same_episode or (named and wanted.year is not None))
