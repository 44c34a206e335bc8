import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from math import inf, nan
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.library import document
from domain.library.matching import Traits, first_match, same_work
from domain.library.removal_guard import decide
from domain.library.search_query import parse_query
from domain.library.seen import SeenRows
from domain.library.storage_location import (
    LastScan,
    Library,
    ScanCounts,
    StorageLocation,
    StorageType,
)
from domain.library.video import (
    MAX_FILE_SIZE,
    MAX_FILENAME,
    Fingerprints,
    MediaFacts,
    Video,
    base_name,
)
from domain.library.watch import WatchState
from domain.library.work import Work, age_of, check_rating, check_year

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ONE, OTHER = UUID(int=1), UUID(int=2)


def work(**more):
    return Work(**{"id": ONE, "title": "Dawn", "created_at": NOW, "updated_at": NOW, **more})


def video(**more):
    values = {"filename": "a.mp4", "locator": "x/a.mp4", "file_size": 5, "signature": "s", **more}
    return Video(id=OTHER, work_id=ONE, location_id=ONE, created_at=NOW, updated_at=NOW, **values)


def traits(title="Dawn", year=None, ids=(), prints=(), libraries=(), locations=(), episode=None):
    return Traits(
        title=title,
        year=year,
        external_ids=dict(ids),
        fingerprints=frozenset(prints),
        libraries=frozenset(libraries),
        locations=frozenset(locations),
        episode=episode and (ONE, *episode),
    )


SAME = [
    (traits("A", ids={"imdb": "1"}), traits("B", ids={"imdb": "1"}), True),
    (traits("A", 2001, {"imdb": "1"}, ["p"]), traits("A", 2001, {"imdb": "2"}, ["p"]), False),
    (
        traits("A", ids={"imdb": "1", "tmdb": "2"}),
        traits("A", ids={"imdb": "1", "tmdb": "3"}),
        False,
    ),
    (traits("A", 2001, {"imdb": "1"}), traits("a", 2001, {"tmdb": "1"}), True),
    (traits("A", prints=["p", "q"]), traits("A", prints=["q"]), True),
    (traits("A", prints=["p"]), traits("B", prints=["p"]), False),
    (traits("Amélie", 2001), traits("AMELIE", 2001), True),
    (traits("A", 2001), traits("A", 2002), False),
    (traits("A"), traits("A"), False),
    (traits("A", 2001), traits("A"), False),
    (traits("A", 2001), traits("B", 2001), False),
    (traits("Pilot", episode=(1, 1)), traits("Anfang", episode=(1, 1)), True),
    (traits("Pilot", 2001, episode=(1, 1)), traits("Pilot", 2001, episode=(1, 2)), False),
    (traits("Pilot", 2001, episode=(1, 1)), traits("Pilot", 2001), False),
    (traits("A", prints=["p"], episode=(1, 1)), traits("A", prints=["p"], episode=(1, 2)), False),
    (traits("A", ids={"tmdb": "1"}, episode=(1, 1)), traits("A", ids={"tmdb": "1"}), False),
    (traits("A", ids={"imdb": "1"}, episode=(1, 1)), traits("A", ids={"imdb": "1"}), True),
    (
        traits("A", ids={"imdb": "1"}, episode=(1, 1)),
        traits("B", ids={"imdb": "1"}, episode=(1, 2)),
        True,
    ),
]


@pytest.mark.parametrize(("one", "other", "same"), SAME)
def test_works_match_by_the_rules(one, other, same):
    assert same_work(one, other) is same
    assert same_work(other, one) is same


def copies(one_library, other_library, one_location, other_location):
    return (
        traits("A", prints=["p"], libraries=[one_library], locations=[one_location]),
        traits("B", prints=["p"], libraries=[other_library], locations=[other_location]),
    )


def test_equal_bytes_of_other_names_match_in_one_library_and_two_places():
    assert same_work(*copies(ONE, ONE, ONE, OTHER))
    assert not same_work(*copies(ONE, ONE, ONE, ONE))
    assert not same_work(*copies(ONE, OTHER, ONE, OTHER))


def test_the_first_match_is_taken():
    rows = [(1, traits("B", 2001)), (2, traits("a", 2001)), (3, traits("A", 2001))]
    assert first_match(traits("A", 2001), rows) == 2
    assert first_match(traits("A", 1999), rows) is None


