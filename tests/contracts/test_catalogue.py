"""What is not visible does not exist: in no page, count, search, stream or picture."""

import json
from dataclasses import replace
from uuid import UUID

import pytest

from domain.errors import Conflict
from domain.library.video import MediaFacts
from ports.library.catalogue import EVERYTHING, Totals
from tests.contracts.reading import ABSENT, NOTHING, page_titles, seen, titles, walk


def everywhere(backend, seen_by, work, video):
    """Tell, for each way to come across a work, whether it shows."""
    catalogue = backend.catalogue
    card = catalogue.cards(seen_by, viewer=None, after=None, limit=200)
    found = catalogue.cards(seen_by, viewer=None, after=None, limit=200, query=work.title)
    search = catalogue.search_videos(seen_by, work.title, page=1, per_page=50)
    by_page = catalogue.works_page(seen_by, page=1, per_page=200)
    totals = catalogue.totals(seen_by)
    return {
        "page": work.title in titles(by_page.documents),
        "count": by_page.total_count > 0,
        "walk": work.title in titles(walk(backend, seen_by, 10)),
        "work": catalogue.work(seen_by, work.id) is not None,
        "video": catalogue.video(seen_by, video.id) is not None,
        "search": len(search.documents) > 0,
        "search count": search.total_count > 0,
        "card": work.id in [one.id for one in card.cards],
        "found card": work.id in [one.id for one in found.cards],
        "view": catalogue.work_view(seen_by, work.id, viewer=None) is not None,
        "stream": catalogue.stream_target(seen_by, video.id) is not None,
        "total works": totals.works > 0,
        "total videos": totals.videos > 0,
        "total size": totals.size_bytes > 0,
    }


def shows(backend, seen_by, work, video):
    """Return whether the work shows; every way must say the same."""
    answers = everywhere(backend, seen_by, work, video)
    assert len(set(answers.values())) == 1, answers
    return answers["page"]


def test_a_work_shows_where_its_library_is_granted(backend, rows):
    shared, other = rows.library("shared"), rows.library("other")
    work, video = rows.film(rows.location(shared))
    assert shows(backend, EVERYTHING, work, video)
    assert shows(backend, seen(shared), work, video)
    assert shows(backend, seen(shared, other), work, video)
    assert shows(backend, seen(), work, video)
    assert not shows(backend, seen(other), work, video)
    assert not shows(backend, NOTHING, work, video)


def test_a_work_of_a_peer_shows_only_to_the_nodes_own_people(backend, rows):
    library = rows.library()
    connection, location = rows.peer("Bea", library)
    rows.learn(connection, location, rows.remote("1", "Dusk"))
    document = json.loads(backend.catalogue.works_page(EVERYTHING, page=1, per_page=9).documents[0])
    work = replace(rows.new_work("Dusk"), id=UUID(document["id"]))
    video = replace(rows.new_video(work, location), id=UUID(document["videos"][0]["id"]))
    assert shows(backend, EVERYTHING, work, video)
    assert shows(backend, seen(library, learnt=True), work, video)
    assert not shows(backend, seen(library), work, video)
    assert not shows(backend, seen(), work, video)


def test_a_gone_work_shows_nowhere_and_an_offline_one_everywhere(backend, rows):
    work, video = rows.film(rows.location())
    rows.mark(video, availability="offline")
    assert shows(backend, EVERYTHING, work, video)
    assert json.loads(backend.catalogue.video(EVERYTHING, video.id))["availability"] == "offline"
    rows.mark(video, availability="gone")
    assert not shows(backend, EVERYTHING, work, video)
    rows.mark(video, availability="available")
    assert shows(backend, EVERYTHING, work, video)


