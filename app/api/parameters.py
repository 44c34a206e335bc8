"""Reading query parameters: strictly, naming the one that is wrong.

A wrong parameter is answered with 400. Parameters that nobody knows are ignored, so that newer
callers work with older nodes.
"""

import re
from dataclasses import dataclass
from uuid import UUID

from werkzeug.datastructures import MultiDict

from app.api.problems import Malformed
from domain.errors import Invalid
from domain.ids import LibraryId, SeriesId
from domain.library.description import MAX_NAME, MAX_SEASON, MAX_TAG
from domain.library.video import Availability
from ports.library.catalogue import SORTS, WorkFilter, WorkKind

MAX_PER_PAGE = 200
MAX_PAGE = 1_000_000_000
MAX_QUERY = 200
MAX_CURSOR = 1000
FILTERS = (
    "year", "tag", "genre", "person", "library", "availability", "min_rating", "series", "season",
    "kind",
)  # fmt: skip
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_RATING = re.compile(r"10(\.0)?|[0-9](\.[0-9])?", re.ASCII)
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")

Arguments = MultiDict[str, str]


class QueryTooLong(Invalid):
    """Nobody types that many characters to find a film."""

    code = "query.too-long"
    title = f"A query takes at most {MAX_QUERY} characters"


@dataclass(frozen=True, slots=True)
class Paging:
    """Which numbered page, of how many items each; both 1 or more."""

    page: int
    per_page: int

    def total_pages(self, total_count: int) -> int:
        """Return how many pages ``total_count`` items take; 0 for none."""
        return -(-total_count // self.per_page)


def single(args: Arguments, name: str) -> str | None:
    """Return the parameter, or None where it is absent.

    Raises:
        Malformed: it is there more than once.
    """
    values = args.getlist(name)
    if len(values) > 1:
        raise Malformed(f"{name} may be given once", field=name)
    return values[0] if values else None


def number(args: Arguments, name: str, *, default: int, cap: int) -> int:
    """Return a number of 1 or more, written in plain digits; above ``cap`` it is the cap.

    Raises:
        Malformed: a sign, a blank, another character, 0, or given twice.
    """
    text = single(args, name)
    if text is None:
        return default
    if not _DIGITS.fullmatch(text) or not text.strip("0"):
        raise Malformed(f"{name} takes a number of 1 or more in plain digits", field=name)
    digits = text.lstrip("0")
    return cap if len(digits) > len(str(cap)) else min(int(digits), cap)


def paging(args: Arguments, *, per_page: int) -> Paging:
    """Return ``page`` and ``per_page``, with ``per_page`` as the default of the latter."""
    return Paging(
        page=number(args, "page", default=1, cap=MAX_PAGE),
        per_page=number(args, "per_page", default=per_page, cap=MAX_PER_PAGE),
    )


def cursor(args: Arguments) -> str | None:
    """Return ``after``; an empty one is the start of the walk.

    Raises:
        Malformed: too long to be one of ours, or given beside ``page``.
    """
    text = single(args, "after")
    if text is None:
        return None
    if "page" in args:
        raise Malformed("page and after exclude each other", field="after")
    if len(text) > MAX_CURSOR or not text.isascii() or not text.isprintable():
        raise Malformed("after takes what a Link header gave", field="after")
    return text


def sort(args: Arguments) -> str:
    """Return the order: a field of ``SORTS``, a minus before it turns it round."""
    text = single(args, "sort")
    if text is None:
        return "title"
    if text not in SORTS:
        raise Malformed(f"sort takes one of {', '.join(SORTS)}", field="sort")
    return text


def work_filter(args: Arguments) -> WorkFilter:
    """Return the conditions of ``filter``: ``name:value`` pairs between commas, all must hold.

    ``filter=year:1999,tag:noir,min_rating:7.5,availability:available,library:<id>``, and ``genre``,
    ``person``, ``series`` (an id), ``season``, ``kind``. A comma or a backslash inside a value is
    written behind a backslash.
    """
    text = single(args, "filter")
    if text is None or not text:
        return WorkFilter()
    wanted: dict[str, str] = {}
    for condition in _split(text):
        name, colon, value = condition.partition(":")
        if not colon or not value or name in wanted:
            raise Malformed("filter takes name:value pairs between commas", field="filter")
        wanted[name] = value
    if wanted.keys() - set(FILTERS):
        known = f"{', '.join(FILTERS[:-1])} and {FILTERS[-1]}"
        raise Malformed(f"filter knows {known}", field="filter")
    return WorkFilter(
        year=_year(wanted.get("year")),
        tag=_name(wanted.get("tag"), "tag", MAX_TAG),
        library=_library(wanted.get("library")),
        availability=_availability(wanted.get("availability")),
        min_rating=_min_rating(wanted.get("min_rating")),
        genre=_name(wanted.get("genre"), "genre", MAX_TAG),
        person=_name(wanted.get("person"), "person", MAX_NAME),
        series=_series(wanted.get("series")),
        season=_season(wanted.get("season")),
        kind=_kind(wanted.get("kind")),
    )


def search_query(args: Arguments) -> str:
    """Return what to search for; blank where nothing was asked.

    Raises:
        Malformed: given twice.
        QueryTooLong: over 200 characters.
    """
    text = single(args, "query") or ""
    if len(text) > MAX_QUERY:
        raise QueryTooLong(field="query")
    return _UNPRINTABLE.sub(" ", text).strip()


def _split(text: str) -> list[str]:
    """Split at commas; a backslash takes the next character as it is."""
    parts, characters = [""], iter(text)
    for character in characters:
        if character == ",":
            parts.append("")
        else:
            parts[-1] += next(characters, "\\") if character == "\\" else character
    return parts


def _year(text: str | None) -> int | None:
    if text is None:
        return None
    if not _DIGITS.fullmatch(text) or len(text) > 4:
        raise Malformed("year takes a number like 1999", field="filter")
    return int(text)


def _name(text: str | None, name: str, most: int) -> str | None:
    if text is not None and (len(text) > most or _UNPRINTABLE.search(text)):
        raise Malformed(f"{name} takes up to {most} characters", field="filter")
    return text


def _library(text: str | None) -> LibraryId | None:
    if text is None:
        return None
    try:
        return LibraryId(UUID(text))
    except ValueError:
        raise Malformed("library takes the id of a library", field="filter") from None


def _availability(text: str | None) -> Availability | None:
    shown = (Availability.AVAILABLE, Availability.OFFLINE)
    if text is not None and text not in shown:
        raise Malformed("availability takes available or offline", field="filter")
    return None if text is None else Availability(text)


def _min_rating(text: str | None) -> float | None:
    if text is not None and not _RATING.fullmatch(text):
        raise Malformed("min_rating takes a number from 0 to 10", field="filter")
    return None if text is None else float(text)


def _series(text: str | None) -> SeriesId | None:
    if text is None:
        return None
    try:
        return SeriesId(UUID(text))
    except ValueError:
        raise Malformed("series takes the id of a series", field="filter") from None


def _season(text: str | None) -> int | None:
    if text is None:
        return None
    if not _DIGITS.fullmatch(text) or len(text) > 5 or int(text) > MAX_SEASON:
        raise Malformed(f"season takes a number from 0 to {MAX_SEASON}", field="filter")
    return int(text)


def _kind(text: str | None) -> WorkKind | None:
    if text is not None and text not in set(WorkKind):
        raise Malformed("kind takes film or episode", field="filter")
    return None if text is None else WorkKind(text)
