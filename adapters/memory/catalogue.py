"""The read side over dictionaries."""

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from adapters.memory.database import MemoryDatabase
from adapters.memory.visible import SeenVideo, SeenWork, matching_videos, total, visible_works
from domain.ids import LibraryId, LocationId, UserId, VideoId, WorkId
from domain.library.video import Availability
from domain.library.watch import WatchState
from domain.text import sort_key
from ports.library.catalogue import (
    EVERYTHING,
    SORTS,
    CardSlice,
    CursorInvalid,
    DocumentPage,
    DocumentSlice,
    StreamTarget,
    Totals,
    VideoView,
    Visibility,
    WorkCard,
    WorkFilter,
    WorkView,
)

MOST_COUNTED = 10_000
_NO_CONDITION = WorkFilter()
_Id = TypeVar("_Id")


class MemoryCatalogue:
    """Answers from the last committed state."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def totals(self, seen_by: Visibility) -> Totals:
        works = visible_works(self._database.tables, seen_by).values()
        return total([seen for work in works for seen in work.videos], len(works))

    def works_page(
        self,
        seen_by: Visibility,
        *,
        page: int,
        per_page: int,
        sort: str = "title",
        where: WorkFilter = _NO_CONDITION,
    ) -> DocumentPage:
        works = self._ordered(seen_by, sort, where)
        shown = works[(page - 1) * per_page : page * per_page]
        texts = [work.document(metadata=seen_by.metadata) for work in shown]
        more = page * per_page < len(works)
        following = _cursor(sort, _order(sort)(shown[-1])) if more and shown else None
        return DocumentPage(texts, len(works), following)

    def works_after(
        self,
        seen_by: Visibility,
        *,
        after: str | None,
        limit: int,
        sort: str = "title",
        where: WorkFilter = _NO_CONDITION,
    ) -> DocumentSlice:
        works, following = self._slice(self._ordered(seen_by, sort, where), sort, after, limit)
        return DocumentSlice([w.document(metadata=seen_by.metadata) for w in works], following)

    def work(self, seen_by: Visibility, work_id: WorkId) -> str | None:
        work = visible_works(self._database.tables, seen_by).get(work_id)
        return work.document(metadata=seen_by.metadata) if work else None

    def video(self, seen_by: Visibility, video_id: VideoId) -> str | None:
        found = self._find_video(seen_by, video_id)
        return found[1].document(found[0].work) if found else None

    def search_videos(
        self, seen_by: Visibility, query: str, *, page: int, per_page: int
    ) -> DocumentPage:
        found = matching_videos(self._ordered(seen_by, "title", _NO_CONDITION), query)
        shown = found[(page - 1) * per_page : page * per_page]
        texts = [seen.document(work.work) for work, seen in shown]
        return DocumentPage(texts, min(len(found), MOST_COUNTED))

    def stream_target(self, seen_by: Visibility, video_id: VideoId) -> StreamTarget | None:
        found = self._find_video(seen_by, video_id)
        if found is None:
            return None
        work, seen = found
        return StreamTarget(
            video_id=seen.video.id,
            work_id=work.work.id,
            location_id=seen.location.id,
            connection_id=seen.location.connection_id,
            locator=seen.video.locator,
            filename=seen.video.filename,
            container=seen.video.facts.container,
            file_size=seen.video.file_size,
            availability=seen.video.availability,
            location_version=seen.location.version,
        )

    def cards(
        self,
        seen_by: Visibility,
        *,
        viewer: UserId | None,
        after: str | None,
        limit: int,
        sort: str = "title",
        where: WorkFilter = _NO_CONDITION,
        query: str = "",
    ) -> CardSlice:
        works = self._ordered(seen_by, sort, where)
        if query.strip():
            works, following = _found(works, query, after, limit)
        else:
            works, following = self._slice(works, sort, after, limit)
        return CardSlice([self._card(work, viewer) for work in works], following)

    def continue_watching(
        self, seen_by: Visibility, *, viewer: UserId, limit: int
    ) -> Sequence[WorkCard]:
        begun = []
        for work in visible_works(self._database.tables, seen_by).values():
            state = self._last_state(work, viewer)
            if state is not None and state.position > 0 and not state.watched:
                begun.append((state.updated_at, work))
        begun.sort(key=lambda row: (row[0], row[1].work.id), reverse=True)
        return [self._card(work, viewer) for _, work in begun[:limit]]

    def work_view(
        self, seen_by: Visibility, work_id: WorkId, *, viewer: UserId | None
    ) -> WorkView | None:
        seen = visible_works(self._database.tables, seen_by).get(work_id)
        if seen is None:
            return None
        work, metadata = seen.work, seen_by.metadata
        return WorkView(
            id=work.id,
            title=work.title,
            year=work.year,
            description=work.description if metadata else "",
            director=work.director if metadata else "",
            rating=work.rating if metadata else None,
            content_rating=work.content_rating,
            tags=work.tags if metadata else (),
            created_at=work.created_at,
            videos=tuple(self._video_view(video, viewer) for video in seen.videos),
        )

    def library_counts(self) -> Mapping[LibraryId, Totals]:
        return self._counts(self._database.tables.libraries, lambda seen: seen.library.id)

    def location_counts(self) -> Mapping[LocationId, Totals]:
        return self._counts(self._database.tables.locations, lambda seen: seen.location.id)

    def _counts(self, ids: Iterable[_Id], id_of: Callable[[SeenVideo], _Id]) -> dict[_Id, Totals]:
        works = visible_works(self._database.tables, EVERYTHING).values()
        counts = {}
        for each in ids:
            videos = [seen for work in works for seen in work.videos if id_of(seen) == each]
            having = sum(any(id_of(seen) == each for seen in work.videos) for work in works)
            counts[each] = total(videos, having)
        return counts

    def _ordered(self, seen_by: Visibility, sort: str, where: WorkFilter) -> list[SeenWork]:
        works = visible_works(self._database.tables, seen_by).values()
        return sorted((work for work in works if work.passes(where)), key=_order(sort))

    def _slice(
        self, works: list[SeenWork], sort: str, after: str | None, limit: int
    ) -> tuple[list[SeenWork], str | None]:
        order = _order(sort)
        if after is not None:
            last = _read_cursor(after, sort)
            works = [work for work in works if list(order(work)) > last]
        shown = works[:limit]
        more = len(works) > limit
        return shown, _cursor(sort, order(shown[-1])) if more and shown else None

    def _find_video(
        self, seen_by: Visibility, video_id: VideoId
    ) -> tuple[SeenWork, SeenVideo] | None:
        works = visible_works(self._database.tables, seen_by).values()
        rows = ((work, seen) for work in works for seen in work.videos)
        return next((row for row in rows if row[1].video.id == video_id), None)

    def _state(self, seen: SeenVideo, viewer: UserId | None) -> WatchState | None:
        if viewer is None:
            return None
        return self._database.tables.watch_states.get((viewer, seen.video.id))

    def _last_state(self, work: SeenWork, viewer: UserId | None) -> WatchState | None:
        states = [state for seen in work.videos if (state := self._state(seen, viewer))]
        return max(states, key=lambda state: state.updated_at, default=None)

    def _card(self, work: SeenWork, viewer: UserId | None) -> WorkCard:
        state = self._last_state(work, viewer)
        share = None
        durations = {seen.video.id: seen.video.facts.duration for seen in work.videos}
        if state is not None and (duration := durations[state.video_id]):
            share = min(state.position / duration, 1.0)
        return WorkCard(
            id=work.work.id,
            title=work.work.title,
            year=work.work.year,
            duration=max((d for d in durations.values() if d is not None), default=None),
            thumbnail_video_id=work.videos[0].video.id,
            available=any(
                seen.video.availability is Availability.AVAILABLE for seen in work.videos
            ),
            sources=tuple(sorted({seen.source for seen in work.videos if seen.source})),
            position_share=share,
            watched=state is not None and state.watched,
        )

    def _video_view(self, seen: SeenVideo, viewer: UserId | None) -> VideoView:
        video, state = seen.video, self._state(seen, viewer)
        return VideoView(
            id=video.id,
            filename=video.filename,
            file_size=video.file_size,
            duration=video.facts.duration,
            width=video.facts.width,
            height=video.facts.height,
            video_codec=video.facts.video_codec,
            audio_codec=video.facts.audio_codec,
            container=video.facts.container,
            web_compatible=video.web_compatible,
            availability=video.availability,
            storage_type=seen.location.storage_type,
            location_name=seen.location.name,
            library_name=seen.library.name,
            source=seen.source,
            position=state.position if state else 0.0,
            watched=state is not None and state.watched,
        )


def _order(sort: str) -> Callable[[SeenWork], tuple[Any, ...]]:
    """Return what works are ordered by; where two are equal, the older row comes first."""
    field, sign = sort.removeprefix("-"), -1 if sort.startswith("-") else 1
    if sort not in SORTS:
        raise CursorInvalid(f"sort takes one of {', '.join(SORTS)}", field="sort")

    def order(seen: SeenWork) -> tuple[Any, ...]:
        work = seen.work
        number = seen.row
        if field == "title":
            key = [ord(c) for c in sort_key(work.title)]
            return [sign * c for c in key] + ([1] if sign < 0 else []), sign * number
        if field == "created_at":
            return sign * work.created_at.timestamp(), sign * number
        value = work.year if field == "year" else work.rating
        return value is None, sign * (value or 0), sign * number

    return order


def _cursor(sort: str, key: tuple[Any, ...]) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, list(key)]).encode()).decode()


def _read_cursor(text: str, sort: str) -> list[Any]:
    try:
        named, key = json.loads(base64.urlsafe_b64decode(text.encode()))
    except (ValueError, TypeError) as exc:
        raise CursorInvalid(field="after") from exc
    if named != sort or not isinstance(key, list):
        raise CursorInvalid(field="after")
    return key


def _found(
    works: list[SeenWork], query: str, after: str | None, limit: int
) -> tuple[list[SeenWork], str | None]:
    found = list({work.row: work for work, _ in matching_videos(works, query)}.values())
    start = 0 if after is None else int(_read_cursor(after, "best")[0])
    more = start + limit < len(found)
    return found[start : start + limit], _cursor("best", (start + limit,)) if more else None
