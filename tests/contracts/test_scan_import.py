"""Writing what a scan found."""

from dataclasses import replace

import pytest

from domain.errors import AlreadyExists
from domain.library.matching import Traits, same_work
from domain.library.video import Availability, Fingerprints

GONE, OFFLINE, AVAILABLE = Availability.GONE, Availability.OFFLINE, Availability.AVAILABLE


def known(backend, location, *locators):
    with backend.read_only() as tx:
        return tx.scans.known(location.id, list(locators))


def test_known_videos_are_found_by_locator_in_their_location(backend, rows):
    library = rows.library()
    here, there = rows.location(library), rows.location(library)
    _, one = rows.film(here, video={"locator": "a"})
    _, other = rows.film(there, video={"locator": "a"})
    rows.film(here, video={"locator": "b"})
    found = known(backend, here, "a", "absent")
    assert set(found) == {"a"}
    assert (found["a"].id, found["a"].signature) == (one.id, one.signature)
    assert found["a"].work_id == one.work_id
    assert known(backend, there, "a")["a"].id == other.id
    assert known(backend, here, *map(str, range(1000))) == {}


def test_row_numbers_are_small_and_unique(backend, rows):
    location = rows.location()
    for number in range(5):
        rows.film(location, video={"locator": str(number)})
    found = known(backend, location, *"01234")
    numbers = {video.row for video in found.values()}
    assert len(numbers) == 5
    assert all(0 < number < 10**6 for number in numbers)


def test_gone_videos_are_known_but_not_counted(backend, rows):
    location = rows.location()
    videos = [rows.film(location)[1] for _ in range(3)]
    rows.mark(videos[0], availability=GONE)
    rows.mark(videos[1], availability=OFFLINE)
    assert known(backend, location, videos[0].locator)[videos[0].locator].availability is GONE
    with backend.read_only() as tx:
        assert tx.scans.count_known(location.id) == 2
        listed = dict(tx.scans.iter_known(location.id))
    assert {video.id for video in listed.values()} == {videos[1].id, videos[2].id}
    assert set(listed) == {videos[1].locator, videos[2].locator}


def test_a_locator_is_unique_in_its_location(backend, rows):
    location = rows.location()
    work, video = rows.film(location)
    with pytest.raises(AlreadyExists):
        rows.second_video(work, location, locator=video.locator)


def test_an_update_keeps_id_work_and_beginning(backend, rows):
    location = rows.location()
    _, video = rows.film(location)
    other, _ = rows.film(location, "Other")
    rows.clock.forward(hours=1)
    changed = replace(
        video,
        work_id=other.id,
        created_at=rows.clock.now(),
        updated_at=rows.clock.now(),
        file_size=7,
        signature="new",
        fingerprints=Fingerprints(oshash="0f" * 8),
    )
    rows.in_one(lambda tx: tx.scans.update([changed]))
    with backend.read_only() as tx:
        stored = tx.videos.get(video.id)
    assert stored == replace(changed, work_id=video.work_id, created_at=video.created_at)


def test_a_location_goes_offline_but_for_what_is_gone(backend, rows):
    library = rows.library()
    here, there = rows.location(library), rows.location(library)
    kept, gone, elsewhere = rows.film(here)[1], rows.film(here)[1], rows.film(there)[1]
    rows.mark(gone, availability=GONE)
    assert rows.in_one(lambda tx: tx.scans.set_location_offline(here.id)) == 1
    assert rows.in_one(lambda tx: tx.scans.set_location_offline(here.id)) == 0
    with backend.read_only() as tx:
        found = [tx.videos.get(v.id).availability for v in (kept, gone, elsewhere)]
    assert found == [OFFLINE, GONE, AVAILABLE]


def candidates(backend, *wanted):
    """Return the candidates that the rule of matching leaves."""
    with backend.read_only() as tx:
        found = dict(tx.scans.candidates(wanted))
    return {
        work_id: traits
        for work_id, traits in found.items()
        if any(same_work(one, traits) for one in wanted)
    }


def test_candidates_share_an_id_a_fingerprint_or_title_and_year(backend, rows):
    location = rows.location()
    by_id, _ = rows.film(location, "One", external_ids={"imdb": "tt1"})
    prints = Fingerprints(oshash="0123456789abcdef")
    by_print, _ = rows.film(location, "Two", video={"fingerprints": prints})
    by_name, _ = rows.film(location, "Amélie", year=2001)
    rows.film(location, "Amelie", year=2002)
    rows.film(location, "Unrelated", external_ids={"imdb": "tt2"})
    wanted = Traits(title="x", external_ids={"imdb": "tt1", "tmdb": "9"})
    assert candidates(backend, wanted)[by_id.id].external_ids == {"imdb": "tt1"}
    print_text = frozenset({"oshash:0123456789abcdef"})
    wanted = Traits(title="two", external_ids={}, fingerprints=print_text)
    found = candidates(backend, wanted)
    assert set(found) == {by_print.id}
    assert found[by_print.id].fingerprints == print_text
    assert found[by_print.id].libraries == {location.library_id}
    assert found[by_print.id].locations == {location.id}
    wanted = Traits(title="AMELIE", year=2001, external_ids={})
    assert set(candidates(backend, wanted)) == {by_name.id}


def test_nothing_matches_by_title_alone(backend, rows):
    location = rows.location()
    rows.film(location, "Dawn")
    assert candidates(backend, Traits(title="Dawn", external_ids={})) == {}
    assert candidates(backend) == {}


def test_works_of_peers_are_no_candidates(backend, rows):
    connection, location = rows.peer()
    rows.learn(connection, location, rows.remote("1", "Dawn", year=2001))
    assert candidates(backend, Traits(title="Dawn", year=2001, external_ids={})) == {}


def test_candidates_for_many_are_those_for_each(backend, rows):
    location = rows.location()
    works = [rows.film(location, f"Film {n}", year=2000 + n)[0] for n in range(5)]
    wanted = [Traits(title=f"film {n}", year=2000 + n, external_ids={}) for n in (1, 3, 7)]
    assert set(candidates(backend, *wanted)) == {works[1].id, works[3].id}