@pytest.mark.parametrize(
    ("known", "missing", "held"),
    [(0, 0, False), (20, 20, False), (21, 21, True), (100, 20, False), (100, 21, True),
     (1000, 200, False), (1000, 201, True), (5, 5, False)],
)  # fmt: skip
def test_a_large_loss_is_held(known, missing, held):
    decision = decide(known=known, missing=missing)
    assert decision.held is held
    assert bool(decision.reason) is held
    if held:
        assert f"{missing} of {known}" in decision.reason


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_no_more_than_a_fifth_or_twenty_ever_goes_at_once(known, missing):
    if not decide(known=known, missing=missing).held:
        assert missing <= max(20, known / 5)


@given(st.sets(st.integers(0, 100_000)), st.integers(0, 100_000))
def test_seen_rows_are_a_set(rows, other):
    seen = SeenRows()
    for row in rows:
        seen.add(row)
        seen.add(row)
    assert all(row in seen for row in rows)
    assert (other in seen) == (other in rows)


def state(position=10.0, *, watched=False):
    return WatchState(
        user_id=ONE, video_id=OTHER, position=position, watched=watched, updated_at=NOW
    )


@pytest.mark.parametrize(
    ("to", "duration", "position", "watched"),
    [(50.0, 100.0, 50.0, False), (94.9, 100.0, 94.9, False), (95.0, 100.0, 0.0, True),
     (500.0, 100.0, 0.0, True), (-5.0, 100.0, 0.0, False), (50.0, None, 50.0, False),
     (50.0, 0.0, 50.0, False)],
)  # fmt: skip
def test_a_position_near_the_end_counts_as_watched(to, duration, position, watched):
    mine = state()
    mine.move(to, duration=duration, at=NOW)
    assert (mine.position, mine.watched) == (position, watched)


def test_the_last_action_wins():
    mine, late = state(), NOW + timedelta(seconds=5)
    mine.mark(watched=True, at=late)
    mine.move(30.0, duration=60.0, at=NOW)
    mine.mark(watched=False, at=NOW)
    assert (mine.watched, mine.position, mine.updated_at) == (True, 0.0, late)
    mine.move(30.0, duration=60.0, at=late)
    assert (mine.watched, mine.position) == (True, 30.0)
    mine.mark(watched=False, at=late)
    assert (mine.watched, mine.position) == (False, 0.0)


@pytest.mark.parametrize(
    ("path", "name"),
    [("a/b/c.mp4", "c.mp4"), ("a\\b\\c.mp4", "c.mp4"), ("/etc/passwd", "passwd"), ("", "video"),
     ("///", "video"), ("folder/", "folder"), ("a\nb\0.mp4", "a\ufffdb\ufffd.mp4"),
     ("\udcff.mp4", "\ufffd.mp4"), ("x" * 300 + ".mp4", "x" * (MAX_FILENAME - 4) + ".mp4")],
)  # fmt: skip
def test_a_name_carries_no_folder_and_no_control_character(path, name):
    assert base_name(path) == name


@given(st.text(max_size=600))
def test_names_are_always_fit_to_show(path):
    name = base_name(path)
    assert 1 <= len(name) <= MAX_FILENAME
    assert not {"/", "\\", "\0", "\n"} & set(name)
    assert base_name(name) == name or name in {".", ".."}
    json.dumps(name).encode()


def test_sizes_and_facts_stay_in_range():
    assert video(file_size=MAX_FILE_SIZE).file_size == MAX_FILE_SIZE
    for size in (-1, MAX_FILE_SIZE + 1):
        with pytest.raises(Invalid):
            video(file_size=size)
    for name, value in [("duration", nan), ("duration", inf), ("frame_rate", -1.0), ("width", -1),
                        ("height", 2**50), ("bit_rate", -5)]:  # fmt: skip
        with pytest.raises(Invalid) as caught:
            MediaFacts(**{name: value})
        assert caught.value.field == name
    assert MediaFacts(duration=0.0, width=0).width == 0


