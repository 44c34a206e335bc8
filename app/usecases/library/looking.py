"""Looking into what a walk found: its bytes, what lies beside it, what its location tells."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from app.usecases.library.span_reading import StorageSpans, read_small
from domain.errors import BadUpstream
from domain.library.companions import CompanionKind
from domain.library.description import (
    NOTHING_SAID,
    YEARS_AHEAD,
    Description,
    EpisodeMark,
    tidy,
)
from domain.library.subtitles import MAX_TRACKS, SubtitleTrack, side_car
from domain.library.video import (
    MAX_FILE_SIZE,
    Fingerprints,
    MediaFacts,
    PictureKind,
    PictureSource,
    base_name,
)
from ports.clock import Clock
from ports.library.imports import KnownVideo
from ports.library.media import (
    BudgetSpent,
    MediaProbe,
    MediaUnreadable,
    NfoReader,
    Probed,
    RemoteMedia,
)
from ports.library.names import GuessedName, NameGuesser
from ports.library.storage import (
    Companion,
    FoundObject,
    ObjectChanged,
    ObjectNotFound,
    StorageUnreachable,
    WalkableStorage,
)

MAX_NFO = 1024 * 1024
MAX_SHOWS = 1000  # folders that are kept in mind
SHOW_NFO = "tvshow.nfo"
SHOW_POSTERS = ("poster.jpg", "poster.png", "poster.webp", "folder.jpg", "cover.jpg")
_CAMERA = re.compile(r"(?:VID|IMG|MVI|MOV|DSC|PXL|GOPR|GH|GX|DJI|CLIP)[ _-]?\d*", re.IGNORECASE)
_PICTURES = {CompanionKind.POSTER: PictureKind.POSTER, CompanionKind.STILL: PictureKind.STILL}

Bytes = tuple[str | None, int]
"""What identifies the bytes of a file cheaply: oshash and size."""


class Fault(NamedTuple):
    """Something that could not be read; the item is shown with the reason."""

    item: str
    reason: str


class Reading(NamedTuple):
    """An object that was looked into.

    ``known`` is its stored video, None for a new one. ``probed`` is None where only what is told of
    it changed. ``said`` is what all sources say; of a new object the name is one of them, and
    ``said_beside`` is what the others say. ``said_before`` is what the old name said, where the
    file may have moved.
    ``faults`` cost the object something, but not its place in the library.
    """

    found: FoundObject
    known: KnownVideo | None
    probed: Probed | None
    said: Description = NOTHING_SAID
    subtitles: tuple[SubtitleTrack, ...] = ()
    pictures: tuple[PictureSource, ...] = ()
    said_beside: Description = NOTHING_SAID
    said_before: Description | None = None
    faults: tuple[Fault, ...] = ()

    @property
    def bytes(self) -> Bytes:
        """Return what tells the file's bytes from others."""
        oshash = self.probed.fingerprints.oshash if self.probed else None
        return oshash, self.found.size_bytes


class NotRead(NamedTuple):
    """An object that could not be looked into.

    ``unreachable``: its location may be away. ``is_lasting``: its bytes are to blame, so that
    another look at the same bytes would end alike. ``bytes_read`` came over the network for it.
    """

    reason: str
    unreachable: bool = False
    is_lasting: bool = False
    bytes_read: int = 0


@dataclass(frozen=True, slots=True)
class LookingTools:
    """What looking needs. ``budget_bytes`` bounds what one remote object may cost."""

    probe: MediaProbe
    remote: RemoteMedia
    nfo: NfoReader
    names: NameGuesser
    clock: Clock
    budget_bytes: int


