"""What a grid shows, read from its address and written back into one."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode
from uuid import UUID

from domain.ids import LibraryId
from domain.library.video import Availability
from ports.library.catalogue import SORTS, WorkFilter, WorkKind

SORT_NAMES = {
    "title": "Title",
    "-created_at": "Newest here",
    "-year": "Newest films",
    "year": "Oldest films",
    "-rating": "Best rated",
}
KIND_NAMES = {"film": "Films", "episode": "Episodes", "all": "Films and episodes"}
RATINGS = (5, 6, 7, 8, 9)
_MAX_TERM = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class GridFilter:
    """Order, conditions and place of a grid. What cannot be read counts as not asked."""

    sort: str
    where: WorkFilter
    after: str | None
    kind: str = ""  # as it was asked for; empty where it follows from the rest

    @property
    def is_narrowed(self) -> bool:
        """Whether any condition holds works back, beside that episodes are listed by series."""
        return bool(self.kind) or replace(self.where, kind=None) != WorkFilter()

    @property
    def shown_kind(self) -> str:
        """The kind as a form shows it."""
        return str(self.where.kind or "all")

    def address(self, **changes: str | None) -> str:
        """Return the query of this grid's address with ``changes``; None leaves a name out."""
        where = self.where
        names: dict[str, object] = {
            "sort": self.sort if self.sort != "title" else None,
            "library": where.library,
            "year": where.year,
            "tag": where.tag,
            "genre": where.genre,
            "person": where.person,
            "min_rating": None if where.min_rating is None else f"{where.min_rating:g}",
            "kind": self.kind or None,
            "availability": where.availability,
            "after": self.after,
        }
        kept = {k: str(v) for k, v in {**names, **changes}.items() if v is not None}
        return f"?{urlencode(kept)}" if kept else "?"


def read_filter(arguments: Mapping[str, str]) -> GridFilter:
    """Read a grid's address."""
    sort = arguments.get("sort", "title")
    year = arguments.get("year", "")
    availability = arguments.get("availability", "")
    tag, genre, person = (_term(arguments, name) for name in ("tag", "genre", "person"))
    kind = arguments.get("kind", "")
    return GridFilter(
        sort=sort if sort in SORTS else "title",
        where=WorkFilter(
            year=int(year) if year.isascii() and year.isdigit() and len(year) == 4 else None,
            tag=tag,
            genre=genre,
            person=person,
            min_rating=_rating(arguments.get("min_rating", "")),
            library=_library(arguments.get("library", "")),
            availability=Availability(availability) if availability in {*Availability} else None,
            kind=_kind(kind, is_looked_up=bool(tag or genre or person)),
        ),
        after=arguments.get("after") or None,
        kind=kind if kind in KIND_NAMES else "",
    )


def _kind(asked: str, *, is_looked_up: bool) -> WorkKind | None:
    """Return the kind that was asked for: films, unless somebody looks for a name."""
    if asked in {*WorkKind}:
        return WorkKind(asked)
    return None if asked == "all" or is_looked_up else WorkKind.FILM


def _term(arguments: Mapping[str, str], name: str) -> str | None:
    return arguments.get(name, "").strip()[:_MAX_TERM] or None


def _rating(text: str) -> float | None:
    is_rating = text in {"10", *map(str, range(1, 10))}
    return float(text) if is_rating else None


def _library(text: str) -> LibraryId | None:
    try:
        return LibraryId(UUID(text))
    except ValueError:
        return None
