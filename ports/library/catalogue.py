"""Reading the catalogue: pages for the API and the web, never whole entities.

Everything takes a ``Visibility``; what it does not cover does not exist: not in a page, not in a
count, not by id.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from domain.errors import Invalid
from domain.ids import ConnectionId, LibraryId, LocationId, SeriesId, UserId, VideoId, WorkId
from domain.library.description import Credit
from domain.library.storage_location import StorageType
from domain.library.subtitles import SubtitleTrack
from domain.library.video import Availability


class CursorInvalid(Invalid):
    """The cursor is not one of ours, or belongs to another order."""

    code = "cursor.invalid"
    title = "The cursor is not valid"


@dataclass(frozen=True, slots=True)
class Visibility:
    """What a caller may see. ``libraries`` None: all; ``learnt``: works of peers too."""

    libraries: frozenset[LibraryId] | None
    learnt: bool
    metadata: bool


EVERYTHING = Visibility(libraries=None, learnt=True, metadata=True)

SORTS = ("title", "-title", "created_at", "-created_at", "year", "-year", "rating", "-rating")
EPISODE_SORT = "episode"  # by season and episode; only within one series


class TermKind(StrEnum):  # what works can be looked up by
    TAG = "tag"
    GENRE = "genre"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Term:
    """A tag, a genre or a person, in the spelling of a work; ``works`` shown ones carry it."""

    kind: TermKind
    name: str
    works: int


class WorkKind(StrEnum):
    """An episode belongs to a series; all else counts as a film."""

    FILM = "film"
    EPISODE = "episode"


@dataclass(frozen=True, slots=True)
class WorkFilter:
    """Conditions on works; all must hold, None holds always.

    Tags, genres and people are compared folded: neither case nor accents count.
    """

    year: int | None = None
    tag: str | None = None
    library: LibraryId | None = None
    availability: Availability | None = None
    min_rating: float | None = None
    genre: str | None = None
    person: str | None = None
    series: SeriesId | None = None
    season: int | None = None
    kind: WorkKind | None = None

    @property
    def needs_metadata(self) -> bool:
        """Whether it asks for what only the scope ``metadata`` shows; else it holds nowhere."""
        asked = (self.tag, self.genre, self.person, self.min_rating, self.series, self.season)
        return any(one is not None for one in (*asked, self.kind))


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """JSON texts of one numbered page; ``total_count`` counts all pages' items.

    ``after`` is the cursor behind the page, so that a walk can go on by keyset from any page of
    works; None at the end, and for a search.
    """

    documents: Sequence[str]
    total_count: int
    after: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentSlice:
    """JSON texts of one keyset page; ``after`` continues it, None at the end."""

    documents: Sequence[str]
    after: str | None


@dataclass(frozen=True, slots=True)
class Totals:
    """How much a caller may see."""

    works: int
    videos: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCard:
    """A work as a grid shows it. ``sources`` names peers, empty for this node alone."""

    id: WorkId
    title: str
    year: int | None
    duration: float | None
    thumbnail_video_id: VideoId | None
    available: bool
    sources: tuple[str, ...] = ()
    position_share: float | None = None  # how far the viewer is, 0–1
    watched: bool = False
    poster: str = ""  # digest of the picture, empty where there is none
    series_title: str = ""
    episode_code: str = ""  # as S01E02


@dataclass(frozen=True, slots=True)
class CardSlice:
    """Cards of one keyset page; ``after`` continues it, None at the end."""

    cards: Sequence[WorkCard]
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoView:
    """A video as the work page and the player show it; ``source`` is empty for this node."""

    id: VideoId
    filename: str
    file_size: int
    duration: float | None
    width: int | None
    height: int | None
    video_codec: str | None
    audio_codec: str | None
    container: str | None
    web_compatible: bool
    availability: Availability
    storage_type: StorageType
    location_name: str
    library_name: str
    source: str = ""
    position: float = 0.0
    watched: bool = False
    subtitles: tuple[SubtitleTrack, ...] = ()


@dataclass(frozen=True, slots=True)
class SeriesRef:
    """The series that an episode belongs to."""

    id: SeriesId
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkView:
    """A work as its own page shows it."""

    id: WorkId
    title: str
    year: int | None
    description: str
    director: str
    rating: float | None
    content_rating: str | None
    tags: tuple[str, ...]
    created_at: datetime
    videos: tuple[VideoView, ...] = field(default=())
    genres: tuple[str, ...] = ()
    credits: tuple[Credit, ...] = ()
    external_ids: Mapping[str, str] = field(default_factory=dict)
    series: SeriesRef | None = None
    season: int | None = None
    episode: int | None = None
    poster: str = ""
    locked: frozenset[str] = frozenset()
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesCard:
    """A series as a grid shows it; ``episodes`` counts the visible ones."""

    id: SeriesId
    title: str
    year: int | None
    poster: str
    episodes: int
    thumbnail_video_id: VideoId | None


@dataclass(frozen=True, slots=True)
class SeriesSlice:
    """Series of one keyset page; ``after`` continues it, None at the end."""

    cards: Sequence[SeriesCard]
    after: str | None


@dataclass(frozen=True, slots=True)
class SeasonCount:
    """A season with at least one visible episode. Season 0 holds the specials."""

    number: int
    episodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesView:
    """A series as its own page shows it; its episodes are walked as works are."""

    id: SeriesId
    title: str
    year: int | None
    description: str
    external_ids: Mapping[str, str]
    poster: str
    locked: frozenset[str]
    version: int
    seasons: tuple[SeasonCount, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingVideo:
    """A video that scans of its location do not find any more; ``name`` is its path there."""

    id: VideoId
    work_id: WorkId
    work_title: str
    name: str
    file_size: int
    missing_since: datetime


@dataclass(frozen=True, slots=True)
class MissingSlice:
    """Missing videos of one keyset page; ``after`` continues it, None at the end."""

    videos: Sequence[MissingVideo]
    after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTarget:
    """Where the bytes of a visible video are.

    ``location_version`` is the location's ``version``: who keeps the location in memory reads it
    again when this differs.
    """

    video_id: VideoId
    work_id: WorkId
    location_id: LocationId
    connection_id: ConnectionId | None
    locator: str
    filename: str
    container: str | None
    file_size: int
    availability: Availability
    location_version: int = 0


class Catalogue(Protocol):
    """The read side. Gone videos, merged works and works without videos are never shown."""

    def totals(self, seen_by: Visibility) -> Totals:
        """Count works, videos and bytes."""
        ...

    def works_page(
        self,
        seen_by: Visibility,
        *,
        page: int,
        per_page: int,
        sort: str = "title",
        where: WorkFilter = WorkFilter(),
    ) -> DocumentPage:
        """Return page ``page`` (from 1) of work documents with their visible videos."""
        ...

    def works_after(
        self,
        seen_by: Visibility,
        *,
        after: str | None,
        limit: int,
        sort: str = "title",
        where: WorkFilter = WorkFilter(),
    ) -> DocumentSlice:
        """Return up to ``limit`` work documents behind the cursor (None: from the start).

        ``sort`` is one of SORTS, or EPISODE_SORT where ``where`` names a series.

        Raises:
            CursorInvalid: not a cursor of this order.
        """
        ...

    def work(self, seen_by: Visibility, work_id: WorkId) -> str | None:
        """Return one work document with its visible videos, or None."""
        ...

    def video(self, seen_by: Visibility, video_id: VideoId) -> str | None:
        """Return one video document with ``work_id`` and ``work_title``, or None."""
        ...

    def search_videos(
        self, seen_by: Visibility, query: str, *, page: int, per_page: int
    ) -> DocumentPage:
        """Return video documents whose work's title, or own file name, matches.

        Each word of the folded query must begin a word; where nothing matches so, each must
        be part of the folded text. No character is a wildcard. ``total_count`` stops at 10,000.
        """
        ...

    def stream_target(self, seen_by: Visibility, video_id: VideoId) -> StreamTarget | None:
        """Return where a visible video's bytes are, or None."""
        ...

    def cards(
        self,
        seen_by: Visibility,
        *,
        viewer: UserId | None,
        after: str | None,
        limit: int,
        sort: str = "title",
        where: WorkFilter = WorkFilter(),
        query: str = "",
    ) -> CardSlice:
        """Return cards for a grid; with ``query``, of the works that match it, best first."""
        ...

    def continue_watching(
        self, seen_by: Visibility, *, viewer: UserId, limit: int
    ) -> Sequence[WorkCard]:
        """Return begun and unfinished works, the last watched first."""
        ...

    def work_view(
        self, seen_by: Visibility, work_id: WorkId, *, viewer: UserId | None
    ) -> WorkView | None:
        """Return what the work page shows, or None."""
        ...

    def terms(self, kind: TermKind, *, starts: str = "", limit: int) -> Sequence[Term]:
        """Return terms of shown works, by name, whose name begins so, for the node's people."""
        ...

    def series_cards(self, seen_by: Visibility, *, after: str | None, limit: int) -> SeriesSlice:
        """Return series with at least one visible episode, by title."""
        ...

    def series_view(self, seen_by: Visibility, series_id: SeriesId) -> SeriesView | None:
        """Return what the page of a series shows, or None where no episode is visible."""
        ...

    def missing(self, location_id: LocationId, *, after: str | None, limit: int) -> MissingSlice:
        """Return the location's missing videos, the oldest row first, for the admin pages."""
        ...

    def export(self, seen_by: Visibility, *, where: WorkFilter = WorkFilter()) -> Iterator[bytes]:
        """Yield all work documents as lines, the oldest first, in chunks of some 100 KiB."""
        ...

    def library_counts(self) -> Mapping[LibraryId, Totals]:
        """Return the totals of each library, for the admin pages."""
        ...

    def location_counts(self) -> Mapping[LocationId, Totals]:
        """Return the totals of each location, for the admin pages."""
        ...
