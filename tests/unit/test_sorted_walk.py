"""Films and side-cars out of a sorted listing, whatever the order of folders in it."""

from hypothesis import given
from hypothesis import strategies as st

from adapters.storage import sorted_walk
from adapters.storage.sorted_walk import Listed, films_of
from domain.library.companions import SideCars, is_one_film

STEMS = ["film", "film.extended", "film-cd1", "film-cd2", "film2", "other", "a", "poster", "é"]
ENDINGS = [".mp4", ".mkv", ".nfo", ".en.srt", ".en.forced.srt", "-poster.jpg", ".jpg", ".txt"]
FOLDERS = ["", "a/", "a/film/", "b/", "film/", ".hidden/", "film.mp4/"]
NAMES = [stem + ending for stem in STEMS for ending in ENDINGS]


def listed(paths, key=None):
    return [Listed(path, len(path), f"s{path}") for path in sorted(set(paths), key=key)]


def walked(paths, key=None):
    return {
        one.locator: [(match.name, match.shared) for match in one.companions]
        for one in films_of(listed(paths, key))
    }


def test_side_cars_come_with_their_films():
    beside = ["a/film-poster.jpg", "a/film.en.srt", "a/film.nfo", "a/poster.jpg", "a/film/film.nfo"]
    beside += ["b/poster.jpg", "b/x/y.nfo", "film.nfo"]
    assert walked(["a/film.mp4", "a/other.mp4", "b/one.mkv", *beside]) == {
        "a/film.mp4": [("film.nfo", False), ("film.en.srt", False), ("film-poster.jpg", False)],
        "a/other.mp4": [],
        "b/one.mkv": [("poster.jpg", True)],
    }


def test_extras_tell_of_the_side_cars_signature():
    before, after = (
        next(films_of([Listed("f.mp4", 1, "s"), Listed("f.nfo", 1, signature)]))
        for signature in "ab"
    )
    assert before.signature == after.signature
    assert len({before.extras, after.extras, ""}) == 3
    assert before.companions[0].locator == "f.nfo"


def test_hidden_and_partial_names_are_left_out():
    paths = [".a.mp4", "a.part.mp4", "lost+found/a.mp4", ".b/a.mp4", "c/.d/e.mp4", "c/e.mp4"]
    assert set(walked(paths)) == {"c/e.mp4"}


@given(st.sets(st.tuples(st.sampled_from(FOLDERS), st.sampled_from(NAMES)), max_size=60))
def test_the_order_of_a_listing_gives_what_whole_folders_give(chosen):
    expected = {}
    for folder in FOLDERS:
        names = [name for one, name in chosen if one == folder]
        videos = [name for name in names if name.endswith((".mp4", ".mkv"))]
        cars = SideCars(names, one_film=is_one_film(videos))
        for video in videos if folder != ".hidden/" else ():
            expected[folder + video] = [(one.name, one.shared) for one in cars.of(video)]
    paths = [folder + name for folder, name in chosen]
    assert walked(paths) == expected
    assert walked(paths, key=lambda path: path.split("/")) == expected


def test_little_of_a_large_folder_is_held(monkeypatch):
    monkeypatch.setattr(sorted_walk, "MAX_HELD", 10)
    given_out = 0

    def listing():
        for number in range(1000):
            yield Listed(f"{number:04}.de.srt", 1, "s")
            yield Listed(f"{number:04}.mp4", 1, "s")
            assert number - given_out < 25

    for one in films_of(listing()):
        assert [match.name for match in one.companions] == [one.name.replace("mp4", "de.srt")]
        given_out += 1
    assert given_out == 1000


def test_pictures_without_films_are_not_held(monkeypatch):
    monkeypatch.setattr(sorted_walk, "MAX_HELD", 10)
    paths = [f"{number:04}.jpg" for number in range(100)] + ["0050.mp4", "0099.mp4"]
    assert walked(paths) == {"0050.mp4": [("0050.jpg", False)], "0099.mp4": [("0099.jpg", False)]}
