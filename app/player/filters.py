"""What a grid shows, read from its address and written back into one."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode
from uuid import UUID

from domain.ids import LibraryId
from domain.library.video import Availability
from ports.library.catalogue import SORTS, WorkFilter

SORT_NAMES = {
    "title": "Title",
    "-created_at": "Newest here",
    "-year": "Newest films",
    "year": "Oldest films",
    "-rating": "Best rated",
}
_MAX_TAG = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class GridFilter:
    """Order, conditions and place of a grid. What cannot be read counts as not asked."""

    sort: str
    where: WorkFilter
    after: str | None

    @property
    def is_narrowed(self) -> bool:
        """Whether any condition holds works back."""
        return self.where != WorkFilter()

    def address(self, **changes: str | None) -> str:
        """Return the query of this grid's address with ``changes``; None leaves a name out."""
        where = self.where
        names: dict[str, object] = {
            "sort": self.sort if self.sort != "title" else None,
            "library": where.library,
            "year": where.year,
            "tag": where.tag,
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
    return GridFilter(
        sort=sort if sort in SORTS else "title",
        where=WorkFilter(
            year=int(year) if year.isascii() and year.isdigit() and len(year) == 4 else None,
            tag=arguments.get("tag", "").strip()[:_MAX_TAG] or None,
            library=_library(arguments.get("library", "")),
            availability=Availability(availability) if availability in {*Availability} else None,
        ),
        after=arguments.get("after") or None,
    )


def _library(text: str) -> LibraryId | None:
    try:
        return LibraryId(UUID(text))
    except ValueError:
        return None
