"""What is not visible does not exist: in no page, count, search, stream or picture."""

import json
from dataclasses import replace
from uuid import UUID

import pytest

from domain.errors import Conflict
from domain.library.video import Availability, MediaFacts
from ports.library.catalogue import EVERYTHING, SORTS, CursorInvalid, Totals, Visibility, WorkFilter

ABSENT = UUID(int=1)


def seen(*libraries, learnt=False, metadata=True):
    granted = frozenset(library.id for library in libraries) if libraries else None
    return Visibility(libraries=granted, learnt=learnt, metadata=metadata)


NOTHING = Visibility(libraries=frozenset(), learnt=True, metadata=True)


def titles(texts):
    return [json.loads(text)["title"] for text in texts]


def page_titles(backend, seen_by, **more):
    options = {"page": 1, "per_page": 200, **more}
    return titles(backend.catalogue.works_page(seen_by, **options).documents)


def walk(backend, seen_by, limit, **more):
    """Return all documents by keyset."""
    found, after = [], None
    while True:
        part = backend.catalogue.works_after(seen_by, after=after, limit=limit, **more)
        found += part.documents
        assert len(part.documents) <= limit
        if part.after is None:
            return found
        after = part.after


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
        "external_ids", "organized", "created_at", "updated_at", "videos",
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
        "storage_type", "availability", "created_at", "updated_at", "work_id", "work_title",
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
        assert not {"description", "director", "rating", "tags", "external_ids"} & set(
            json.loads(text)
        )
    view = backend.catalogue.work_view(without, work.id, viewer=None)
    assert (view.description, view.director, view.tags) == ("", "", ())


@pytest.fixture
def many(rows):
    """Sixty works over two libraries with equal titles, absent years and ratings among them."""
    one, other = rows.library("one"), rows.library("other")
    places = [rows.location(one), rows.location(other), rows.location(one)]
    pairs = []
    for n in range(60):
        rows.clock.forward(seconds=n % 3)
        work = rows.new_work(
            ["Zebra", "apple", "Ängel", "Banane", "42"][n % 5] + (f" {n}" if n % 2 else ""),
            year=1990 + n % 7 if n % 4 else None,
            rating=(n % 9) / 2 if n % 5 else None,
            tags=("even", 'quo"ted') if n % 2 == 0 else ("odd",),
        )
        pairs.append((work, rows.new_video(work, places[n % 3])))
        if n % 10 == 0:
            pairs.append((None, rows.new_video(work, places[1])))
    rows.in_one(lambda tx: tx.scans.add(pairs))
    return one, other


def sorted_by(field, documents):
    """Return the keys of that field, nulls last, as the order of works promises."""
    return [json.loads(text)[field] for text in documents]


@pytest.mark.parametrize("sort", SORTS)
def test_pages_and_walks_agree_in_every_order(backend, rows, many, sort):
    for seen_by in (EVERYTHING, seen(many[0]), seen(*many), seen()):
        whole = list(
            backend.catalogue.works_page(seen_by, page=1, per_page=200, sort=sort).documents
        )
        for limit in (4, 60):
            assert walk(backend, seen_by, limit, sort=sort) == whole
        paged, number = [], 1
        while True:
            page = backend.catalogue.works_page(seen_by, page=number, per_page=7, sort=sort)
            assert page.total_count == len(whole)
            paged += page.documents
            if page.after is None:
                break
            following = backend.catalogue.works_after(seen_by, after=page.after, limit=7, sort=sort)
            number += 1
            again = backend.catalogue.works_page(seen_by, page=number, per_page=7, sort=sort)
            assert list(following.documents) == list(again.documents)
        assert paged == whole
        assert len(set(whole)) == len(whole)


@pytest.mark.parametrize("sort", SORTS)
def test_orders_are_what_they_say(backend, rows, many, sort):
    field, down = sort.removeprefix("-"), sort.startswith("-")
    values = sorted_by(field, walk(backend, EVERYTHING, 50, sort=sort))
    assert len(values) == 60
    known = [value for value in values if value is not None]
    assert values[len(known) :] == [None] * (60 - len(known))
    if field == "title":
        folded = [value.lower().replace("ä", "a") for value in known]
        assert folded == sorted(folded, reverse=down)
    else:
        assert known == sorted(known, reverse=down)


def test_far_pages_are_empty_and_still_counted(backend, rows, many):
    for number in (7, 1000, 10**9):
        page = backend.catalogue.works_page(EVERYTHING, page=number, per_page=10)
        assert (list(page.documents), page.total_count, page.after) == ([], 60, None)


