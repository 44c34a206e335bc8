"""A series: what episodes belong to. Seasons are numbers of episodes and need no rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from domain.errors import Invalid, NotFound
from domain.ids import SeriesId
from domain.library.description import MAX_DESCRIPTION, MAX_TITLE, EpisodeMark
from domain.library.editing import checked_changes
from domain.library.work import check_year
from domain.text import clean, fold

LOCKABLE = ("title", "year", "description", "external_ids", "poster")


class SeriesNotFound(NotFound):
    """No series has this id, as far as the caller may know."""

    code = "series.not-found"
    title = "No such series"


@dataclass(slots=True, kw_only=True)
class Series:
    """Title and facts of a series; its episodes are works that name it.

    ``locked`` and ``poster`` are as a work has them.
    """

    id: SeriesId
    title: str
    created_at: datetime
    updated_at: datetime
    year: int | None = None
    description: str = ""
    external_ids: Mapping[str, str] = field(default_factory=dict)
    poster: str = ""
    locked: frozenset[str] = frozenset()
    version: int = 0

    def __post_init__(self) -> None:
        self.title = clean(self.title, field="title", max_length=MAX_TITLE, min_length=1)
        self.description = clean(self.description, field="description", max_length=MAX_DESCRIPTION)
        if unknown := self.locked - set(LOCKABLE):
            raise Invalid(f"no such field: {', '.join(sorted(unknown))}", field="locked")

    def is_meant_by(self, mark: EpisodeMark) -> bool:
        """Tell whether an episode's mark means this series.

        A shared external id decides; else the folded titles are equal and no year contradicts.
        """
        shared = self.external_ids.keys() & mark.series_external_ids.keys()
        if shared:
            return all(self.external_ids[k] == mark.series_external_ids[k] for k in shared)
        years_agree = None in (self.year, mark.series_year) or self.year == mark.series_year
        return fold(self.title) == fold(mark.series) and years_agree

    def edit(self, changes: Mapping[str, Any], *, unlock: frozenset[str], at: datetime) -> None:
        """Set fields by hand and lock them; ``unlock`` gives fields back to the scans.

        Raises:
            Invalid: naming the field; the series is unchanged then.
        """
        if unknown := (changes.keys() | unlock) - set(LOCKABLE):
            raise Invalid(f"no such field: {', '.join(sorted(unknown))}", field=min(unknown))
        if "year" in changes:
            check_year(changes["year"], today=at)
        changed = replace(
            self,
            **checked_changes(changes),
            locked=(self.locked | changes.keys()) - unlock,
            updated_at=at,
        )
        for one in fields(self):
            setattr(self, one.name, getattr(changed, one.name))

    def fill(self, mark: EpisodeMark, *, at: datetime) -> bool:
        """Take over what an episode's source says of the series and nobody has said yet."""
        news = False
        if self.year is None and mark.series_year is not None and "year" not in self.locked:
            self.year, news = mark.series_year, True
        ids = {**mark.series_external_ids, **self.external_ids}
        if ids != self.external_ids and "external_ids" not in self.locked:
            self.external_ids, news = ids, True
        if not self.description and mark.series_description and "description" not in self.locked:
            self.description, news = mark.series_description, True
        if news:
            self.updated_at = at
        return news


def series_of(mark: EpisodeMark, series_id: SeriesId, *, at: datetime) -> Series:
    """Make the series that an episode's (tidied) mark names."""
    return Series(
        id=series_id,
        title=mark.series,
        created_at=at,
        updated_at=at,
        year=check_year(mark.series_year, today=at),
        description=mark.series_description,
        external_ids=dict(mark.series_external_ids),
    )
