"""The read side over dictionaries."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from adapters.memory.browsing import missing, series_cards, series_view, terms
from adapters.memory.database import MemoryDatabase
from adapters.memory.orders import order_of, read_cursor, write_cursor
from adapters.memory.visible import SeenVideo, SeenWork, matching_videos, total, visible_works
from domain.ids import LibraryId, LocationId, SeriesId, UserId, VideoId, WorkId
from domain.library.storage_location import StorageType
from domain.library.video import Availability
from domain.library.watch import WatchState
from ports.library.catalogue import (
    EPISODE_SORT,
    EVERYTHING,
    CardSlice,
    CursorInvalid,
    DocumentPage,
    DocumentSlice,
    MissingSlice,
    SeriesRef,
    SeriesSlice,
    SeriesView,
    StreamTarget,
    Term,
    TermKind,
    Totals,
    VideoView,
    Visibility,
    WorkCard,
    WorkFilter,
    WorkView,
)

MOST_COUNTED = 10_000
_PATHS = (StorageType.LOCAL, StorageType.S3)  # locators that are paths, fit to be read
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
        following = write_cursor(sort, order_of(sort)(shown[-1])) if more and shown else None
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
            genres=work.genres if metadata else (),
            credits=work.credits if metadata else (),
            external_ids=dict(work.external_ids) if metadata else {},
            series=self._series_ref(work.series_id),
            season=work.season if metadata else None,
            episode=work.episode if metadata else None,
            poster=work.poster,
            locked=work.locked if metadata else frozenset(),
            version=work.version,
        )

    def terms(self, kind: TermKind, *, starts: str = "", limit: int) -> Sequence[Term]:
        return terms(self._database.tables, kind, starts, limit)

    def series_cards(self, seen_by: Visibility, *, after: str | None, limit: int) -> SeriesSlice:
        return series_cards(self._database.tables, seen_by, after, limit)

    def series_view(self, seen_by: Visibility, series_id: SeriesId) -> SeriesView | None:
        return series_view(self._database.tables, seen_by, series_id)

    def missing(self, location_id: LocationId, *, after: str | None, limit: int) -> MissingSlice:
        return missing(self._database.tables, location_id, after, limit)

    def export(self, seen_by: Visibility, *, where: WorkFilter = _NO_CONDITION) -> Iterator[bytes]:
        works = sorted(self._ordered(seen_by, "title", where), key=lambda work: work.row)
        for start in range(0, len(works), 100):
            texts = (
                work.document(metadata=seen_by.metadata) for work in works[start : start + 100]
            )
            yield "".join(f"{text}\n" for text in texts).encode()

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

    def _series_ref(self, series_id: SeriesId | None) -> SeriesRef | None:
        series = self._database.tables.series.get(series_id) if series_id else None
        return None if series is None else SeriesRef(series.id, series.title)

    def _ordered(self, seen_by: Visibility, sort: str, where: WorkFilter) -> list[SeenWork]:
        if sort == EPISODE_SORT and where.series is None:
            raise CursorInvalid("the order of episodes needs a series", field="sort")
        if where.needs_metadata and not seen_by.metadata:
            return []
        works = visible_works(self._database.tables, seen_by).values()
        return sorted((work for work in works if work.passes(where)), key=order_of(sort))

    def _slice(
        self, works: list[SeenWork], sort: str, after: str | None, limit: int
    ) -> tuple[list[SeenWork], str | None]:
        order = order_of(sort)
        if after is not None:
            last = read_cursor(after, sort)
            works = [work for work in works if list(order(work)) > last]
        shown = works[:limit]
        more = len(works) > limit
        return shown, write_cursor(sort, order(shown[-1])) if more and shown else None

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
        share, series = None, self._series_ref(work.work.series_id)
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
            poster=work.work.poster,
            series_title=series.title if series else "",
            episode_code=work.work.episode_code,
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
            subtitles=video.subtitles,
        )


def _found(
    works: list[SeenWork], query: str, after: str | None, limit: int
) -> tuple[list[SeenWork], str | None]:
    found = list({work.row: work for work, _ in matching_videos(works, query)}.values())
    start = 0 if after is None else int(read_cursor(after, "best")[0])
    more = start + limit < len(found)
    return found[start : start + limit], write_cursor("best", (start + limit,)) if more else None
