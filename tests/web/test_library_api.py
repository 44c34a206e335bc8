from uuid import uuid4

import pytest

WORK = {
    "id", "title", "year", "description", "director", "rating", "content_rating", "tags", "organized",
    "created_at", "updated_at", "videos",
}  # fmt: skip
VIDEO = {
    "id", "filename", "file_size", "web_compatible", "duration", "width", "height", "video_codec",
    "audio_codec", "container", "fingerprints", "storage_type", "availability", "created_at", "updated_at",
}  # fmt: skip


@pytest.fixture
def shelf(home):
    return home.shelf()


@pytest.fixture
def reader(home, shelf):
    return home.key("read", "stream", "metadata", libraries=[shelf])


def next_link(response):
    link = response.headers.get("Link")
    if link is None:
        return None
    target, relation = link.split(";")
    assert relation.strip() == 'rel="next"'
    return target.strip("<>")


def test_ping_says_ok_and_when(home, reader):
    body = home.get("/api/v1/ping", reader).get_json()

    assert body == {"status": "ok", "timestamp": "2026-01-01T00:00:00.000000Z"}


def test_the_instance_counts_only_what_the_caller_sees(home, shelf, reader):
    other = home.shelf("Private")
    home.film(shelf, "Metropolis")
    home.film(other, "Home video")

    body = home.get("/api/v1/instance", reader).get_json()

    assert body == {
        "name": "Films", "version": "1.0.0", "description": "Ours",
        "total_works": 1, "total_videos": 1, "total_storage": 1000,
    }  # fmt: skip


def test_works_come_in_pages_by_title(home, shelf, reader):
    for title in ("Zorro", "alpha", "Metropolis"):
        home.film(shelf, title, year=1999)

    first = home.get("/api/v1/works?per_page=2", reader)
    second = home.get(next_link(first), reader)

    assert [w["title"] for w in first.get_json()["works"]] == ["alpha", "Metropolis"]
    assert first.get_json()["pagination"] == {"current_page": 1, "total_pages": 2, "total_count": 3}
    assert [w["title"] for w in second.get_json()["works"]] == ["Zorro"]
    assert next_link(second) is None
    work = first.get_json()["works"][0]
    assert set(work) >= WORK
    assert set(work["videos"][0]) >= VIDEO


def test_who_asks_for_no_number_is_led_on_by_cursor(home, shelf, reader):
    for number in range(5):
        home.film(shelf, f"Film {number}")

    plain = home.get("/api/v1/works?per_page=2", reader)
    numbered = home.get("/api/v1/works?per_page=2&page=1", reader)

    assert "after=" in next_link(plain)
    assert "page=2" in next_link(numbered)
    following = [home.get(next_link(r), reader).get_json()["works"] for r in (plain, numbered)]
    assert following[0] == following[1]
    assert [w["title"] for w in following[0]] == ["Film 2", "Film 3"]


def test_a_keyset_walk_meets_every_work_once(home, shelf, reader):
    for number in range(7):
        home.film(shelf, f"Film {number}")

    target, titles = "/api/v1/works?after=&per_page=3", []
    while target:
        response = home.get(target, reader)
        titles += [w["title"] for w in response.get_json()["works"]]
        target = next_link(response)

    assert titles == [f"Film {number}" for number in range(7)]


def test_filters_and_order_stay_on_the_way(home, shelf, reader):
    for number in range(3):
        home.film(shelf, f"Film {number}", year=1999, tags=("noir, really",))
    home.film(shelf, "Other", year=2001)

    target, titles = "/api/v1/works?after=&per_page=1&sort=-title&filter=year:1999", []
    while target:
        response = home.get(target, reader)
        titles += [w["title"] for w in response.get_json()["works"]]
        target = next_link(response)

    assert titles == ["Film 2", "Film 1", "Film 0"]
    found = home.get("/api/v1/works?filter=tag:noir\\, really,year:1999", reader).get_json()
    assert found["pagination"]["total_count"] == 3


def test_a_page_behind_the_last_is_empty(home, shelf, reader):
    home.film(shelf, "Only")

    body = home.get("/api/v1/works?page=99999999999999999999999", reader).get_json()

    assert body["works"] == []
    assert body["pagination"]["total_count"] == 1


def test_per_page_stops_at_its_cap(home, shelf, reader):
    body = home.get("/api/v1/works?per_page=100000", reader).get_json()

    assert body["pagination"] == {"current_page": 1, "total_pages": 0, "total_count": 0}


@pytest.mark.parametrize("name", ["page", "per_page"])
@pytest.mark.parametrize(
    "value", ["0", "-1", "+1", " 1", "1 ", "", "1.0", "x", "٣", "1e3", "000", "%00"]
)
def test_a_bad_number_is_refused_by_name(home, reader, name, value):
    for path in ("/api/v1/works", "/api/v1/videos/search"):
        response = home.get(path, reader, query_string={name: value})

        assert response.status_code == 400
        assert name in response.get_json()["detail"]


@pytest.mark.parametrize(
    "query",
    [
        "page=1&page=2", "sort=length", "sort=title&sort=title", "filter=year", "filter=colour:red",
        "filter=year:x", "filter=year:1999,year:2000", "filter=library:x", "filter=min_rating:11",
        "filter=availability:gone", "filter=year:1999,", "filter=,", "filter=:x", "after=x&page=1", "after=nonsense", "filter=tag:%00",
    ],
)  # fmt: skip
def test_bad_parameters_of_works_are_refused(home, reader, query):
    response = home.get(f"/api/v1/works?{query}", reader)

    assert response.status_code == 400
    assert response.content_type == "application/problem+json"


