"""A work: what people think of as a film, an episode, a talk."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from math import isfinite
from typing import Any

from domain.errors import Invalid, NotFound
from domain.ids import ConnectionId, SeriesId, WorkId
from domain.library.description import (
    FIRST_YEAR,
    MAX_DESCRIPTION,
    MAX_DIRECTOR,
    MAX_EPISODE,
    MAX_GENRES,
    MAX_SEASON,
    MAX_TAG,
    MAX_TAGS,
    MAX_TITLE,
    YEARS_AHEAD,
    Credit,
    Description,
    episode_code,
)
from domain.library.editing import MergeRefused, NotOurs, checked_changes
from domain.text import clean

MAX_AGE = 21

# What a person may set by hand; a set field is locked: no scan changes it any more.
LOCKABLE = (
    "title", "year", "description", "director", "rating", "content_rating", "tags", "genres",
    "credits", "external_ids", "poster",
)  # fmt: skip
_SAID = tuple(name for name in LOCKABLE if name != "poster")

# Scales of several countries, mapped to the age from which a work is meant.
_AGES: Mapping[str, int] = {
    "g": 0, "u": 0, "tv-y": 0, "tv-g": 0, "0": 0, "fsk 0": 0, "approved": 0,
    "pg": 8, "tv-y7": 7, "tv-pg": 8, "6": 6, "fsk 6": 6, "7": 7,
    "pg-13": 13, "tv-14": 14, "12": 12, "12a": 12, "fsk 12": 12, "14": 14,
    "15": 15, "16": 16, "fsk 16": 16, "r": 17, "tv-ma": 17,
    "18": 18, "fsk 18": 18, "nc-17": 18, "x": 18, "r18": 18,
}  # fmt: skip


class WorkNotFound(NotFound):
    """No work has this id, as far as the caller may know."""

    code = "work.not-found"
    title = "No such work"


@dataclass(slots=True, kw_only=True)
class Work:
    """Title and facts of one work; its videos are entities of their own.

    ``connection_id`` and ``remote_id`` name the peer a work was learnt from; both are None for
    this node's own works. Only the peer that a work came from may change its fields.
    ``merged_into`` hides a work behind another that it was found equal to: its videos are then
    shown there. Clearing the field undoes the merge without loss.
    ``locked`` names the fields that a person has set. ``poster`` is the digest of the upright
    picture that is kept for the work, empty where there is none. An episode names its series.
    """

    id: WorkId
    title: str
    created_at: datetime
    updated_at: datetime
    year: int | None = None
    description: str = ""
    director: str = ""
    rating: float | None = None
    content_rating: str | None = None
    tags: tuple[str, ...] = ()
    external_ids: Mapping[str, str] = field(default_factory=dict)
    genres: tuple[str, ...] = ()
    credits: tuple[Credit, ...] = ()
    series_id: SeriesId | None = None
    season: int | None = None
    episode: int | None = None
    poster: str = ""
    locked: frozenset[str] = frozenset()
    organized: bool = False
    connection_id: ConnectionId | None = None
    remote_id: str | None = None
    merged_into: WorkId | None = None
    version: int = 0

    def __post_init__(self) -> None:
        self.title = clean(self.title, field="title", max_length=MAX_TITLE, min_length=1)
        self.description = clean(self.description, field="description", max_length=MAX_DESCRIPTION)
        self.director = clean(self.director, field="director", max_length=MAX_DIRECTOR)
        self.rating = check_rating(self.rating)
        self.tags = _labels(self.tags, field="tags", most=MAX_TAGS)
        self.genres = _labels(self.genres, field="genres", most=MAX_GENRES)
        for name, value, most in (
            ("season", self.season, MAX_SEASON),
            ("episode", self.episode, MAX_EPISODE),
        ):
            if value is not None and not 0 <= value <= most:
                raise Invalid(f"{name} takes 0 to {most}", field=name)
        if unknown := self.locked - set(LOCKABLE):
            raise Invalid(f"no such field: {', '.join(sorted(unknown))}", field="locked")

    @property
    def episode_code(self) -> str:
        """Season and episode as people write them (``S01E02``), empty where not both are known."""
        if self.season is None or self.episode is None:
            return ""
        return episode_code(self.season, self.episode)

    @property
    def episode_key(self) -> tuple[SeriesId, int, int] | None:
        """Which episode of which series this is, or None for another kind of work."""
        if self.series_id is None:
            return None
        return self.series_id, self.season or 0, self.episode or 0

    def take(self, said: Description, *, at: datetime) -> bool:
        """Take over what a source says, but for what a person has set; tell whether it was news.

        Args:
            said: tidied; what it does not say stays as it is.
            at: now.
        """
        return self._change(said, {name for name in _SAID if name not in self.locked}, at)

    def fill(self, said: Description, *, at: datetime) -> bool:
        """Take over only what nobody has said yet; tell whether it was news."""
        empty = {name for name in _SAID if not getattr(self, name) or name == "external_ids"}
        return self._change(said, empty - self.locked, at)

    def edit(self, changes: Mapping[str, Any], *, unlock: frozenset[str], at: datetime) -> None:
        """Set fields by hand and lock them; ``unlock`` gives fields back to the scans.

        Raises:
            NotOurs: the work was learnt from a peer.
            Invalid: naming the field; the work is unchanged then.
        """
        if unknown := (changes.keys() | unlock) - set(LOCKABLE):
            raise Invalid(f"no such field: {', '.join(sorted(unknown))}", field=min(unknown))
        self.require_ours()
        if "year" in changes:
            check_year(changes["year"], today=at)
        changed = replace(
            self,
            **checked_changes(changes),
            locked=(self.locked | changes.keys()) - unlock,
            organized=True,
            updated_at=at,
        )
        for one in fields(self):
            setattr(self, one.name, getattr(changed, one.name))

    def require_ours(self) -> None:
        """Raise NotOurs where the work was learnt from a peer."""
        if self.connection_id is not None:
            raise NotOurs("It was learnt from another node, and only that node changes it.")

    def merge_into(self, other: "Work", *, at: datetime) -> None:
        """Hide this work behind ``other``, where its videos are shown from now on.

        An own work is never hidden behind a learnt one: peers of ours, who see no learnt works,
        would lose sight of it.

        Raises:
            MergeRefused: also where one of the two is hidden behind another already.
        """
        if other.id == self.id:
            raise MergeRefused("A work cannot be merged into itself.")
        if self.merged_into is not None or other.merged_into is not None:
            raise MergeRefused("One of the two is merged into another work already.")
        if self.connection_id is None and other.connection_id is not None:
            raise MergeRefused(
                "A work of this node cannot go into one of another node. Merge them the other way."
            )
        self.merged_into, self.updated_at = other.id, at

    def undo_merge(self, *, at: datetime) -> None:
        """Show this work on its own again; raises MergeRefused where it is not hidden."""
        if self.merged_into is None:
            raise MergeRefused("The work is not merged into another.")
        self.merged_into, self.updated_at = None, at

    def _change(self, said: Description, names: set[str], at: datetime) -> bool:
        news = False
        for name in names:
            value = getattr(said, name)
            if name == "external_ids":
                value = {**self.external_ids, **value}
            if value in (None, "", (), {}) or value == getattr(self, name):
                continue
            setattr(self, name, value)
            news = True
        if news:
            self.updated_at = at
        return news


def _labels(texts: tuple[str, ...], *, field: str, most: int) -> tuple[str, ...]:
    if len(texts) > most:
        raise Invalid(f"{field} takes at most {most}", field=field)
    return tuple(clean(text, field=field, max_length=MAX_TAG, min_length=1) for text in texts)


def check_year(year: int | None, *, today: datetime) -> int | None:
    """Return ``year`` if a film of that year can exist: 1870 to five years from now."""
    if year is not None and not FIRST_YEAR <= year <= today.year + YEARS_AHEAD:
        raise Invalid(
            f"year takes {FIRST_YEAR} to {today.year + YEARS_AHEAD}, not {year}", field="year"
        )
    return year


def check_rating(rating: float | None) -> float | None:
    """Return ``rating`` with one decimal; refuse what is not a number from 0 to 10."""
    if rating is None:
        return None
    if not isfinite(rating) or not 0 <= rating <= 10:
        raise Invalid("rating takes a number from 0 to 10", field="rating")
    return round(rating, 1)


def age_of(content_rating: str | None) -> int | None:
    """Return the age in years (0 to 21) that a content rating stands for.

    An unknown scale counts as the highest age, so that a policy by age errs on the safe side;
    None stays None: nobody rated the work.
    """
    if content_rating is None or not content_rating.strip():
        return None
    return _AGES.get(content_rating.strip().lower(), MAX_AGE)
