"""Pages, walks, orders, filters and cards of a catalogue."""

import json
from uuid import UUID

import pytest

from domain.library.video import Availability
from ports.library.catalogue import EVERYTHING, SORTS, CursorInvalid, Totals, WorkFilter
from tests.contracts.reading import ABSENT, NOTHING, page_titles, seen, sorted_by, titles, walk


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
    (WorkFilter(tag="ÉVEN"), lambda w: "even" in w["tags"]),
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
