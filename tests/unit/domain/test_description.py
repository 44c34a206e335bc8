"""What sources say: tidied, merged, taken over unless a person has set it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from domain.errors import Invalid
from domain.ids import SeriesId
from domain.library.description import (
    Credit,
    CreditRole,
    Description,
    EpisodeMark,
    tidy,
)
from domain.library.series import series_of
from domain.library.storage_location import StorageLocation, StorageType
from domain.library.work import Work

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2026, 1, 2, tzinfo=UTC)


def work(new_id, **more):
    return Work(id=new_id(), title="Dawn", created_at=NOW, updated_at=NOW, **more)


def test_nonsense_costs_only_its_own_field():
    said = Description(
        title="  Dawn\x00 of\x1b things ",
        year=3000,
        rating=float("nan"),
        description="x" * 30_000,
        tags=("noir", "Noir", "", "y" * 200),
        credits=(Credit("", CreditRole.ACTOR), Credit("Ann", CreditRole.DIRECTOR)),
        external_ids={"IMDB": "tt1", "": "x", "tmdb": ""},
        episode=EpisodeMark(series="", season=1, episode=1),
    )
    kept = tidy(said, last_year=2031)
    assert kept.title == "Dawn of things"
    assert (kept.year, kept.rating, kept.episode) == (None, None, None)
    assert len(kept.description) == 20_000
    assert kept.tags == ("noir",)
    assert kept.credits == (Credit("Ann", CreditRole.DIRECTOR),)
    assert kept.director == "Ann"
    assert kept.external_ids == {"imdb": "tt1"}


def test_tidying_twice_changes_nothing():
    said = Description(title="Dawn", year=1999, rating=7.26, genres=("A", "B"))
    once = tidy(said, last_year=2031)
    assert tidy(once, last_year=2031) == once
    assert once.rating == 7.3


def test_gaps_are_filled_from_the_other_source():
    near = Description(title="Dawn", rating=0.0, external_ids={"imdb": "tt1"})
    far = Description(title="Dusk", year=1999, rating=8.0, external_ids={"imdb": "x", "tmdb": "2"})
    both = near.over(far)
    assert (both.title, both.year, both.rating) == ("Dawn", 1999, 0.0)
    assert both.external_ids == {"imdb": "tt1", "tmdb": "2"}


def test_what_a_person_has_set_no_source_changes(new_id):
    one = work(new_id)
    one.edit({"title": "My title", "rating": None}, unlock=frozenset(), at=NOW)
    said = Description(title="Other", rating=9.0, year=1999)
    assert one.take(said, at=LATER)
    assert (one.title, one.rating, one.year) == ("My title", None, 1999)
    assert not one.take(said, at=LATER)
    one.edit({}, unlock=frozenset({"title"}), at=LATER)
    assert one.take(said, at=LATER)
    assert one.title == "Other"
    assert one.locked == {"rating"}


def test_silence_takes_nothing_away(new_id):
    one = work(new_id, description="Long", tags=("noir",), year=1999)
    assert not one.take(Description(), at=LATER)
    assert (one.description, one.tags, one.year, one.updated_at) == ("Long", ("noir",), 1999, NOW)


def test_a_second_source_only_fills_gaps(new_id):
    one = work(new_id, external_ids={"imdb": "tt1"})
    said = Description(title="Other", year=1999, external_ids={"tmdb": "2"})
    assert one.fill(said, at=LATER)
    assert (one.title, one.year) == ("Dawn", 1999)
    assert one.external_ids == {"imdb": "tt1", "tmdb": "2"}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"title": ""}, "title"),
        ({"year": 1800}, "year"),
        ({"rating": 11.0}, "rating"),
        ({"tags": ("x" * 101,)}, "tags"),
        ({"genres": ("",)}, "genres"),
        ({"tags": tuple(map(str, range(101)))}, "tags"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_edit_names_the_field_and_changes_nothing(new_id, changes, field):
    one = work(new_id)
    before = replace(one)
    with pytest.raises(Invalid) as caught:
        one.edit({"director": "Ann", **changes}, unlock=frozenset(), at=LATER)
    assert caught.value.field == field
    assert one == before


def test_a_series_fills_its_gaps_from_its_episodes(new_id):
    mark = EpisodeMark(series="The Wire", season=1, episode=2)
    series = series_of(mark, SeriesId(new_id()), at=NOW)
    more = replace(mark, series_year=2002, series_external_ids={"tvdb": "1"})
    assert series.fill(more, at=LATER)
    assert (series.year, series.external_ids) == (2002, {"tvdb": "1"})
    assert not series.fill(more, at=LATER)
    assert mark.code == "S01E02"


@pytest.mark.parametrize(
    ("hours", "since", "due"), [(None, 1000, False), (24, 23, False), (24, 24, True)]
)
def test_a_schedule_is_due_so_long_after_the_last_scan(new_id, hours, since, due):
    location = StorageLocation(
        id=new_id(),
        name="disk",
        storage_type=StorageType.LOCAL,
        library_id=new_id(),
        created_at=NOW,
        scan_every_hours=hours,
    )
    later = NOW.fromtimestamp(NOW.timestamp() + since * 3600, UTC)
    assert location.is_scan_due(later) is due
    assert not replace(location, enabled=False).is_scan_due(later)
    with pytest.raises(Invalid):
        replace(location, scan_every_hours=0)
