"""Which files beside a video belong to it: its NFO, its subtitles, its pictures.

Names decide, as media centres have them. A side-car belongs to every video whose name, without its
suffix, it begins with: ``film.en.srt`` to ``film.mp4``. What is named for its folder instead
(``poster.jpg``) counts only where the folder holds a single film.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import chain, groupby, islice
from operator import attrgetter
from typing import NamedTuple

from domain.library.subtitles import SIDE_CAR_FORMATS

MAX_OF_A_KIND = 64  # of one video; a film dubbed into everything has fewer
MAX_VERSIONS = 50  # files of one film in a folder


class CompanionKind(StrEnum):
    """What lies beside a video and belongs to it."""

    NFO = "nfo"
    SUBTITLE = "subtitle"
    POSTER = "poster"  # upright
    STILL = "still"  # wide


class Match(NamedTuple):
    """A file beside a video: ``name`` is its base name. ``shared``: of its whole folder."""

    kind: CompanionKind
    name: str
    shared: bool = False


_PICTURES = (".jpg", ".jpeg", ".png", ".webp")
COMPANION_SUFFIXES = (".nfo", *SIDE_CAR_FORMATS, *_PICTURES)
_POSTERS = ("poster", "cover", "folder")
_STILLS = ("fanart", "backdrop", "landscape", "thumb")
_PICTURE_KINDS = {
    **dict.fromkeys(_POSTERS, CompanionKind.POSTER),
    **dict.fromkeys(_STILLS, CompanionKind.STILL),
}
_SHARED_NFO = "movie"
_MAX_WORDS = 3  # of language and remarks in a subtitle's name
_WORD = re.compile(r"[a-z]{2,20}(?:-[a-z0-9]{2,8}){0,2}", re.IGNORECASE | re.ASCII)
_ORDER = {kind: number for number, kind in enumerate(CompanionKind)}
_VERSION = re.compile(
    r"""[\s._-]* (?:
        \[[^\[\]]*\] | \{[^{}]*\} | [(](?!(?:18|19|20)\d\d[)])[^()]*[)]
        | (?<=[\s._-]) (?: \d{3,4}[pi] | [48]k | uhd | hdr | hd | sd
        | (?:cd|dvd|disc|disk|part|pt) [\s._-]? \d{1,2}
        | extended | remastered | theatrical | uncut | unrated
        | (?:director'?s|final) [\s._-] cut )
    ) $""",
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)


class SideCars:
    """The side-cars of one folder, to be asked for those of each of its videos.

    Args:
        names: base names of files; those that are no side-cars are passed over.
        one_film: whether the folder holds a single film, see ``is_one_film``.
    """

    def __init__(self, names: Iterable[str], *, one_film: bool) -> None:
        self._own: defaultdict[str, list[Match]] = defaultdict(list)
        shared: list[Match] = []
        for name in names:
            for stem, kind in stems(name):
                self._own[stem].append(Match(kind, name))
            kind_for_all = _shared(name)
            if one_film and kind_for_all is not None:
                shared.append(Match(kind_for_all, name, shared=True))
        self._shared = sorted(shared, key=_rank)

    def of(self, video: str) -> tuple[Match, ...]:
        """Return what belongs to the video of that base name, the best of each kind first.

        What is its own comes before what is its folder's. At most MAX_OF_A_KIND of each.
        """
        own = self._own.get(stem_of(video))
        if own is None:
            return _fewer(self._shared)
        named = {match.name for match in own}
        others = [match for match in self._shared if match.name not in named]
        return _fewer(sorted([*own, *others], key=_rank))


def _fewer(ranked: list[Match]) -> tuple[Match, ...]:
    """Leave out what is too many of one kind, so that subtitles take no room from pictures."""
    kept = (islice(some, MAX_OF_A_KIND) for _, some in groupby(ranked, attrgetter("kind")))
    return tuple(chain.from_iterable(kept))


def stem_of(name: str) -> str:
    """Return a base name without its suffix."""
    return name.rpartition(".")[0] or name


def stems(name: str) -> Iterator[tuple[str, CompanionKind]]:
    """Yield the video names (without suffix) to which a side-car may belong, the longest first.

    Nothing for a file that is no side-car.
    """
    stem, dot, ending = name.rpartition(".")
    suffix = dot + ending.lower()
    if not stem or suffix not in COMPANION_SUFFIXES:
        return
    if suffix == ".nfo":
        yield stem, CompanionKind.NFO
    elif suffix in _PICTURES:
        yield stem, CompanionKind.POSTER
        film, dash, what = stem.rpartition("-")
        kind = _PICTURE_KINDS.get(what.lower())
        if film and dash and kind is not None:
            yield film, kind
    else:
        yield stem, CompanionKind.SUBTITLE
        for _ in range(_MAX_WORDS):
            stem, _dot, word = stem.rpartition(".")
            if not stem or not _WORD.fullmatch(word):
                return
            yield stem, CompanionKind.SUBTITLE


def is_one_film(videos: Iterable[str]) -> bool:
    """Tell whether these base names are one film: a single file, or versions and parts of it."""
    films: set[str] = set()
    for count, video in enumerate(videos):
        films.add(film_name(video))
        if len(films) > 1 or count >= MAX_VERSIONS:
            return False
    return bool(films)


def film_name(video: str) -> str:
    """Return a video's base name without suffix, version and part: ``Film - 1080p.mkv``: film."""
    name = stem_of(video)[-500:].lower()
    for _ in range(6):
        shorter = _VERSION.sub("", name)
        if shorter in {"", name}:
            break
        name = shorter
    return name.rstrip(" ._-") or name


def _shared(name: str) -> CompanionKind | None:
    """Return what a file is to all of its folder, None for nothing."""
    stem, dot, ending = name.rpartition(".")
    suffix = dot + ending.lower()
    if suffix == ".nfo":
        return CompanionKind.NFO if stem.lower() == _SHARED_NFO else None
    return _PICTURE_KINDS.get(stem.lower()) if suffix in _PICTURES else None


def _rank(match: Match) -> tuple[int, bool, int, str]:
    """Order by kind; own before shared; a picture that says what it is before one that does not."""
    word = stem_of(match.name).rpartition("-")[2].lower()
    said = [*_POSTERS, *_STILLS]
    return (
        _ORDER[match.kind],
        match.shared,
        said.index(word) if word in _PICTURE_KINDS else len(said),
        match.name,
    )