def test_pages_jumped_to_from_anywhere_are_right(backend, rows, many):
    whole = walk(backend, EVERYTHING, 200, sort="-year")
    for number in (5, 2, 6, 1, 4, 3):
        page = backend.catalogue.works_page(EVERYTHING, page=number, per_page=10, sort="-year")
        assert list(page.documents) == whole[(number - 1) * 10 : number * 10]


FILTERS = [
    (WorkFilter(year=1991), lambda w: w["year"] == 1991),
    (WorkFilter(tag="even"), lambda w: "even" in w["tags"]),
    (WorkFilter(tag='quo"ted'), lambda w: 'quo"ted' in w["tags"]),
    (WorkFilter(tag="quo"), lambda w: False),
    (WorkFilter(tag="EVEN"), lambda w: False),
    (WorkFilter(min_rating=2.0), lambda w: (w["rating"] or -1) >= 2),
    (WorkFilter(year=1992, tag="odd"), lambda w: w["year"] == 1992 and "odd" in w["tags"]),
    (WorkFilter(availability=Availability.AVAILABLE), lambda w: True),
    (WorkFilter(availability=Availability.OFFLINE), lambda w: False),
]


@pytest.mark.parametrize(("where", "holds"), FILTERS, ids=lambda value: str(value)[:60])
def test_filters_leave_what_they_say(backend, rows, many, where, holds):
    whole = [json.loads(text) for text in walk(backend, EVERYTHING, 200)]
    wanted = [work["id"] for work in whole if holds(work)]
    found = walk(backend, EVERYTHING, 11, where=where)
    assert [json.loads(text)["id"] for text in found] == wanted
    page = backend.catalogue.works_page(EVERYTHING, page=1, per_page=200, where=where)
    assert (page.total_count, list(page.documents)) == (len(wanted), found)
    cards = backend.catalogue.cards(EVERYTHING, viewer=None, after=None, limit=200, where=where)
    assert [str(card.id) for card in cards.cards] == wanted


def test_a_filter_by_library_shows_no_more_than_is_granted(backend, rows, many):
    one, other = many
    in_other = page_titles(backend, EVERYTHING, where=WorkFilter(library=other.id))
    assert in_other == page_titles(backend, seen(other, learnt=True))
    assert page_titles(backend, seen(one), where=WorkFilter(library=other.id)) == []
    assert page_titles(backend, EVERYTHING, where=WorkFilter(library=ABSENT)) == []


def test_a_filter_by_availability_looks_at_visible_videos(backend, rows):
    one, other = rows.library("one"), rows.library("other")
    work, _ = rows.film(rows.location(one))
    hidden = rows.second_video(work, rows.location(other))
    rows.mark(hidden, availability="offline")
    offline = WorkFilter(availability=Availability.OFFLINE)
    assert page_titles(backend, EVERYTHING, where=offline) == ["Dawn"]
    assert page_titles(backend, seen(one), where=offline) == []


@pytest.mark.parametrize(
    "cursor", ["", "x", "e30=", "W10=", "bnVsbA==", "WyJ0aXRsZSJd", "é", "[]", "A" * 5000]
)
def test_what_is_no_cursor_is_refused(backend, rows, cursor):
    for act in (backend.catalogue.works_after,):
        with pytest.raises(CursorInvalid):
            act(EVERYTHING, after=cursor, limit=5)
    with pytest.raises(CursorInvalid):
        backend.catalogue.cards(EVERYTHING, viewer=None, after=cursor, limit=5, query="x")


def test_a_cursor_of_another_order_is_refused(backend, rows, many):
    cursor = backend.catalogue.works_after(EVERYTHING, after=None, limit=5, sort="title").after
    for sort in SORTS[1:]:
        with pytest.raises(CursorInvalid):
            backend.catalogue.works_after(EVERYTHING, after=cursor, limit=5, sort=sort)


def test_a_walk_goes_on_where_works_come_and_go(backend, rows):
    location = rows.location()
    films = [rows.film(location, f"Film {n:02}")[1] for n in range(10)]
    first = backend.catalogue.works_after(EVERYTHING, after=None, limit=4)
    rows.mark(films[3], films[5], availability="gone")
    rows.film(location, "Film 00 too")
    rest = backend.catalogue.works_after(EVERYTHING, after=first.after, limit=50)
    assert titles(rest.documents) == [f"Film {n:02}" for n in (4, 6, 7, 8, 9)]