def test_unknown_parameters_are_ignored(home, reader):
    assert home.get("/api/v1/works?colour=red", reader).status_code == 200


def test_a_work_and_a_video_on_their_own(home, shelf, reader):
    film = home.film(shelf, "Metropolis", year=1927, description="A city", tags=("silent",))

    work = home.get(f"/api/v1/works/{film.work.id}", reader).get_json()
    video = home.get(f"/api/v1/videos/{film.video.id}", reader).get_json()

    assert work["title"] == "Metropolis"
    assert [v["id"] for v in work["videos"]] == [str(film.video.id)]
    assert video["work_id"] == str(film.work.id)
    assert video["work_title"] == "Metropolis"
    assert "locator" not in video


def test_without_the_scope_metadata_some_fields_are_withheld(home, shelf):
    film = home.film(shelf, "Metropolis", description="A city", director="Lang", rating=8.0)
    key = home.key("read", libraries=[shelf])

    work = home.get(f"/api/v1/works/{film.work.id}", key).get_json()

    assert not {"description", "director", "rating", "tags", "external_ids"} & set(work)


def test_what_is_not_granted_does_not_exist(home, shelf, reader):
    other = home.shelf("Private")
    hidden = home.film(other, "Home video")
    home.pictures[hidden.video.id] = b"RIFF"

    for path in ("works/{w}", "videos/{v}", "videos/{v}/thumbnail"):
        real = home.get("/api/v1/" + path.format(w=hidden.work.id, v=hidden.video.id), reader)
        unknown = home.get("/api/v1/" + path.format(w=uuid4(), v=uuid4()), reader)
        assert real.status_code == unknown.status_code == 404
        without = {"request_id", "instance"}
        bodies = [
            {k: v for k, v in answer.get_json().items() if k not in without}
            for answer in (real, unknown)
        ]
        assert bodies[0] == bodies[1]


def test_search_finds_folded_words(home, shelf, reader):
    home.film(shelf, "Amélie")

    body = home.get("/api/v1/videos/search?query=AMELIE", reader).get_json()

    assert [v["work_title"] for v in body["videos"]] == ["Amélie"]
    assert body["pagination"] == {"current_page": 1, "total_pages": 1, "total_count": 1}


@pytest.mark.parametrize("query", ["", "query=", "query=%20%20", "query=%00"])
def test_a_blank_search_is_the_same_envelope_empty(home, reader, query):
    body = home.get(f"/api/v1/videos/search?{query}", reader).get_json()

    assert body == {
        "videos": [],
        "pagination": {"current_page": 1, "total_pages": 0, "total_count": 0},
    }


def test_a_query_takes_200_characters(home, reader):
    assert home.get("/api/v1/videos/search?query=" + "ä" * 200, reader).status_code == 200

    response = home.get("/api/v1/videos/search?query=" + "ä" * 201, reader)

    assert response.status_code == 422
    assert response.get_json()["errors"][0]["field"] == "query"


def test_a_picture_is_sent_once_and_then_recognised(home, shelf, reader):
    film = home.film(shelf, "Metropolis")
    path = f"/api/v1/videos/{film.video.id}/thumbnail"
    assert home.get(path, reader).status_code == 404
    home.pictures[film.video.id] = b"RIFF....WEBPVP8 picture"

    first = home.get(path, reader)
    again = home.get(path, reader, headers={"If-None-Match": first.headers["ETag"]})

    assert (first.status_code, first.content_type) == (200, "image/webp")
    assert "private" in first.headers["Cache-Control"]
    assert (again.status_code, again.data) == (304, b"")


def test_what_is_no_picture_is_not_sent(home, shelf, reader):
    film = home.film(shelf, "Metropolis")
    home.pictures[film.video.id] = b"<svg onload=alert(1)>"

    assert home.get(f"/api/v1/videos/{film.video.id}/thumbnail", reader).status_code == 404


def test_head_is_get_without_a_body(home, reader):
    get = home.get("/api/v1/works", reader)
    head = home.get("/api/v1/works", reader, method="HEAD")

    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == get.headers["Content-Length"]


def test_the_public_addresses_answer_without_a_key(home):
    descriptor = home.get("/.well-known/velour").get_json()
    keys = home.get("/.well-known/jwks.json")

    assert descriptor["jwks_uri"] == "https://films.example/.well-known/jwks.json"
    assert descriptor["links"] == {}
    assert keys.get_json()["keys"][0]["kty"] == "OKP"
    assert "max-age" in keys.headers["Cache-Control"]
    assert home.get("/health/live").get_json() == {"status": "ok"}
    assert home.get("/health/ready").get_json() == {"status": "ok"}


def test_readiness_tells_no_details(home):
    home.is_ready = False

    response = home.get("/health/ready")

    assert response.status_code == 503
    assert response.get_json()["detail"] == "not ready"


def test_without_federation_there_is_no_descriptor_and_peers_are_refused(make_node):
    node = make_node(federation_enabled=False)
    shelf = node.shelf()

    assert node.get("/.well-known/velour").status_code == 404
    assert node.get("/api/v1/changes").status_code == 404
    assert node.get("/api/v1/federation/x").status_code == 404
    assert node.get("/api/v1/works", node.key("read", libraries=[shelf])).status_code == 403
    assert node.get("/api/v1/works", node.key("read", kind="app")).status_code == 200
