"""Narrowing the library, series and seasons, posters, what the work page links to."""

import re
import zlib
from html import unescape

import pytest

from domain.library.description import Credit, CreditRole
from tests.web.pages.test_viewing import PICTURE, titles


@pytest.fixture
def shelf(site):
    place = site.location()
    helm = Credit("Brigitte Helm", CreditRole.ACTOR, "Maria")
    site.film("Metropolis", location=place, year=1927, rating=8.3, genres=("Drama",),
              tags=("silent",), credits=(helm,))  # fmt: skip
    site.film("Alraune", location=place, year=1928, rating=6.0, genres=("Horror",), credits=(helm,))
    site.film("Dawn", location=place, year=1928, genres=("Drama",), offline=True)
    return place


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["Alraune", "Dawn", "Metropolis"]),
        ("genre=Drama", ["Dawn", "Metropolis"]),
        ("genre=Drama&year=1928", ["Dawn"]),
        ("person=Brigitte+Helm", ["Alraune", "Metropolis"]),
        ("tag=silent", ["Metropolis"]),
        ("min_rating=7", ["Metropolis"]),
        ("availability=offline", ["Dawn"]),
        ("kind=episode", []),
        ("genre=Western", []),
        ("min_rating=eleven", ["Alraune", "Dawn", "Metropolis"]),
        ("kind=nonsense", ["Alraune", "Dawn", "Metropolis"]),
    ],
)
def test_the_grid_is_narrowed_by_its_address(ben, shelf, query, found):
    assert sorted(titles(ben.get(f"/library?{query}"))) == found


def test_the_form_shows_what_the_address_asks_for(ben, shelf):
    text = ben.get("/library?genre=Drama&min_rating=8&person=Helm").text
    assert "<option selected>Drama</option>" in text
    assert 'value="8" selected' in text
    assert 'value="Helm"' in text
    assert '<details class="more-filters" open>' in text


def test_paging_keeps_the_filters(ben, site):
    place = site.location()
    for number in range(70):
        site.film(f"Film {number:02}", location=place, genres=("Drama",))
    first = ben.get("/library?genre=Drama&sort=-created_at")
    onward = unescape(re.search(r'rel="next" href="([^"]+)"', first.text)[1])
    assert "genre=Drama" in onward
    assert "sort=-created_at" in onward
    second = ben.get(f"/library{onward}")
    assert len(titles(first)) + len(titles(second)) == 70
    assert not set(titles(first)) & set(titles(second))


def test_episodes_are_listed_by_their_series_and_not_among_the_films(ben, site, shelf):
    rails = site.series()
    site.episode(rails, 1, 1, "The Train")
    assert "The Train" not in titles(ben.get("/library"))
    assert titles(ben.get("/library?kind=episode")) == ["Rails"]  # under the name that people know
    assert titles(ben.get("/series")) == ["Rails"]
    assert "1 episode" in ben.get("/series").text


def test_a_series_page_shows_a_season_at_a_time(ben, site):
    rails = site.series(description="Trains.", year=1990)
    site.episode(rails, 0, 1, "Special")
    site.episode(rails, 1, 2, "Second")
    site.episode(rails, 1, 1, "First")
    site.episode(rails, 2, 1, "Later")
    page = ben.get(f"/series/{rails.id}")
    assert titles(page) == ["First", "Second"]
    assert "Specials" in page.text
    assert "Trains." in page.text
    assert titles(ben.get(f"/series/{rails.id}?season=2")) == ["Later"]
    assert titles(ben.get(f"/series/{rails.id}?season=0")) == ["Special"]
    for nonsense in ("9", "x", "-1", "9" * 30):
        assert titles(ben.get(f"/series/{rails.id}?season={nonsense}")) == ["First", "Second"]


def test_a_series_page_leads_to_what_is_to_be_watched_next(ben, site):
    rails = site.series()
    first, second = site.episode(rails, 1, 1), site.episode(rails, 1, 2)
    ben.post(f"/work/{first.work_id}/watched", at="/account", watched="yes")
    text = ben.get(f"/series/{rails.id}").text
    link = re.search(r'button-primary button-big" href="([^"]+)"', text)[1]
    assert link == f"/work/{second.work_id}"


