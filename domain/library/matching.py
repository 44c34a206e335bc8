"""When two works are the same work."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domain.text import fold


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What matching looks at: one work with the fingerprints of its videos."""

    title: str
    year: int | None = None
    external_ids: Mapping[str, str]
    fingerprints: frozenset[str] = frozenset()  # "oshash:…", "sha256:…", "xxhash64:…"


def same_work(one: Traits, other: Traits) -> bool:
    """Tell whether two works are one.

    External ids decide first: a shared id with an equal value says yes, with another value no.
    Then equal fingerprints say yes. Then equal folded title *and* equal known year say yes.
    A null year never matches by title alone.
    """
    shared = one.external_ids.keys() & other.external_ids.keys()
    if shared:
        return all(one.external_ids[k] == other.external_ids[k] for k in shared)
    if one.fingerprints & other.fingerprints:
        return True
    return one.year is not None and one.year == other.year and fold(one.title) == fold(other.title)


def first_match(wanted: Traits, candidates: Iterable[tuple[object, Traits]]) -> object | None:
    """Return the key of the first candidate that is the same work, or None."""
    return next((key for key, traits in candidates if same_work(wanted, traits)), None)
