"""Terms, series and missing videos over dictionaries."""

from collections import Counter
from collections.abc import Sequence

from adapters.memory.database import Tables
from adapters.memory.library import end_of_merges
from adapters.memory.orders import order_of, read_cursor, write_cursor
from adapters.memory.visible import SeenWork, visible_works
from domain.ids import LocationId, SeriesId
from domain.library.series import Series
from domain.library.storage_location import StorageType
from domain.library.terms import term_key
from domain.text import sort_key
from ports.library.catalogue import (
    EPISODE_SORT,
    EVERYTHING,
    MissingSlice,
    MissingVideo,
    SeasonCount,
    SeriesCard,
    SeriesSlice,
    SeriesView,
    Term,
    TermKind,
    Visibility,
)

_PATHS = (StorageType.LOCAL, StorageType.S3)  # locators that are paths, fit to be read


def terms(tables: Tables, kind: TermKind, starts: str, limit: int) -> Sequence[Term]:
    counts: Counter[str] = Counter()
    names: dict[str, str] = {}
    for work in visible_works(tables, EVERYTHING).values():
        mine = {term_key(name): name for each, name in work.terms() if each is kind}
        counts.update(mine.keys())
        names = mine | names
    keys = sorted(key for key in names if key.startswith(sort_key(starts)))
    return [Term(kind, names[key], counts[key]) for key in keys[:limit]]


def series_cards(tables: Tables, seen_by: Visibility, after: str | None, limit: int) -> SeriesSlice:
    last = [] if after is None else read_cursor(after, "series")
    cards = []
    for key, series in sorted(_series_keys(tables), key=lambda pair: pair[0]):
        episodes = _episodes(tables, seen_by, series.id)
        if episodes and list(key) > last:
            card = SeriesCard(
                id=series.id,
                title=series.title,
                year=series.year,
                poster=series.poster,
                episodes=len(episodes),
                thumbnail_video_id=episodes[0].videos[0].video.id,
            )
            cards.append((key, card))
    shown = [card for _, card in cards[:limit]]
    more = len(cards) > limit > 0
    return SeriesSlice(shown, write_cursor("series", cards[limit - 1][0]) if more else None)


def series_view(tables: Tables, seen_by: Visibility, series_id: SeriesId) -> SeriesView | None:
    series = tables.series.get(series_id)
    episodes = _episodes(tables, seen_by, series_id)
    if series is None or not episodes:
        return None
    counts = Counter(seen.work.season for seen in episodes)
    numbers = sorted(number for number in counts if number is not None)
    metadata = seen_by.metadata
    return SeriesView(
        id=series.id,
        title=series.title,
        year=series.year,
        description=series.description if metadata else "",
        external_ids=dict(series.external_ids) if metadata else {},
        poster=series.poster,
        locked=series.locked if metadata else frozenset(),
        version=series.version,
        seasons=tuple(SeasonCount(number, counts[number]) for number in numbers),
    )


def missing(tables: Tables, location_id: LocationId, after: str | None, limit: int) -> MissingSlice:
    last = 0 if after is None else int(read_cursor(after, "missing")[0])
    rows = sorted((row, tables.videos[video_id]) for video_id, row in tables.video_rows.items())
    found = []
    for row, video in rows:
        if video.location_id != location_id or video.missing_since is None or row <= last:
            continue
        work = end_of_merges(tables, video.work_id)
        kind = tables.locations[location_id].storage_type
        one = MissingVideo(
            id=video.id,
            work_id=work.id,
            work_title=work.title,
            name=video.locator if kind in _PATHS else video.filename,
            file_size=video.file_size,
            missing_since=video.missing_since,
        )
        found.append((row, one))
    more = len(found) > limit > 0
    following = write_cursor("missing", (found[limit - 1][0],)) if more else None
    return MissingSlice([one for _, one in found[:limit]], following)


def _series_keys(tables: Tables) -> list[tuple[tuple[str, int], Series]]:
    rows = enumerate(tables.series.values())
    return [((sort_key(series.title), row), series) for row, series in rows]


def _episodes(tables: Tables, seen_by: Visibility, series_id: SeriesId) -> list[SeenWork]:
    works = visible_works(tables, seen_by).values()
    mine = (seen for seen in works if seen.work.series_id == series_id)
    return sorted(mine, key=order_of(EPISODE_SORT))