class Looker:
    """Looks into objects of one location; safe to share between threads."""

    def __init__(self, tools: LookingTools, storage: WalkableStorage) -> None:
        self._tools, self._storage = tools, storage
        self._shows: dict[str, _Show] = {}

    def look(self, found: FoundObject, known: KnownVideo | None) -> Reading | NotRead:
        """Look as far as needed: never again into bytes that are known."""
        if found.size_bytes > MAX_FILE_SIZE:
            return NotRead("its length is impossible")
        spans: list[StorageSpans] = []
        try:
            probed = self._probe(found, known, spans)
        except StorageUnreachable as exc:
            return NotRead(str(exc), unreachable=True, bytes_read=_cost(spans))
        except (ObjectNotFound, ObjectChanged, BadUpstream) as exc:
            return NotRead(str(exc), bytes_read=_cost(spans))
        except MediaUnreadable as exc:
            return NotRead(str(exc), is_lasting=bool(spans), bytes_read=_cost(spans))
        faults: list[Fault] = []
        if probed is not None and probed.facts == MediaFacts() and self._is_remote(found):
            reason = "added without its length and codecs: its header is too long to be read"
            faults.append(Fault(found.name, reason))
        if known is not None and known.extras == found.extras:
            return Reading(found, known, probed, faults=tuple(faults))
        beside = self._said_beside(found, faults)
        said = self._with_name(beside, found, known, probed)
        pictures = tuple(_pictures(found))
        if said.episode is not None and not self._is_remote(found):
            show = self._show_of(found.locator, faults)
            said = replace(said, episode=show.told_of(said.episode))
            pictures += show.posters
        return Reading(
            found,
            known,
            probed,
            said=self._tidied(said),
            said_beside=self._tidied(beside),
            subtitles=tuple(_side_cars(found))[:MAX_TRACKS],
            pictures=pictures,
            faults=tuple(faults),
        )

    def said_by_name(self, name: str) -> Description:
        """Return what a path below the location's root says."""
        return self._tidied(_by_name(self._tools.names.guess(name), None))

    def _is_remote(self, found: FoundObject) -> bool:
        return self._storage.local_path(found.locator) is None

    def _probe(
        self, found: FoundObject, known: KnownVideo | None, spans: list[StorageSpans]
    ) -> Probed | None:
        """Look into the bytes; ``spans`` gets what was read of them over the network."""
        if known is not None and known.signature == found.signature:
            return None
        told = found.told
        if told is not None and told.facts is not None:
            return Probed(told.facts, Fingerprints(), subtitles=told.subtitles)
        path = self._storage.local_path(found.locator)
        if path is not None:
            return self._tools.probe.probe(path)
        info = self._storage.stat(found.locator)
        source = StorageSpans(self._storage, found.locator, info, self._tools.budget_bytes)
        spans.append(source)
        try:
            probed = self._tools.remote.probe_source(source, name=found.name)
        except BudgetSpent:
            return Probed(MediaFacts(), Fingerprints(), bytes_read=source.bytes_read)
        return replace(probed, bytes_read=source.bytes_read)

    def _said_beside(self, found: FoundObject, faults: list[Fault]) -> Description:
        told = found.told.description if found.told is not None else NOTHING_SAID
        return self._nfo(found.companions, faults).over(told)

    def _with_name(
        self,
        said: Description,
        found: FoundObject,
        known: KnownVideo | None,
        probed: Probed | None,
    ) -> Description:
        if known is not None and said == NOTHING_SAID:
            return said
        guessed = self._tools.names.guess(found.name)
        said = _with_series(said, guessed)
        if known is None:
            said = said.over(_by_name(guessed, probed))
        elif said.episode is None:
            said = replace(said, episode=_mark(guessed))
        return said

    def _show_of(self, locator: str, faults: list[Fault]) -> "_Show":
        """Return what lies in the folder of an episode, or the one above: of its whole series."""
        folder = locator.rpartition("/")[0]
        show = self._shows.get(folder)
        if show is None:
            if len(self._shows) >= MAX_SHOWS:
                self._shows.clear()
            show = self._shows[folder] = self._look_for_show(folder, faults)
        return show

    def _look_for_show(self, folder: str, faults: list[Fault]) -> "_Show":
        for place in dict.fromkeys((folder, folder.rpartition("/")[0])):
            below = f"{place}/" if place else ""
            try:
                self._storage.stat(f"{below}{SHOW_NFO}")
            except (ObjectNotFound, StorageUnreachable):
                continue
            nfo = f"{below}{SHOW_NFO}"
            beside = Companion(CompanionKind.NFO, nfo, SHOW_NFO, 0, "", shared=True)
            posters = tuple(
                PictureSource(PictureKind.POSTER, f"{below}{name}")
                for name in SHOW_POSTERS
                if self._is_there(f"{below}{name}")
            )
            return _Show(self._nfo([beside], faults), posters[:1])
        return _Show(NOTHING_SAID, ())

    def _is_there(self, locator: str) -> bool:
        try:
            self._storage.stat(locator)
        except (ObjectNotFound, StorageUnreachable):
            return False
        return True

    def _nfo(self, companions: Sequence[Companion], faults: list[Fault]) -> Description:
        for one in companions:
            if one.kind is CompanionKind.NFO:
                try:
                    data = read_small(self._storage, one.locator, most=MAX_NFO)
                    return self._tools.nfo.read(data)
                except (MediaUnreadable, ObjectNotFound, ObjectChanged, BadUpstream) as exc:
                    faults.append(Fault(one.name, str(exc)))
                except StorageUnreachable as exc:
                    faults.append(Fault(one.name, str(exc)))
        return NOTHING_SAID

    def _tidied(self, said: Description) -> Description:
        kept = tidy(said, last_year=self._tools.clock.now().year + YEARS_AHEAD)
        if kept.episode is None:
            return kept
        return replace(kept, title=kept.episode.work_title(kept.title))


