"""When two works are the same work."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from domain.ids import LibraryId, LocationId, SeriesId
from domain.text import fold

K = TypeVar("K")

_NUMBERED_APART = frozenset({"tmdb", "tvdb"})

EpisodeKey = tuple[SeriesId, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What matching looks at: one work with the fingerprints and places of its videos.

    ``episode`` is (series, season, episode); None for a work that is no episode.
    """

    title: str
    year: int | None = None
    external_ids: Mapping[str, str]
    fingerprints: frozenset[str] = frozenset()  # "oshash:…", "sha256:…", "xxhash64:…"
    libraries: frozenset[LibraryId] = frozenset()
    locations: frozenset[LocationId] = frozenset()
    episode: EpisodeKey | None = None


def same_work(one: Traits, other: Traits) -> bool:
    """Tell whether two works are one.

    External ids decide first: a shared id with an equal value says yes, with another value no.
    Catalogues that number episodes and films apart tell nothing of an episode and a film. Of two
    episodes, the place in the series decides next. Then equal fingerprints say yes, unless the
    names contradict (see below). Then equal folded title *and* equal known year say yes, but an
    episode is no film. A null year never matches by title alone.

    Equal bytes under different names are one work only where both are in one library but in
    different locations. In one location somebody named the copies apart on purpose; across
    libraries the title of the one that was found first would be shown to readers of the other,
    who may not be meant to know it.
    """
    shared = one.external_ids.keys() & other.external_ids.keys()
    if (one.episode is None) != (other.episode is None):
        shared -= _NUMBERED_APART
    if shared:
        return all(one.external_ids[k] == other.external_ids[k] for k in shared)
    if one.episode is not None and other.episode is not None:
        return one.episode == other.episode
    same_title = fold(one.title) == fold(other.title)
    if one.fingerprints & other.fingerprints:
        apart = not one.locations & other.locations
        return same_title or (apart and bool(one.libraries & other.libraries))
    kinds_agree = one.episode == other.episode
    return kinds_agree and same_title and one.year is not None and one.year == other.year


def first_match(wanted: Traits, candidates: Iterable[tuple[K, Traits]]) -> K | None:
    """Return the key of the first candidate that is the same work, or None."""
    return next((key for key, traits in candidates if same_work(wanted, traits)), None)
