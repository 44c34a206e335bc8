"""Writing what peers say: idempotent, and never into anybody else's rows."""

import json
from dataclasses import replace

from domain.library.video import Availability
from ports.library.catalogue import EVERYTHING


def documents(backend):
    page = backend.catalogue.works_page(EVERYTHING, page=1, per_page=200)
    return {work["title"]: work for work in map(json.loads, page.documents)}


def apply(rows, connection, location, *works):
    counts = rows.learn(connection, location, *works)
    return counts.added, counts.updated, counts.unchanged


def state(backend):
    """Return every row that a page could touch, versions included."""
    if backend.memory is not None:
        return repr(backend.memory.tables)
    tables = ("work", "video", "library_work", "node")
    with backend.engine.connect() as connection:
        return [
            sorted(map(repr, connection.exec_driver_sql(f"SELECT * FROM {table}")))
            for table in tables
        ]


def test_a_page_is_written_and_shown(backend, rows):
    connection, location = rows.peer()
    assert apply(rows, connection, location, rows.remote("1", "Dusk", videos=2)) == (1, 0, 0)
    work = documents(backend)["Dusk"]
    assert len(work["videos"]) == 2
    assert {video["storage_type"] for video in work["videos"]} == {"velour"}


def test_applying_the_same_again_changes_no_row(backend, rows):
    connection, location = rows.peer()
    works = [rows.remote(str(n), f"Film {n}") for n in range(20)]
    apply(rows, connection, location, *works)
    before = state(backend)
    rows.clock.forward(hours=1)
    assert apply(rows, connection, location, *works) == (0, 0, 20)
    assert state(backend) == before


def test_ids_of_this_node_stay_when_the_record_changes(backend, rows):
    connection, location = rows.peer()
    apply(rows, connection, location, rows.remote("1", "Dusk"))
    before = documents(backend)["Dusk"]
    rows.clock.forward(hours=1)
    assert apply(rows, connection, location, rows.remote("1", "Dawn", year=1999)) == (0, 1, 0)
    after = documents(backend)["Dawn"]
    assert after["id"] == before["id"] != "1"
    assert (after["year"], after["created_at"]) == (1999, before["created_at"])
    assert after["videos"][0]["id"] == before["videos"][0]["id"]


def test_a_video_that_the_record_lost_is_gone_and_may_come_back(backend, rows):
    connection, location = rows.peer()
    apply(rows, connection, location, rows.remote("1", videos=2))
    ids = [video["id"] for video in documents(backend)["Dusk"]["videos"]]
    apply(rows, connection, location, rows.remote("1", videos=1))
    assert [video["id"] for video in documents(backend)["Dusk"]["videos"]] == ids[:1]
    apply(rows, connection, location, rows.remote("1", videos=2))
    assert [video["id"] for video in documents(backend)["Dusk"]["videos"]] == ids


def test_a_removed_work_vanishes_and_comes_back_as_itself(backend, rows):
    connection, location = rows.peer()
    record = rows.remote("1")
    (row,) = rows.learn(connection, location, record).rows
    before = documents(backend)["Dusk"]
    rows.in_one(lambda tx: tx.learnt.remove(connection.id, [row]))
    assert documents(backend) == {}
    with backend.read_only() as tx:
        assert list(tx.learnt.iter_known(connection.id)) == []
    added, updated, unchanged = apply(rows, connection, location, record)
    assert (added + updated, unchanged) == (1, 0)
    assert documents(backend)["Dusk"]["id"] == before["id"]