def test_a_work_shows_only_its_visible_videos(backend, rows):
    shared, secret = rows.library("shared"), rows.library("secret")
    work, here = rows.film(rows.location(shared), video={"file_size": 10})
    there = rows.second_video(work, rows.location(secret), file_size=100)
    gone = rows.second_video(work, rows.location(shared), file_size=1000)
    rows.mark(gone, availability="gone")
    document = json.loads(backend.catalogue.work(seen(shared), work.id))
    assert [video["id"] for video in document["videos"]] == [str(here.id)]
    assert backend.catalogue.video(seen(shared), there.id) is None
    assert backend.catalogue.stream_target(seen(shared), there.id) is None
    assert backend.catalogue.totals(seen(shared)) == Totals(1, 1, 10)
    assert backend.catalogue.totals(EVERYTHING) == Totals(1, 2, 110)
    view = backend.catalogue.work_view(seen(shared), work.id, viewer=None)
    assert [video.id for video in view.videos] == [here.id]
    found = backend.catalogue.search_videos(seen(shared), "dawn", page=1, per_page=9)
    assert (len(found.documents), found.total_count) == (1, 1)


def merge(rows, work, into):
    def act(tx):
        stored = tx.works.get(work.id)
        stored.merged_into = into.id if into else None
        tx.works.save(stored)

    rows.in_one(act)


def test_a_merged_work_shows_under_the_other_until_split(backend, rows):
    location = rows.location()
    one, video = rows.film(location, "Dawn")
    other, kept = rows.film(location, "Dawn again")
    merge(rows, one, other)
    assert page_titles(backend, EVERYTHING) == ["Dawn again"]
    assert backend.catalogue.work(EVERYTHING, one.id) is None
    document = json.loads(backend.catalogue.work(EVERYTHING, other.id))
    assert {v["id"] for v in document["videos"]} == {str(video.id), str(kept.id)}
    document = json.loads(backend.catalogue.video(EVERYTHING, video.id))
    assert (document["work_id"], document["work_title"]) == (str(other.id), "Dawn again")
    assert backend.catalogue.stream_target(EVERYTHING, video.id).work_id == other.id
    merge(rows, one, None)
    assert page_titles(backend, EVERYTHING) == ["Dawn", "Dawn again"]
    assert json.loads(backend.catalogue.video(EVERYTHING, video.id))["work_title"] == "Dawn"


def test_merges_of_merges_show_at_the_end_of_the_chain(backend, rows):
    location = rows.location()
    films = [rows.film(location, title) for title in "ABC"]
    (a, _), (b, _), (c, _) = films
    merge(rows, a, b)
    merge(rows, b, c)
    assert page_titles(backend, EVERYTHING) == ["C"]
    assert len(json.loads(backend.catalogue.work(EVERYTHING, c.id))["videos"]) == 3
    with pytest.raises(Conflict):
        merge(rows, c, a)
    merge(rows, b, None)
    assert page_titles(backend, EVERYTHING) == ["B", "C"]


def test_a_work_stays_while_videos_are_shown_under_it(backend, rows):
    kept, gone = rows.location(), rows.location()
    one, video = rows.film(kept, "One")
    other, _ = rows.film(gone, "Other")
    merge(rows, one, other)
    rows.in_one(lambda tx: tx.locations.remove(gone.id))
    assert shows(backend, EVERYTHING, other, video)
    merge(rows, one, None)
    assert page_titles(backend, EVERYTHING) == ["One"]


def test_a_link_of_the_chain_that_goes_leaves_the_rest_merged(backend, rows):
    kept, gone = rows.location(), rows.location()
    (a, _), (b, _), (c, _) = rows.film(kept, "A"), rows.film(gone, "B"), rows.film(kept, "C")
    merge(rows, a, b)
    merge(rows, b, c)
    rows.in_one(lambda tx: tx.locations.remove(gone.id))
    assert page_titles(backend, EVERYTHING) == ["C"]
    with backend.read_only() as tx:
        assert tx.works.get(a.id).merged_into == c.id
    merge(rows, a, None)
    assert page_titles(backend, EVERYTHING) == ["A", "C"]


