"""The catalogue as lines, and what may be filtered by whom."""

import json

import pytest

from app.api.exports import LINES, MOST_AT_ONCE
from domain.library.description import Credit, CreditRole
from ports.library.catalogue import CursorInvalid

AS_LINES = {"Accept": LINES}


@pytest.fixture
def shelf(home):
    return home.shelf()


@pytest.fixture
def reader(home, shelf):
    return home.key("read", "stream", "metadata", libraries=[shelf])


def lines(response):
    assert (response.status_code, response.content_type) == (200, LINES)
    assert response.data == b"" or response.data.endswith(b"\n")
    return [json.loads(line) for line in response.data.splitlines()]


def test_all_works_come_as_they_come_one_by_one(home, shelf, reader):
    films = [home.film(shelf, f"Film {number}", description="d") for number in range(3)]
    home.film(home.shelf("Private"), "Home video")

    works = lines(home.get("/api/v1/works", reader, headers=AS_LINES))

    alone = [home.get(f"/api/v1/works/{film.work.id}", reader).get_json() for film in films]
    assert works == alone


def test_only_what_a_filter_leaves_is_sent(home, shelf, reader):
    home.film(shelf, "One", genres=("Crime",))
    home.film(shelf, "Two", genres=("Drama",))

    works = lines(home.get("/api/v1/works?filter=genre:CRIME", reader, headers=AS_LINES))

    assert [work["title"] for work in works] == ["One"]


def test_an_empty_catalogue_is_no_line(home, reader):
    assert lines(home.get("/api/v1/works", reader, headers=AS_LINES)) == []


@pytest.mark.parametrize(
    ("accept", "is_lines"),
    [
        ("*/*", False),
        ("application/json", False),
        ("application/json, application/x-ndjson;q=0.5", False),
        ("application/x-ndjson, application/json;q=0.5", True),
        ("application/*", False),
        ("text/html", False),
    ],
)
def test_lines_are_sent_to_whoever_likes_them_best(home, shelf, reader, accept, is_lines):
    home.film(shelf, "One")

    response = home.get("/api/v1/works", reader, headers={"Accept": accept})

    assert (response.content_type == LINES) is is_lines
    assert "Accept" in response.headers["Vary"].split(", ")


@pytest.mark.parametrize("query", ["page=1", "per_page=5", "after=", "sort=title"])
def test_pages_do_not_go_with_lines(home, reader, query):
    response = home.get(f"/api/v1/works?{query}", reader, headers=AS_LINES)

    assert response.status_code == 400
    assert response.get_json()["errors"][0]["field"] == query.partition("=")[0]


def test_there_are_few_places_and_they_are_given_back(home, shelf, reader):
    home.film(shelf, "One")
    running = [
        home.get("/api/v1/works", reader, headers=AS_LINES, buffered=False)
        for _ in range(MOST_AT_ONCE)
    ]

    refused = home.get("/api/v1/works", reader, headers=AS_LINES)
    for response in running:
        response.close()

    assert refused.status_code == 503
    assert (refused.get_json()["code"], refused.headers["Retry-After"]) == ("exports.busy", "30")
    assert lines(home.get("/api/v1/works", reader, headers=AS_LINES))


def test_what_fails_at_once_is_an_error_and_frees_its_place(home, shelf, reader, monkeypatch):
    def broken(*_, **__):
        raise CursorInvalid
        yield b""

    monkeypatch.setattr(home.catalogue, "export", broken)
    answers = [home.get("/api/v1/works", reader, headers=AS_LINES) for _ in range(5)]

    assert {answer.status_code for answer in answers} == {400}


FILTERS = [
    ("genre:crime", ["One"]),
    ("person:jose", ["One"]),
    ("person:Ann Other", ["Two"]),
    ("tag:NOIR", ["One", "Two"]),
    ("season:1", ["One"]),
    ("kind:film", ["Two"]),
    ("kind:episode", ["One"]),
    ("min_rating:8", ["Two"]),
    ("genre:crime,year:1999", ["One"]),
    ("genre:crime,year:2000", []),
    ("genre:nothing", []),
]


@pytest.fixture
def described(home, shelf, new_id):
    home.film(
        shelf, "One", genres=("Crime",), director="José", series_id=new_id(), season=1, episode=2,
        year=1999, tags=("Noir",), rating=5.0,
    )  # fmt: skip
    credit = Credit("Ann Other", CreditRole.ACTOR, "Herself")
    home.film(shelf, "Two", credits=(credit,), tags=("noir",), rating=8.0, year=2000)


@pytest.mark.parametrize(("text", "titles"), FILTERS)
def test_works_are_filtered_by_what_describes_them(home, described, reader, text, titles):
    response = home.get("/api/v1/works", reader, query_string={"filter": text})

    assert [work["title"] for work in response.get_json()["works"]] == titles


@pytest.mark.parametrize("text", [text for text, _ in FILTERS] + ["series:" + "0" * 32])
def test_without_metadata_nothing_is_found_out_by_filters(home, shelf, described, text):
    key = home.key("read", libraries=[shelf])

    for headers in ({}, AS_LINES):
        response = home.get("/api/v1/works", key, query_string={"filter": text}, headers=headers)
        assert (response.status_code, response.get_json()["code"]) == (403, "scope.missing")
    assert home.get("/api/v1/works?sort=-rating", key).status_code == 403
    assert home.get("/api/v1/works?filter=year:1999&sort=-year", key).status_code == 200


@pytest.mark.parametrize(
    "text",
    ["genre:" + "x" * 101, "person:" + "x" * 201, "person:%00", "series:x", "season:-1", "season:1e3",
     "season:10001", "season:٣", "kind:clip", "kind:Film", "genre:", "genre:a,genre:b"],
)  # fmt: skip
def test_bad_conditions_are_refused(home, reader, text):
    response = home.get(f"/api/v1/works?filter={text}", reader)

    assert response.status_code == 400
    assert response.get_json()["errors"][0]["field"] == "filter"