def test_counts_for_the_admin_name_every_library_and_location(backend, rows):
    one, empty = rows.library("one"), rows.library("empty")
    here, idle = rows.location(one), rows.location(one)
    work, _ = rows.film(here, video={"file_size": 10})
    rows.second_video(work, here, file_size=5)
    gone = rows.film(here, "Gone")[1]
    rows.mark(gone, availability="gone")
    assert backend.catalogue.library_counts() == {
        one.id: Totals(1, 2, 15),
        empty.id: Totals(0, 0, 0),
    }
    assert backend.catalogue.location_counts() == {
        here.id: Totals(1, 2, 15),
        idle.id: Totals(0, 0, 0),
    }


def test_a_stream_target_says_where_the_bytes_are(backend, rows):
    connection, location = rows.peer()
    rows.learn(connection, location, rows.remote("1"))
    (text,) = backend.catalogue.works_page(EVERYTHING, page=1, per_page=1).documents
    work = json.loads(text)
    target = backend.catalogue.stream_target(EVERYTHING, UUID(work["videos"][0]["id"]))
    assert (target.connection_id, target.location_id) == (connection.id, location.id)
    assert (target.locator, target.filename, target.file_size) == ("1-v0", "1-0.mkv", 5000)
    assert (str(target.work_id), target.container) == (work["id"], "matroska")
    assert target.availability is Availability.AVAILABLE


def test_cards_say_what_a_grid_shows(backend, rows):
    library = rows.library()
    ann, bob = rows.user("ann"), rows.user("bob")
    work, video = rows.film(rows.location(library), year=1999)
    rows.watch(ann, video, 15.125)
    connection, location = rows.peer("Bea", library)
    rows.learn(connection, location, rows.remote("1", "Zulu", available=False))
    mine, theirs = backend.catalogue.cards(EVERYTHING, viewer=ann.id, after=None, limit=9).cards
    assert (mine.id, mine.title, mine.year, mine.duration) == (work.id, "Dawn", 1999, 60.5)
    assert (mine.thumbnail_video_id, mine.available, mine.sources) == (video.id, True, ())
    assert (mine.position_share, mine.watched) == (0.25, False)
    assert (theirs.title, theirs.sources, theirs.available) == ("Zulu", ("Bea",), False)
    other = backend.catalogue.cards(EVERYTHING, viewer=bob.id, after=None, limit=1)
    assert other.cards[0].position_share is None
    assert other.after is not None


def test_cards_are_walked_as_works_are(backend, rows, many):
    whole = [json.loads(text)["id"] for text in walk(backend, EVERYTHING, 200, sort="-year")]
    found, after = [], None
    while True:
        part = backend.catalogue.cards(EVERYTHING, viewer=None, after=after, limit=7, sort="-year")
        found += [str(card.id) for card in part.cards]
        after = part.after
        if after is None:
            break
    assert found == whole


def test_found_cards_are_walked_to_the_end_once_each(backend, rows, many):
    found, after = [], None
    while True:
        part = backend.catalogue.cards(EVERYTHING, viewer=None, after=after, limit=5, query="zeb")
        found += [card.id for card in part.cards]
        after = part.after
        if after is None:
            break
    assert (len(found), len(set(found))) == (12, 12)


def test_begun_and_unfinished_works_come_the_last_watched_first(backend, rows):
    location, ann, bob = rows.location(), rows.user("ann"), rows.user("bob")
    videos = {title: rows.film(location, title)[1] for title in "ABCDE"}
    for title in "ABC":
        rows.clock.forward(minutes=1)
        rows.watch(ann, videos[title])
    rows.watch(ann, videos["D"], 0.0)
    rows.watch(ann, videos["E"], 20.0, watched=True)
    rows.watch(bob, videos["D"], 10.0)

    def begun(limit=9):
        cards = backend.catalogue.continue_watching(EVERYTHING, viewer=ann.id, limit=limit)
        return [card.title for card in cards]

    assert begun() == ["C", "B", "A"]
    assert begun(2) == ["C", "B"]
    rows.mark(videos["C"], availability="gone")
    assert begun() == ["B", "A"]
    assert list(backend.catalogue.continue_watching(NOTHING, viewer=ann.id, limit=9)) == []


def test_the_work_page_shows_videos_with_their_places(backend, rows):
    library, user = rows.library("Films"), rows.user()
    work, video = rows.film(rows.location(library, "disk"), description="d", tags=("t",))
    rows.watch(user, video, 12.0)
    view = backend.catalogue.work_view(EVERYTHING, work.id, viewer=user.id)
    assert (view.title, view.description, view.tags) == ("Dawn", "d", ("t",))
    (shown,) = view.videos
    assert (shown.location_name, shown.library_name, shown.source) == ("disk", "Films", "")
    assert (shown.position, shown.watched, shown.width) == (12.0, False, 1280)
    assert (shown.filename, shown.file_size) == (video.filename, video.file_size)
