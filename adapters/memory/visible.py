"""What a caller sees of the tables, as plain lists: the catalogue's views are made of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from adapters.memory.database import Tables
from adapters.memory.library import end_of_merges
from domain.ids import WorkId
from domain.library.document import video_fields, work_fields, work_metadata_fields
from domain.library.search_query import parse_query
from domain.library.storage_location import Library, StorageLocation
from domain.library.terms import people_of, term_key
from domain.library.video import Availability, Video
from domain.library.work import Work
from domain.text import fold
from ports.library.catalogue import TermKind, Totals, Visibility, WorkFilter, WorkKind


@dataclass(slots=True)
class SeenVideo:
    """A visible video with where it is."""

    video: Video
    location: StorageLocation
    library: Library
    source: str

    def document(self, work: Work | None = None) -> str:
        """Return the video's JSON, with its work's id and title where a work is given."""
        extra = f',"availability":"{self.video.availability.value}"'
        if work is not None:
            extra += f',"work_id":"{work.id}","work_title":{_json_text(work.title)}'
        return f"{{{video_fields(self.video, self.location.storage_type)}{extra}}}"


@dataclass(slots=True)
class SeenWork:
    """A visible work with its visible videos."""

    work: Work
    row: int
    videos: list[SeenVideo] = field(default_factory=list)

    def document(self, *, metadata: bool) -> str:
        """Return the work's JSON."""
        extra = "," + work_metadata_fields(self.work) if metadata else ""
        videos = ",".join(seen.document() for seen in self.videos)
        return f'{{{work_fields(self.work)}{extra},"videos":[{videos}]}}'

    def passes(self, where: WorkFilter) -> bool:
        """Tell whether every condition holds."""
        work, videos = self.work, self.videos
        kind = WorkKind.FILM if work.series_id is None else WorkKind.EPISODE
        rated = work.rating is not None and work.rating >= (where.min_rating or 0)
        here = {seen.library.id for seen in videos}
        terms = {(kind, term_key(name)) for kind, name in self.terms()}
        wanted = ((kind, getattr(where, kind)) for kind in TermKind)
        return (
            where.year in {None, work.year}
            and (where.library is None or where.library in here)
            and where.availability in {None, *(seen.video.availability for seen in videos)}
            and (where.min_rating is None or rated)
            and all(name is None or (kind, term_key(name)) in terms for kind, name in wanted)
            and where.series in {None, work.series_id}
            and where.season in {None, work.season}
            and where.kind in {None, kind}
        )

    def terms(self) -> list[tuple[TermKind, str]]:
        """Return what the work can be looked up by."""
        work, people = self.work, people_of(self.work.director, self.work.credits)
        named = zip(TermKind, (work.tags, work.genres, people), strict=True)
        return [(kind, name) for kind, names in named for name in names]


def visible_works(tables: Tables, seen_by: Visibility) -> dict[WorkId, SeenWork]:
    """Return the works that a caller may see, each with at least one visible video."""
    found: dict[WorkId, SeenWork] = {}
    for video in sorted(tables.videos.values(), key=lambda row: tables.video_rows[row.id]):
        location = tables.locations[video.location_id]
        own, work = tables.works[video.work_id], end_of_merges(tables, video.work_id)
        learnt = any(row.connection_id is not None for row in (own, work, location))
        if video.availability is Availability.GONE or (learnt and not seen_by.learnt):
            continue
        if seen_by.libraries is not None and location.library_id not in seen_by.libraries:
            continue
        peer = tables.connections.get(location.connection_id) if location.connection_id else None
        library = tables.libraries[location.library_id]
        seen = SeenVideo(video, location, library, peer.name if peer else "")
        found.setdefault(work.id, SeenWork(work, tables.work_rows[work.id])).videos.append(seen)
    return found


def total(videos: list[SeenVideo], works: int) -> Totals:
    """Count up."""
    return Totals(works, len(videos), sum(seen.video.file_size for seen in videos))


def matching_videos(works: list[SeenWork], query: str) -> list[tuple[SeenWork, SeenVideo]]:
    """Return the videos that the query finds, the newest work first."""
    wanted = parse_query(query)
    newest_first = sorted(works, key=lambda work: work.row, reverse=True)
    rows = [(work, seen) for work in newest_first for seen in work.videos]
    if not wanted:
        return []
    by_word = [row for row in rows if wanted.words and wanted.begins_words_of(_text(row))]
    return by_word or [row for row in rows if wanted.is_part_of(_text(row))]


def _text(row: tuple[SeenWork, SeenVideo]) -> str:
    return fold(f"{row[0].work.title} {row[1].video.filename}")


def _json_text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
