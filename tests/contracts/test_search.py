"""Searching by title and file name."""

import json

import pytest

from ports.library.catalogue import EVERYTHING, Visibility

TITLES = [
    "Amélie",
    "Die unendliche Geschichte",
    "Spider-Man",
    "Spider Man 2",
    "100% Wolf",
    "100 Wolves",
    "snake_case",
    "snake case",
    "ŒUVRE",
    "Straße",
    "東京物語",
    "It's “quoted” AND (NEAR) OR *",
    "C++ in an hour",
]


@pytest.fixture
def films(rows):
    location = rows.location()
    for number, title in enumerate(TITLES):
        rows.film(
            location, title, video={"filename": f"file{number:02}.mkv", "locator": str(number)}
        )
    return location


def found(backend, query, seen_by=EVERYTHING, **more):
    options = {"page": 1, "per_page": 100, **more}
    page = backend.catalogue.search_videos(seen_by, query, **options)
    return [json.loads(text)["work_title"] for text in page.documents], page.total_count


def check(backend, query, *expected):
    shown, count = found(backend, query)
    assert sorted(shown) == sorted(expected)
    assert count == len(expected)
    cards = backend.catalogue.cards(EVERYTHING, viewer=None, after=None, limit=100, query=query)
    assert sorted(card.title for card in cards.cards) == sorted(expected)


@pytest.mark.parametrize("query", ["amelie", "AMÉLIE", "Amélie", "améli", "  ame  "])
def test_case_and_accents_do_not_count(backend, films, query):
    check(backend, query, "Amélie")


def test_ligatures_and_sharp_s_are_found_as_typed(backend, films):
    check(backend, "oeuvre", "ŒUVRE")
    check(backend, "œuvre", "ŒUVRE")
    check(backend, "strasse", "Straße")
    check(backend, "東京", "東京物語")


def test_words_are_found_by_their_beginnings_in_any_order(backend, films):
    check(backend, "gesch unend", "Die unendliche Geschichte")
    check(backend, "spider", "Spider-Man", "Spider Man 2")
    check(backend, "spider-man", "Spider-Man", "Spider Man 2")
    check(backend, "spider xyz")


def test_parts_of_words_are_found_where_no_word_begins_so(backend, films):
    check(backend, "endlich", "Die unendliche Geschichte")
    check(backend, "eschicht nendlich", "Die unendliche Geschichte")
    check(backend, "wolv", "100 Wolves")


def test_beginnings_keep_parts_out(backend, films, rows):
    rows.film(films, "Endlich frei")
    check(backend, "endlich", "Endlich frei")


def test_percent_and_underscore_are_themselves(backend, films):
    check(backend, "%", "100% Wolf")
    check(backend, "_", "snake_case")
    check(backend, "100%", "100% Wolf")
    check(backend, "snake_case", "snake_case")
    check(backend, "snake case", "snake case", "snake_case")
    check(backend, "w%f")
    check(backend, "c++", "C++ in an hour")


@pytest.mark.parametrize("query", ["", " ", "\t\n", "\u3000", "'", '"', "()", "--", "؟"])
def test_blank_queries_find_nothing(backend, films, query):
    assert found(backend, query) == ([], 0)


@pytest.mark.parametrize(
    "query",
    ["AND", "near", 'quoted" OR 1', "it's", "NEAR(a b)", "title:x", "\\", "a*", "*", "^a", "{x}",
     "a:*", "!a & b", "<->", "NOT", "'; DROP TABLE video; --", "\ud800", "a" * 200, "%s", "\x00a"],
)  # fmt: skip
def test_signs_of_query_languages_are_plain_text(backend, films, query):
    shown, count = found(backend, query)
    assert len(shown) == count <= len(TITLES)


def test_operators_are_words(backend, films):
    check(backend, "and near or", "It's “quoted” AND (NEAR) OR *")
    check(backend, "quoted NOT")


def test_file_names_are_found_too(backend, films):
    check(backend, "file03", "Spider Man 2")
    check(backend, "spider file02", "Spider-Man")
    check(backend, "mkv", *TITLES)


def test_pages_of_results_are_disjoint_and_complete(backend, rows):
    location = rows.location()
    for number in range(25):
        rows.film(location, f"Part {number}")
    pages = [found(backend, "part", page=n, per_page=10) for n in (1, 2, 3, 4)]
    assert [len(shown) for shown, _ in pages] == [10, 10, 5, 0]
    assert {count for _, count in pages} == {25}
    assert len({title for shown, _ in pages for title in shown}) == 25


def test_what_is_not_visible_does_not_shape_the_answer(backend, rows):
    shared, secret = rows.library("shared"), rows.library("secret")
    rows.film(rows.location(secret), "Endlich")
    rows.film(rows.location(shared), "Unendlich")
    peer = Visibility(libraries=frozenset({shared.id}), learnt=False, metadata=True)
    # For this caller nothing begins with the word, so parts count, whatever others hold.
    assert found(backend, "endlich", peer) == (["Unendlich"], 1)


def test_a_changed_title_is_found_by_its_new_words(backend, rows):
    work, _ = rows.film(rows.location(), "Before")

    def rename(tx):
        stored = tx.works.get(work.id)
        stored.title = "After"
        tx.works.save(stored)

    rows.in_one(rename)
    check(backend, "before")
    check(backend, "after", "After")


def test_learnt_titles_follow_their_peer(backend, rows):
    connection, location = rows.peer()
    rows.learn(connection, location, rows.remote("1", "Before"))
    rows.learn(connection, location, rows.remote("1", "After"))
    check(backend, "before")
    check(backend, "after", "After")