@pytest.mark.parametrize(
    ("container", "picture", "sound", "plays"),
    [("mp4", "h264", "aac", True), ("webm", "vp9", "opus", True), ("mp4", "h264", None, True),
     ("matroska", "h264", "aac", False), ("mp4", "hevc", "aac", False), ("mp4", "h264", "dts", False),
     (None, None, None, False)],
)  # fmt: skip
def test_what_browsers_play(container, picture, sound, plays):
    facts = MediaFacts(container=container, video_codec=picture, audio_codec=sound)
    assert facts.web_compatible is plays


def test_a_work_is_cleaned_and_checked():
    good = work(title="  Dawn ", rating=7.25, tags=(" a ",))
    assert (good.title, good.rating, good.tags) == ("Dawn", 7.2, ("a",))
    for wrong in ({"title": ""}, {"title": "x" * 501}, {"rating": 11.0}, {"tags": ("",)},
                  {"description": "x" * 20_001}, {"director": "x" * 301}, {"title": "a\0b"}):  # fmt: skip
        with pytest.raises(Invalid):
            work(**wrong)


@pytest.mark.parametrize("rating", [nan, inf, -0.1, 10.1])
def test_ratings_go_from_0_to_10(rating):
    with pytest.raises(Invalid):
        check_rating(rating)
    assert check_rating(None) is None
    assert check_rating(0) == 0
    assert check_rating(10) == 10


def test_years_are_possible_ones():
    for year in (None, 1870, 2026, 2031):
        assert check_year(year, today=NOW) == year
    for year in (1869, 2032, 0, -1):
        with pytest.raises(Invalid):
            check_year(year, today=NOW)


@pytest.mark.parametrize(
    ("rating", "age"),
    [(None, None), ("", None), (" ", None), ("G", 0), ("fsk 16", 16), ("R", 17), ("TV-MA", 17),
     (" 12 ", 12), ("unheard of", 21)],
)  # fmt: skip
def test_unknown_scales_count_as_the_highest_age(rating, age):
    assert age_of(rating) == age


def test_places_are_named_and_remember_their_scans():
    library = Library(id=ONE, name=" Films ", created_at=NOW, description=" d ")
    assert (library.name, library.description) == ("Films", "d")
    location = StorageLocation(
        id=ONE, name="disk", storage_type=StorageType.LOCAL, library_id=ONE, created_at=NOW
    )
    scan = LastScan(
        started_at=NOW, finished_at=NOW, success=False, message="m", counts=ScanCounts(found=1)
    )
    location.record_scan(scan, reachable=False, reason="unplugged")
    assert (location.reachable, location.unreachable_reason) == (False, "unplugged")
    location.record_scan(scan, reachable=True, reason="ignored")
    assert (location.last_scan, location.reachable, location.unreachable_reason) == (scan, True, "")
    with pytest.raises(Invalid):
        replace(location, name=" ")


def test_documents_are_members_of_json_objects():
    whole = json.loads("{" + document.work_fields(work(title="“é”", year=1999)) + "}")
    assert whole["title"] == "“é”"
    assert list(whole) == [
        "id", "title", "year", "content_rating", "organized", "created_at", "updated_at",
    ]  # fmt: skip
    more = json.loads("{" + document.work_metadata_fields(work(tags=("a",))) + "}")
    assert list(more) == [
        "description", "director", "rating", "tags", "external_ids", "genres", "people",
        "series_id", "season", "episode",
    ]  # fmt: skip
    prints = Fingerprints(oshash="0f")
    shown = json.loads(
        "{" + document.video_fields(video(fingerprints=prints), StorageType.LOCAL) + "}"
    )
    assert shown["fingerprints"] == {"oshash": "0f", "sha256": None, "xxhash64": None}
    assert not {"locator", "signature", "remote_id", "etag", "availability"} & set(shown)


def test_times_are_written_in_utc():
    there = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert document.timestamp(there) == "2026-01-01T00:00:00.000000Z"


def test_queries_keep_the_signs_that_are_meant():
    query = parse_query("Spider-Man 100% 100%")
    assert (query.words, query.literals) == (("spider", "man", "100"), ("100%",))
    assert query.begins_words_of("spider man 100% wool")
    assert not query.begins_words_of("spider man 100 wool")
    assert parse_query("der").is_part_of("spider")
    assert not parse_query("der x").is_part_of("spider")
    for nothing in ("", "  ", "(-)", "'"):
        assert not parse_query(nothing)
    assert parse_query("%")