class _Show(NamedTuple):
    """What the files of a whole series say of it."""

    said: Description
    posters: tuple[PictureSource, ...]

    def told_of(self, mark: EpisodeMark) -> EpisodeMark:
        """Return an episode's mark with what is known of its series."""
        said = self.said
        return replace(
            mark,
            series=said.title or mark.series,
            series_year=said.year if said.year is not None else mark.series_year,
            series_external_ids={**mark.series_external_ids, **said.external_ids},
            series_description=said.description or mark.series_description,
        )


def _cost(spans: Sequence[StorageSpans]) -> int:
    return sum(source.bytes_read for source in spans)


def _by_name(guessed: GuessedName, probed: Probed | None) -> Description:
    """Return what the file name says, and where it says nothing, the file's own title.

    Many files' own titles are advertising.
    """
    mark = _mark(guessed)
    if mark is not None:
        return Description(title=guessed.episode_title or "", episode=mark)
    own = probed.title if probed is not None else None
    title = own if own and _says_nothing(guessed.title) else guessed.title
    return Description(title=title or "video", year=guessed.year)


def _mark(guessed: GuessedName) -> EpisodeMark | None:
    if guessed.season is None or guessed.episode is None:
        return None
    return EpisodeMark(
        series=guessed.title,
        season=guessed.season,
        episode=guessed.episode,
        series_year=guessed.year,
    )


def _with_series(said: Description, guessed: GuessedName) -> Description:
    """Name the series of an episode whose NFO does not; the path often does."""
    mark = said.episode
    if mark is None or mark.series:
        return said
    return replace(said, episode=replace(mark, series=guessed.title))


def _says_nothing(title: str) -> bool:
    return not any(c.isalpha() for c in title) or _CAMERA.fullmatch(title) is not None


def _side_cars(found: FoundObject) -> Iterator[SubtitleTrack]:
    video = base_name(found.name)
    for one in found.companions:
        if one.kind is CompanionKind.SUBTITLE:
            yield side_car(one.name, video=video, locator=one.locator)


def _pictures(found: FoundObject) -> Iterator[PictureSource]:
    """Yield the best side-car of each shape, else that the location is to be asked."""
    kinds = set()
    for one in found.companions:
        kind = _PICTURES.get(one.kind)
        if kind is not None and kind not in kinds:
            kinds.add(kind)
            yield PictureSource(kind, one.locator)
    if found.told is not None and found.told.pictures:
        yield from (PictureSource(kind) for kind in PictureKind if kind not in kinds)
