"""When two works are the same work."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from domain.ids import LibraryId, LocationId
from domain.text import fold

K = TypeVar("K")


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What matching looks at: one work with the fingerprints and places of its videos."""

    title: str
    year: int | None = None
    external_ids: Mapping[str, str]
    fingerprints: frozenset[str] = frozenset()  # "oshash:…", "sha256:…", "xxhash64:…"
    libraries: frozenset[LibraryId] = frozenset()
    locations: frozenset[LocationId] = frozenset()


def same_work(one: Traits, other: Traits) -> bool:
    """Tell whether two works are one.

    External ids decide first: a shared id with an equal value says yes, with another value no.
    Then equal fingerprints say yes, unless the names contradict (see below). Then equal folded
    title *and* equal known year say yes. A null year never matches by title alone.

    Equal bytes under different names are one work only where both are in one library but in
    different locations. In one location somebody named the copies apart on purpose; across
    libraries the title of the one that was found first would be shown to readers of the other,
    who may not be meant to know it.
    """
    shared = one.external_ids.keys() & other.external_ids.keys()
    if shared:
        return all(one.external_ids[k] == other.external_ids[k] for k in shared)
    same_title = fold(one.title) == fold(other.title)
    if one.fingerprints & other.fingerprints:
        apart = not one.locations & other.locations
        return same_title or (apart and bool(one.libraries & other.libraries))
    return same_title and one.year is not None and one.year == other.year


def first_match(wanted: Traits, candidates: Iterable[tuple[K, Traits]]) -> K | None:
    """Return the key of the first candidate that is the same work, or None."""
    return next((key for key, traits in candidates if same_work(wanted, traits)), None)