def test_a_long_season_has_pages(ben, site):
    rails = site.series()
    for number in range(1, 66):
        site.episode(rails, 1, number)
    first = ben.get(f"/series/{rails.id}")
    second = ben.get(unescape(re.search(r'rel="next" href="([^"]+)"', first.text)[1]))
    assert (len(titles(first)), len(titles(second))) == (60, 5)


def test_home_shows_new_episodes_under_their_series(ben, site, shelf):
    site.episode(site.series(), 1, 7, "The Train")
    text = ben.get("/").text
    assert "New episodes" in text
    assert "S01E07" in text


def test_what_comes_next_is_found_across_seasons(ben, site):
    rails = site.series()
    first, last = site.episode(rails, 1, 1), site.episode(rails, 1, 2)
    later = site.episode(rails, 2, 1)
    assert f'href="/watch/{last.id}" data-next' in ben.get(f"/watch/{first.id}").text
    assert f'href="/watch/{later.id}" data-next' in ben.get(f"/watch/{last.id}").text
    assert "data-next" not in ben.get(f"/watch/{later.id}").text
    assert f"/work/{later.work_id}" in ben.get(f"/work/{last.work_id}").text


def test_a_film_has_nothing_next(ben, site):
    assert "data-next" not in ben.get(f"/watch/{site.film().id}").text


def test_a_work_page_leads_to_what_is_like_it(ben, site, shelf):
    video = site.film("Alone", location=shelf, genres=("Film Noir",), tags=("a&b",),
                      credits=(Credit("Fritz Lang", CreditRole.DIRECTOR),))  # fmt: skip
    text = ben.get(f"/work/{video.work_id}").text
    for name in ("genre", "tag", "person"):
        href = unescape(re.search(rf'href="(/library\?{name}=[^"]+)"', text)[1])
        assert titles(ben.get(href)) == ["Alone"]


def test_only_admins_see_the_way_to_the_edit_page(ann, ben, site):
    video, rails = site.film(), site.series()
    site.episode(rails, 1, 1)
    for path in (f"/work/{video.work_id}", f"/series/{rails.id}"):
        assert "/edit" in ann.get(path).text
        assert "/edit" not in ben.get(path).text


def test_a_poster_is_shown_where_it_is_and_titles_where_not(ben, site):
    place = site.location()
    digest = "0123456789abcdef"
    with_one = site.film("With", location=place, poster=digest)
    site.film("Without", location=place)
    site.container.assets().put(f"posters/{with_one.work_id}.webp", PICTURE)
    text = ben.get("/library").text
    address = f"/work/{with_one.work_id}/poster?v={digest}"
    assert address in text
    assert "poster-typed" in text

    answer = ben.get(address)
    assert (answer.status_code, answer.headers["ETag"]) == (200, f'"{digest}"')
    assert ben.get(address, headers={"If-None-Match": f'"{digest}"'}).status_code == 304
    stale = ben.get(f"/work/{with_one.work_id}/poster?v=old")
    assert "no-cache" in stale.headers["Cache-Control"]


def test_a_poster_that_is_not_there_is_not_found(ben, site):
    video = site.film(poster="0123456789abcdef")
    rails = site.series(poster="0123456789abcdef")
    site.episode(rails, 1, 1)
    unknown = "01900000-0000-7000-8000-000000000000"
    for path in (f"/work/{video.work_id}", f"/work/{unknown}", f"/series/{rails.id}"):
        assert ben.get(f"{path}/poster").status_code == 404
    site.container.assets().put(f"posters/{video.work_id}.webp", b"<svg onload=alert(1)>")
    assert ben.get(f"/work/{video.work_id}/poster").status_code == 404
    assert ben.get(f"/series/{unknown}").status_code == 404


def test_the_pages_keep_to_their_budget(ann, site):
    place = site.location()
    people = tuple(Credit(f"Person {n}", CreditRole.ACTOR, "Somebody") for n in range(200))
    long = "An ordinary title of an ordinary length for a film "
    for number in range(60):
        site.film(f"{long}{number}", location=place, year=1950 + number, poster="0" * 16)
    video = site.film("Crowd", location=place, credits=people, description="word " * 3000)
    for path in ("/", "/library", f"/work/{video.work_id}", f"/admin/works/{video.work_id}/edit"):
        answer = ann.get(path)
        assert len(zlib.compress(answer.data)) < 60 * 1024, path
