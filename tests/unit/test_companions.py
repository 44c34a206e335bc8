"""Which files lie beside a video and belong to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.library.companions import (
    COMPANION_SUFFIXES,
    MAX_OF_A_KIND,
    CompanionKind,
    SideCars,
    film_name,
    is_one_film,
)


def beside(video, *names, one_film=False):
    found = SideCars(names, one_film=one_film).of(video)
    return [(match.kind.value, match.name, match.shared) for match in found]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("film.nfo", "nfo"),
        ("film.NFO", "nfo"),
        ("film.srt", "subtitle"),
        ("film.en.srt", "subtitle"),
        ("film.pt-BR.vtt", "subtitle"),
        ("film.en.forced.srt", "subtitle"),
        ("film.English.sdh.default.ass", "subtitle"),
        ("film-poster.jpg", "poster"),
        ("film-cover.PNG", "poster"),
        ("film.jpg", "poster"),
        ("film-fanart.webp", "still"),
        ("film-thumb.jpeg", "still"),
    ],
)
def test_a_side_car_belongs_to_the_video_it_is_named_for(name, kind):
    assert beside("film.mp4", name) == [(kind, name, False)]


@pytest.mark.parametrize(
    "name",
    [
        "films.nfo", "Film.nfo", "film.txt", "film.svg", "film-poster", "other-poster.jpg", ".nfo",
        "film.S01E01.srt", "film.a.b.c.d.srt", "film-2.jpg", "film.en.nfo", "-poster.jpg", "film",
        "film.nfo.mp4", "movie.nfo", "poster.jpg", "",
    ],
)  # fmt: skip
def test_other_files_do_not(name):
    assert beside("film.mp4", name) == []


def test_versions_of_a_film_share_what_is_named_for_both():
    assert beside("film.mkv", "film.nfo") == beside("film.mp4", "film.nfo") != []


def test_dots_and_dashes_in_a_films_own_name_do_no_harm():
    assert beside("A.B - C-poster.mp4", "A.B - C-poster.de.srt", "A.B - C-poster.jpg") == [
        ("subtitle", "A.B - C-poster.de.srt", False),
        ("poster", "A.B - C-poster.jpg", False),
    ]


def test_what_is_named_for_the_folder_counts_only_for_a_single_film():
    names = ("movie.nfo", "poster.jpg", "fanart.jpg", "unrelated.jpg", "film.jpg")
    assert beside("film.mp4", *names, one_film=True) == [
        ("nfo", "movie.nfo", True),
        ("poster", "film.jpg", False),
        ("poster", "poster.jpg", True),
        ("still", "fanart.jpg", True),
    ]
    assert beside("film.mp4", *names) == [("poster", "film.jpg", False)]


def test_a_film_named_as_its_folders_picture_has_it_once():
    assert beside("poster.mp4", "poster.jpg", one_film=True) == [("poster", "poster.jpg", False)]


def test_the_picture_that_says_what_it_is_comes_first():
    found = beside("film.mp4", "film.jpg", "film-cover.jpg", "film-poster.png")
    assert [name for _, name, _ in found] == ["film-poster.png", "film-cover.jpg", "film.jpg"]


def test_a_video_has_only_so_many_of_a_kind():
    names = [f"film.{a}{b}{c}.srt" for a in "abcdefgh" for b in "abcdefgh" for c in "abcdefgh"]
    found = beside("film.mp4", *names, "film.nfo", "film-poster.jpg", "fanart.jpg", one_film=True)
    kinds = [kind for kind, _, _ in found]
    assert kinds == ["nfo", *["subtitle"] * MAX_OF_A_KIND, "poster", "still"]


@pytest.mark.parametrize(
    "videos",
    [
        ["Film (2010).mkv"],
        ["Film (2010) - 1080p.mkv", "Film (2010) - 2160p.mkv"],
        ["Film.mkv", "Film [Extended].mkv", "Film.720p.mp4"],
        ["film-cd1.avi", "film-cd2.avi"],
        ["Film.mp4", "film.mkv"],
        ["Film (Director's Cut).mkv", "Film.mkv"],
    ],
)
def test_versions_and_parts_are_one_film(videos):
    assert is_one_film(videos)


@pytest.mark.parametrize(
    "videos",
    [
        [],
        ["One.mkv", "Two.mkv"],
        ["Show - S01E01.mkv", "Show - S01E02.mkv"],
        ["Film (1954).mkv", "Film (2014).mkv"],
        ["Film.mkv", "Film 2.mkv"],
        ["1080p.mkv", "2160p.mkv"],
        [f"film [{number}].mkv" for number in range(51)],
    ],
)
def test_other_folders_are_not(videos):
    assert not is_one_film(videos)


@given(st.text(max_size=60), st.lists(st.text(max_size=60), max_size=20), st.booleans())
def test_any_names_are_taken(video, names, one_film):
    found = SideCars(names, one_film=one_film).of(video)
    assert all(match.name.lower().endswith(COMPANION_SUFFIXES) for match in found)
    assert {match.name for match in found} <= set(names)
    assert isinstance(film_name(video), str)


def test_a_name_made_to_be_slow_is_not():
    assert film_name("(" * 20_000 + "[" * 20_000 + " ._-" * 20_000)


def test_kinds_are_words():
    assert [kind.value for kind in CompanionKind] == ["nfo", "subtitle", "poster", "still"]