def test_what_peers_added_to_an_own_work_is_not_shown_onward(backend, rows):
    library = rows.library()
    own, video = rows.film(rows.location(library), "Dawn")
    connection, location = rows.peer("Bea", library)
    rows.learn(connection, location, rows.remote("1", "Dusk"))
    (text,) = backend.catalogue.search_videos(EVERYTHING, "dusk", page=1, per_page=9).documents
    learnt = replace(rows.new_work("Dusk"), id=UUID(json.loads(text)["work_id"]))
    merge(rows, learnt, own)
    assert len(json.loads(backend.catalogue.work(EVERYTHING, own.id))["videos"]) == 2
    for peer in (seen(library), seen()):
        document = json.loads(backend.catalogue.work(peer, own.id))
        assert [v["id"] for v in document["videos"]] == [str(video.id)]
        assert backend.catalogue.totals(peer).videos == 1
    merge(rows, learnt, None)
    merge(rows, own, learnt)
    assert page_titles(backend, EVERYTHING) == ["Dusk"]
    assert page_titles(backend, seen(library)) == []
    assert page_titles(backend, seen()) == []


def test_a_location_that_moves_takes_its_works_to_the_other_library(backend, rows):
    one, other = rows.library("one"), rows.library("other")
    location = rows.location(one)
    work, video = rows.film(location)
    assert shows(backend, seen(one), work, video)
    location.library_id = other.id
    rows.in_one(lambda tx: tx.locations.save(location))
    assert not shows(backend, seen(one), work, video)
    assert shows(backend, seen(other), work, video)


def test_a_removed_location_shows_nothing(backend, rows):
    location = rows.location()
    work, video = rows.film(location)
    rows.in_one(lambda tx: tx.locations.remove(location.id))
    assert not shows(backend, EVERYTHING, work, video)


def test_what_is_absent_is_none(backend, rows):
    rows.film(rows.location())
    catalogue = backend.catalogue
    assert catalogue.work(EVERYTHING, ABSENT) is None
    assert catalogue.video(EVERYTHING, ABSENT) is None
    assert catalogue.stream_target(EVERYTHING, ABSENT) is None
    assert catalogue.work_view(EVERYTHING, ABSENT, viewer=None) is None


def test_documents_hold_what_the_contract_names(backend, rows):
    facts = {"facts": MediaFacts(duration=60.5, width=1280, container="mp4")}
    work, video = rows.film(
        rows.location(), "Amélie “1”", year=2001, director="J", tags=("a", "b"), rating=8.0,
        external_ids={"imdb": "tt1"}, description="two\nlines", video=facts,
    )  # fmt: skip
    document = json.loads(backend.catalogue.work(EVERYTHING, work.id))
    assert set(document) == {
        "id", "title", "year", "description", "director", "rating", "content_rating", "tags",
        "external_ids", "organized", "created_at", "updated_at", "videos", "genres", "people",
        "series_id", "season", "episode",
    }  # fmt: skip
    assert (document["title"], document["tags"], document["rating"]) == (
        "Amélie “1”",
        ["a", "b"],
        8,
    )
    assert document["created_at"] == "2026-01-01T00:00:00.000000Z"
    shown = json.loads(backend.catalogue.video(EVERYTHING, video.id))
    assert {**document["videos"][0], "work_id": str(work.id), "work_title": work.title} == shown
    assert set(shown) == {
        "id", "filename", "file_size", "web_compatible", "duration", "width", "height",
        "video_codec", "audio_codec", "container", "bit_rate", "frame_rate", "fingerprints",
        "subtitles", "storage_type", "availability", "created_at", "updated_at", "work_id", "work_title",
    }  # fmt: skip
    assert shown["duration"] == 60.5
    assert "locator" not in json.dumps(document)


def test_metadata_needs_its_scope(backend, rows):
    work, _ = rows.film(rows.location(), description="secret", director="secret", tags=("secret",))
    without = seen(learnt=True, metadata=False)
    for text in (
        backend.catalogue.work(without, work.id),
        backend.catalogue.works_page(without, page=1, per_page=9).documents[0],
        backend.catalogue.works_after(without, after=None, limit=9).documents[0],
    ):
        assert "secret" not in text
        withheld = {"description", "director", "rating", "tags", "external_ids", "genres", "people"}
        assert not withheld & set(json.loads(text))
    view = backend.catalogue.work_view(without, work.id, viewer=None)
    assert (view.description, view.director, view.tags) == ("", "", ())
