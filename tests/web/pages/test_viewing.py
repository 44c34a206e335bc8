"""Finding films, watching them, going on later."""

import re
from html import unescape

import pytest

PICTURE = b"RIFF\x10\x00\x00\x00WEBPVP8 "


def titles(answer):
    return [unescape(t) for t in re.findall(r'class="card-title">([^<]*)<', answer.text)]


def follow(visitor, answer):
    query = unescape(re.search(r'rel="next" href="([^"]+)"', answer.text)[1])
    return visitor.get(f"/library{query}")


@pytest.fixture
def shelf(site):
    location = site.location()
    for number in range(130):
        site.film(f"Film {number:03}", location=location, year=1900 + number % 100)
    return location


def test_the_grid_pages_through_everything_once(ben, site, shelf):
    answer, seen = ben.get("/library"), []
    while True:
        seen += titles(answer)
        if 'rel="next"' not in answer.text:
            break
        answer = follow(ben, answer)
    assert seen == [f"Film {number:03}" for number in range(130)]


def test_the_order_and_the_filters_stand_in_the_address(ben, shelf):
    newest = ben.get("/library?sort=-year")
    assert titles(newest)[0] == "Film 099"
    assert titles(follow(ben, newest))[0] != "Film 099"
    one_year = titles(ben.get("/library?year=1907"))
    assert one_year == ["Film 007", "Film 107"]
    assert titles(ben.get(f"/library?library={shelf.library_id}"))[0] == "Film 000"
    assert titles(ben.get("/library?availability=offline")) == []


@pytest.mark.parametrize(
    "query", ["sort=nonsense", "year=x", "year=99999", "library=no-id", "availability=?", "tag="]
)
def test_conditions_that_cannot_be_read_count_as_none(ben, shelf, query):
    answer = ben.get(f"/library?{query}")
    assert answer.status_code == 200
    assert len(titles(answer)) == 60


def test_a_made_up_place_is_refused_in_words(ben):
    answer = ben.get("/library?after=nonsense")
    assert answer.status_code == 400
    assert "cursor" in answer.text


def test_search_finds_and_says_when_it_does_not(ben, site):
    site.film("Häxan")
    assert titles(ben.get("/search?q=haxan")) == ["Häxan"]
    assert "Nothing has these words" in ben.get("/search?q=zebra").text
    assert ben.get("/search").status_code == 200
    long = ben.get(f"/search?q={'x' * 201}")
    assert long.status_code == 422
    assert "at most 200" in long.text


def test_an_offline_film_is_shown_as_such_and_has_no_play_button(ben, site):
    video = site.film(offline=True)
    assert "Offline" in ben.get("/library").text
    page = ben.get(f"/work/{video.work_id}").text
    assert "Offline" in page
    assert "Nothing is lost" in page
    assert f"/watch/{video.id}" not in page


def test_an_unknown_film_is_not_found(ben):
    unknown = "01900000-0000-7000-8000-000000000000"
    for path in (f"/work/{unknown}", f"/watch/{unknown}", f"/art/{unknown}"):
        assert ben.get(path).status_code == 404


def test_the_player_has_a_signed_source_that_works_without_scripts(ben, site):
    video = site.film()
    page = ben.get(f"/watch/{video.id}").text
    assert re.search(r'<video[^>]* controls[^>]* src="/s/[\w-]+/film\.mp4#t=0\.0"', page)


def test_the_player_goes_on_where_one_was(ben, site):
    video = site.film()
    assert (
        ben.post(f"/watch/{video.id}/progress", at="/account", position="754.2").status_code == 204
    )
    assert 'data-start="754.2"' in ben.get(f"/watch/{video.id}").text
    assert 'data-start="12.0"' in ben.get(f"/watch/{video.id}?t=12").text
    assert 'data-start="0.0"' in ben.get(f"/watch/{video.id}?t=0").text
    assert "Continue watching" in ben.get("/").text
    assert "Resume at 12:34" in ben.get(f"/work/{video.work_id}").text


def test_one_persons_place_is_not_anothers(ann, ben, site):
    video = site.film()
    ben.post(f"/watch/{video.id}/progress", at="/account", position="754")
    assert 'data-start="0.0"' in ann.get(f"/watch/{video.id}").text
    assert "Continue watching" not in ann.get("/").text


def test_near_the_end_counts_as_watched(ben, site):
    video = site.film()
    ben.post(f"/watch/{video.id}/progress", at="/account", position="5900")
    assert "Watched" in ben.get(f"/work/{video.work_id}").text
    assert "Continue watching" not in ben.get("/").text


@pytest.mark.parametrize("position", ["-1", "nan", "inf", "", "x", "1e400"])
def test_nonsense_is_no_place_in_a_film(ben, site, position):
    video = site.film()
    answer = ben.post(f"/watch/{video.id}/progress", at="/account", position=position)
    assert answer.status_code == 422


@pytest.mark.parametrize("asked", ["nan", "inf", "-5", "x", "1e400"])
def test_nonsense_in_the_address_starts_where_it_can(ben, site, asked):
    answer = ben.get(f"/watch/{site.film().id}?t={asked}")
    assert answer.status_code == 200
    assert 'data-start="0.0"' in answer.text


def test_films_are_marked_by_hand_and_the_last_word_counts(ben, site):
    work = f"/work/{site.film().work_id}"
    ben.post(f"{work}/watched", at=work, watched="yes")
    assert "Mark as not watched" in ben.get(work).text
    ben.post(f"{work}/watched", at=work, watched="no")
    assert "Mark as watched" in ben.get(work).text


def test_a_picture_is_kept_by_the_browser_and_by_nobody_else(ben, site):
    video = site.film()
    assert ben.get(f"/art/{video.id}").status_code == 404
    site.container.assets().put(f"thumbnails/{video.id}.webp", PICTURE)
    answer = ben.get(f"/art/{video.id}")
    assert (answer.status_code, answer.mimetype) == (200, "image/webp")
    assert "private" in answer.headers["Cache-Control"]
    again = ben.get(f"/art/{video.id}", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_what_is_no_picture_is_not_sent_as_one(ben, site):
    video = site.film()
    site.container.assets().put(f"thumbnails/{video.id}.webp", b"<svg onload=alert(1)>")
    assert ben.get(f"/art/{video.id}").status_code == 404
