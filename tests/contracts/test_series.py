"""Series, the works that were merged, and videos that change their work."""

from dataclasses import replace

import pytest

from domain.errors import StaleWrite
from domain.ids import SeriesId, WorkId
from domain.library.description import Credit, CreditRole, EpisodeMark
from domain.library.matching import Traits
from domain.library.series import SeriesNotFound, series_of
from domain.library.subtitles import SubtitleTrack
from domain.library.video import PictureKind, PictureSource, VideoNotFound
from domain.library.work import WorkNotFound

MARK = EpisodeMark(series="The Wire", season=1, episode=2)


def add_series(rows, new_id, **more):
    series = series_of(replace(MARK, **more), SeriesId(new_id()), at=rows.clock.now())
    rows.in_one(lambda tx: tx.series.add(series))
    return series


def test_a_series_is_kept_as_it_is(rows, backend, new_id):
    series = add_series(rows, new_id, series_year=2002, series_external_ids={"tvdb": "79126"})
    with backend.read_only() as tx:
        assert tx.series.get(series.id) == series
        with pytest.raises(SeriesNotFound):
            tx.series.get(SeriesId(new_id()))


@pytest.mark.parametrize(
    ("mark", "found"),
    [
        ({"series": "THE  wire"}, True),
        ({"series": "The Wire", "series_year": 2002}, True),
        ({"series": "The Wire", "series_year": 1999}, False),
        ({"series": "Another"}, False),
        ({"series": "Sous écoute", "series_external_ids": {"tvdb": "79126"}}, True),
        ({"series": "The Wire", "series_external_ids": {"tvdb": "1"}}, False),
    ],
)
def test_a_series_is_found_by_what_an_episode_says(rows, backend, new_id, mark, found):
    series = add_series(rows, new_id, series_year=2002, series_external_ids={"tvdb": "79126"})
    with backend.read_only() as tx:
        there = tx.series.find(replace(MARK, **mark))
    assert (there == series) is found


def test_a_series_is_saved_once_a_version(rows, backend, new_id):
    series = add_series(rows, new_id)
    rows.in_one(lambda tx: tx.series.save(replace(series, title="Le fil")))
    with backend.read_only() as tx:
        assert tx.series.get(series.id).title == "Le fil"
    with pytest.raises(StaleWrite):
        rows.in_one(lambda tx: tx.series.save(replace(series, title="Other")))


def test_everything_that_describes_a_work_is_kept(rows, backend, new_id):
    series = add_series(rows, new_id)
    work = rows.new_work(
        genres=("Drama", "Crime"),
        credits=(Credit("Dominic West", CreditRole.ACTOR, "McNulty"),),
        series_id=series.id,
        season=1,
        episode=2,
        poster="0123abcd",
        locked=frozenset({"title", "genres"}),
    )
    rows.in_one(lambda tx: tx.works.add(work))
    with backend.read_only() as tx:
        assert tx.works.get(work.id) == work


def test_subtitles_and_extras_of_a_video_are_kept(rows, backend):
    tracks = (
        SubtitleTrack(format="subrip", language="de", title="Forced", forced=True, stream=3),
        SubtitleTrack(format="webvtt", locator="film.en.vtt", hearing_impaired=True),
    )
    location = rows.location()
    _, video = rows.film(location, video={"subtitles": tracks, "extras": "abc"})
    with backend.read_only() as tx:
        assert tx.videos.get(video.id).subtitles == tracks
        assert tx.scans.known(location.id, [video.locator])[video.locator].extras == "abc"


def test_the_works_merged_into_one_are_listed(rows, backend):
    location = rows.location()
    one, _ = rows.film(location, "One")
    two, _ = rows.film(location, "Two")
    rows.in_one(lambda tx: tx.works.save(replace(two, merged_into=one.id)))
    with backend.read_only() as tx:
        assert [work.id for work in tx.works.merged(one.id)] == [two.id]
        assert tx.works.merged(two.id) == []


def test_a_video_moves_to_another_work(rows, backend, new_id):
    location = rows.location()
    one, first = rows.film(location, "One")
    second = rows.second_video(one, location)
    other = rows.new_work("Other")
    rows.in_one(lambda tx: (tx.works.add(other), tx.videos.move(second.id, other.id)))
    with backend.read_only() as tx:
        assert [video.id for video in tx.videos.of(one.id)] == [first.id]
        assert [video.id for video in tx.videos.of(other.id)] == [second.id]
    for bad in (
        lambda tx: tx.videos.move(new_id(), other.id),
        lambda tx: tx.videos.move(first.id, WorkId(new_id())),
    ):
        with pytest.raises((VideoNotFound, WorkNotFound)):
            rows.in_one(bad)


def test_what_is_missing_remembers_since_when(rows, backend, clock):
    location = rows.location()
    _, video = rows.film(location)
    since = clock.now()
    rows.in_one(lambda tx: tx.scans.set_missing([video.id], since))
    clock.forward(days=1)
    rows.in_one(lambda tx: tx.scans.set_missing([video.id], clock.now()))
    with backend.read_only() as tx:
        found = tx.videos.get(video.id)
    assert (found.availability, found.missing_since) == ("offline", since)
    for back in ("available", "gone"):
        rows.mark(video, availability=back)
        with backend.read_only() as tx:
            assert tx.videos.get(video.id).missing_since is None


def test_the_same_episode_is_a_candidate_whatever_its_title(rows, backend, new_id):
    series = add_series(rows, new_id)
    place = {"series_id": series.id, "season": 1, "episode": 2}
    work, _ = rows.film(rows.location(), "Anfang", **place)
    rows.film(rows.location(), "Ende", **(place | {"episode": 3}))
    wanted = Traits(title="Pilot", external_ids={}, episode=(series.id, 1, 2))
    with backend.read_only() as tx:
        found = tx.scans.candidates([wanted])
    assert [(key, traits.episode) for key, traits in found] == [(work.id, (series.id, 1, 2))]


def test_videos_whose_poster_is_wanted_name_whose_it_is(rows, backend, new_id):
    series = add_series(rows, new_id)
    poster = {"pictures": (PictureSource(PictureKind.POSTER, "poster.jpg"),)}
    still = {"pictures": (PictureSource(PictureKind.STILL, "still.jpg"),)}
    location = rows.location()
    work, film = rows.film(location, "One", video=poster)
    _, part = rows.film(location, "Two", series_id=series.id, season=1, episode=1, video=poster)
    rows.film(location, "Three", video=still)
    rows.film(location, "Four", poster="0123", video=poster)
    _, away = rows.film(location, "Five", video=poster)
    rows.mark(away, availability="offline")
    rows.film(rows.location(), "Elsewhere", video=poster)
    with backend.read_only() as tx:
        wanted = list(tx.scans.iter_posterless(location.id))
    assert wanted == [(film.id, work.id), (part.id, series.id)]
    rows.in_one(lambda tx: tx.series.save(replace(series, poster="4567")))
    with backend.read_only() as tx:
        assert list(tx.scans.iter_posterless(location.id)) == [(film.id, work.id)]
