"""What a source says of a work: a Jellyfin server, an NFO file, a feed, the names of files.

A source may say nonsense. ``tidy`` keeps what can be kept and drops the rest field by field, so
that one impossible year does not cost a film its title.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum

from domain.text import fold

MAX_TITLE = 500
MAX_DESCRIPTION = 20_000
MAX_DIRECTOR = 300
MAX_TAG = 100
MAX_TAGS = 100
MAX_GENRES = 50
MAX_CREDITS = 200
MAX_NAME = 200
MAX_EXTERNAL_IDS = 30
MAX_SEASON = 10_000
MAX_EPISODE = 100_000
FIRST_YEAR = 1870
YEARS_AHEAD = 5


class CreditRole(StrEnum):
    """What somebody did in a work."""

    ACTOR = "actor"
    DIRECTOR = "director"
    WRITER = "writer"
    PRODUCER = "producer"
    COMPOSER = "composer"
    GUEST = "guest"


@dataclass(frozen=True, slots=True)
class Credit:
    """Somebody who took part in a work; ``character`` is whom an actor plays."""

    name: str
    role: CreditRole
    character: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeMark:
    """Which episode of which series a work is. Season 0 holds the specials."""

    series: str  # the title of the series
    season: int
    episode: int
    series_year: int | None = None
    series_external_ids: Mapping[str, str] = field(default_factory=dict)
    series_description: str = ""

    @property
    def code(self) -> str:
        """The mark as people write it: ``S01E02``."""
        return episode_code(self.season, self.episode)

    def work_title(self, episode_title: str) -> str:
        """Return what the work is called: ``The Wire S01E02 The Detail``.

        It says everything by itself: in lists, in search, and on nodes that know no series.
        """
        title = f"{self.series} {self.code}"
        more = "" if self.code in episode_title.upper() else episode_title
        return f"{title} {more}".strip()[:MAX_TITLE].strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """Fields of a work as one source has them; what it does not know is empty or None."""

    title: str = ""
    year: int | None = None
    description: str = ""
    director: str = ""
    rating: float | None = None
    content_rating: str | None = None
    tags: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    credits: tuple[Credit, ...] = ()
    external_ids: Mapping[str, str] = field(default_factory=dict)
    episode: EpisodeMark | None = None

    def over(self, other: "Description") -> "Description":
        """Return this description, its gaps filled from ``other``; ids of both are kept."""
        filled = {
            one.name: getattr(self, one.name) or getattr(other, one.name)
            for one in fields(self)
            if one.name not in {"external_ids", "year", "rating"}
        }
        return Description(
            **filled,
            year=self.year if self.year is not None else other.year,
            rating=self.rating if self.rating is not None else other.rating,
            external_ids={**other.external_ids, **self.external_ids},
        )


NOTHING_SAID = Description()


def episode_code(season: int, episode: int) -> str:
    """Write season and episode as people do: ``S01E02``."""
    return f"S{season:02}E{episode:02}"


def tidy(said: Description, *, last_year: int) -> Description:
    """Return what of a description can be kept: bounded, cleaned, without doubles.

    Args:
        said: as a source has it.
        last_year: the latest year a work can have.
    """
    directors = [one.name for one in said.credits if one.role is CreditRole.DIRECTOR]
    return Description(
        title=_text(said.title, MAX_TITLE),
        year=_year(said.year, last_year),
        description=_lines(said.description, MAX_DESCRIPTION),
        director=_text(said.director, MAX_DIRECTOR) or _text(", ".join(directors), MAX_DIRECTOR),
        rating=_rating(said.rating),
        content_rating=_text(said.content_rating or "", MAX_TAG) or None,
        tags=_words(said.tags, MAX_TAGS),
        genres=_words(said.genres, MAX_GENRES),
        credits=_credits(said.credits),
        external_ids=_ids(said.external_ids),
        episode=_episode(said.episode, last_year),
    )


def tidy_words(texts: Iterable[str], *, most: int) -> tuple[str, ...]:
    """Return tags or genres without blanks, doubles (by folded text) and what is too long."""
    return _words(texts, most)


def _words(texts: Iterable[str], most: int) -> tuple[str, ...]:
    kept: dict[str, str] = {}
    for text in texts:
        word = _text(text, MAX_TAG)
        if word and len(text.strip()) <= MAX_TAG:
            kept.setdefault(fold(word), word)
    return tuple(list(kept.values())[:most])


def _credits(people: Iterable[Credit]) -> tuple[Credit, ...]:
    kept: dict[tuple[str, CreditRole], Credit] = {}
    for one in people:
        name = _text(one.name, MAX_NAME)
        if name:
            plain = Credit(name, one.role, _text(one.character, MAX_NAME))
            kept.setdefault((fold(name), one.role), plain)
    return tuple(list(kept.values())[:MAX_CREDITS])


def _ids(ids: Mapping[str, str]) -> Mapping[str, str]:
    kept: dict[str, str] = {}
    for name, value in ids.items():
        key, text = _text(name, MAX_TAG).lower(), _text(value, MAX_TAG)
        if key and text and len(kept) < MAX_EXTERNAL_IDS:
            kept[key] = text
    return kept


def _episode(mark: EpisodeMark | None, last_year: int) -> EpisodeMark | None:
    if mark is None:
        return None
    series = _text(mark.series, MAX_TITLE)
    if not series or not 0 <= mark.season <= MAX_SEASON or not 0 <= mark.episode <= MAX_EPISODE:
        return None
    return replace(
        mark,
        series=series,
        series_year=_year(mark.series_year, last_year),
        series_external_ids=_ids(mark.series_external_ids),
        series_description=_lines(mark.series_description, MAX_DESCRIPTION),
    )


def _year(year: int | None, last_year: int) -> int | None:
    return year if year is not None and FIRST_YEAR <= year <= last_year else None


def _rating(rating: float | None) -> float | None:
    in_range = rating is not None and 0 <= rating <= 10
    return round(rating, 1) if rating is not None and in_range else None


def _text(text: str, most: int) -> str:
    """Return ``text`` on one line as it can be kept."""
    return " ".join(_lines(text, 2 * most).split())[:most].strip()


def _lines(text: str, most: int) -> str:
    """Return ``text`` as it can be kept; blanks stand for characters that cannot be shown."""
    if not text.isprintable():
        kept = "".join(c if c.isprintable() or c in "\n\t" else " " for c in text)
        text = kept.encode("utf-8", "ignore").decode()
    return unicodedata.normalize("NFC", text.strip())[:most].strip()