def test_nothing_but_the_connections_rows_is_touched(backend, rows):
    library = rows.library()
    own, _ = rows.film(rows.location(library), "Own")
    bea, at_bea = rows.peer("Bea", library)
    cleo, at_cleo = rows.peer("Cleo", library)
    (theirs,) = rows.learn(cleo, at_cleo, rows.remote("1", "Theirs")).rows
    before = documents(backend)
    # The same remote id, and even an id of ours, are Bea's own to use.
    counts = rows.learn(bea, at_bea, rows.remote("1", "Bea's"), rows.remote(str(own.id), "A lie"))
    assert counts.added == 2
    rows.in_one(lambda tx: tx.learnt.remove(bea.id, [theirs, *counts.rows]))
    rows.in_one(lambda tx: tx.learnt.set_offline(bea.id))
    assert documents(backend) == before


def test_known_rows_are_those_not_removed(backend, rows):
    connection, location = rows.peer()
    counts = rows.learn(connection, location, *(rows.remote(str(n)) for n in range(5)))
    assert len(set(counts.rows)) == 5
    rows.in_one(lambda tx: tx.learnt.remove(connection.id, counts.rows[:2]))
    with backend.read_only() as tx:
        assert sorted(tx.learnt.iter_known(connection.id)) == sorted(counts.rows[2:])


def test_what_a_peer_lacks_itself_stays_offline(backend, rows):
    connection, location = rows.peer()
    lacking = rows.remote("2", "Lacking", available=False)
    apply(rows, connection, location, rows.remote("1", "Had"), lacking)

    def shown():
        return {title: w["videos"][0]["availability"] for title, w in documents(backend).items()}

    assert shown() == {"Had": "available", "Lacking": "offline"}
    assert rows.in_one(lambda tx: tx.learnt.set_offline(connection.id)) == 1
    assert shown() == {"Had": "offline", "Lacking": "offline"}
    assert rows.in_one(lambda tx: tx.learnt.set_online(connection.id)) == 1
    assert shown() == {"Had": "available", "Lacking": "offline"}


def test_gone_videos_do_not_come_back_by_going_online(backend, rows):
    connection, location = rows.peer()
    (row,) = rows.learn(connection, location, rows.remote("1")).rows
    rows.in_one(lambda tx: tx.learnt.remove(connection.id, [row]))
    rows.in_one(lambda tx: tx.learnt.set_offline(connection.id))
    rows.in_one(lambda tx: tx.learnt.set_online(connection.id))
    assert documents(backend) == {}


def test_a_record_twice_on_a_page_is_one_work(backend, rows):
    connection, location = rows.peer()
    apply(rows, connection, location, rows.remote("1", "First"), rows.remote("1", "Second"))
    assert list(documents(backend)) == ["Second"]


def test_a_work_without_videos_is_kept_and_not_shown(backend, rows):
    connection, location = rows.peer()
    empty = replace(rows.remote("1"), videos=())
    assert apply(rows, connection, location, empty) == (1, 0, 0)
    assert apply(rows, connection, location, empty) == (0, 0, 1)
    assert documents(backend) == {}
    assert backend.catalogue.totals(EVERYTHING).works == 0


def test_a_video_that_moves_to_another_record_is_shown_there(backend, rows):
    connection, location = rows.peer()
    one, other = rows.remote("1", "One", videos=2), rows.remote("2", "Two")
    apply(rows, connection, location, one, other)
    moved = replace(other, videos=(*other.videos, one.videos[1]), digest=b"m" * 32)
    left = replace(one, videos=one.videos[:1], digest=b"l" * 32)
    apply(rows, connection, location, left, moved)
    shown = {title: len(work["videos"]) for title, work in documents(backend).items()}
    assert shown == {"One": 1, "Two": 2}


def test_stored_facts_are_what_the_peer_says(backend, rows):
    connection, location = rows.peer()
    apply(rows, connection, location, rows.remote("1", rating=7.5, tags=("a",), year=1950))
    work = documents(backend)["Dusk"]
    assert (work["rating"], work["tags"], work["year"]) == (7.5, ["a"], 1950)
    video = work["videos"][0]
    assert (video["duration"], video["container"], video["file_size"]) == (90.0, "matroska", 5000)
    assert video["availability"] == Availability.AVAILABLE
