"""Headers, forms from elsewhere, hostile texts, errors."""

import re
from pathlib import Path

import pytest

HOSTILE = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
POSTS = [
    "/sign-in",
    "/sign-out",
    "/setup",
    "/account",
    "/work/{id}/watched",
    "/watch/{id}/progress",
]
UNKNOWN = "01900000-0000-7000-8000-000000000000"

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@pytest.mark.parametrize("name", HEADERS)
def test_every_answer_carries_the_header(ann, name):
    paths = ("/", "/sign-in", "/library", "/admin/", "/nothing", "/api/v1/ping", "/static/pages.js")
    for path in paths:
        assert ann.get(path).headers[name] == HEADERS[name], path


@pytest.mark.parametrize("path", ["/", "/library", "/account", "/admin/", "/nothing"])
def test_pages_are_kept_nowhere(ann, path):
    answer = ann.get(path)
    assert answer.headers["Cache-Control"] == "no-store"
    assert path == "/nothing" or "Cookie" in answer.headers["Vary"]


def test_browsers_are_told_to_stay_with_https(make_site):
    site = make_site("https://films.test")
    assert (
        site.stranger().get("/sign-in").headers["Strict-Transport-Security"].startswith("max-age=")
    )


def test_http_says_nothing_of_https(site):
    assert "Strict-Transport-Security" not in site.stranger().get("/sign-in").headers


def test_files_are_kept_for_good_by_their_hash(site):
    visitor = site.stranger()
    href = re.search(r'href="(/static/velour\.css\?v=\w+)"', visitor.get("/sign-in").text)[1]
    assert "immutable" in visitor.get(href).headers["Cache-Control"]
    assert "immutable" not in visitor.get("/static/velour.css").headers.get("Cache-Control", "")


def test_nothing_comes_from_elsewhere_and_nothing_is_inline(ann, site):
    video = site.film()
    for path in ("/", "/library", "/account", f"/work/{video.work_id}", "/admin/", "/search?q=m"):
        text = ann.get(path).text
        assert not re.search(r"<(script|style)(?![^>]*\bsrc=)[^>]*>", text), path
        assert not re.search(r"\s(style|on\w+)=", re.sub(r'"[^"]*"', '""', text)), path
        assert not re.search(r'(src|href|action)="(https?:)?//', text), path


def test_files_stay_within_their_budget(site):
    root = site.app.blueprints["browser"].static_folder
    scripts = sum(path.stat().st_size for path in Path(root).glob("*.js"))
    styles = sum(path.stat().st_size for path in Path(root).glob("*.css"))
    assert scripts <= 60_000
    assert styles <= 40_000


@pytest.mark.parametrize("path", POSTS)
def test_a_form_without_its_token_is_refused(ann, path):
    answer = ann.post_bare(path.format(id=UNKNOWN))
    assert answer.status_code == 400
    assert "Nothing was changed" in answer.text


@pytest.mark.parametrize("path", POSTS)
def test_a_token_of_another_session_is_refused(ann, ben, path):
    answer = ann.post_bare(path.format(id=UNKNOWN), csrf_token=ben.token("/account"))
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
     {"Origin": "https://evil.example"}, {"Origin": "http://films.test.evil.example"},
     {"Origin": "http://[broken"}],
)  # fmt: skip
def test_a_form_of_another_site_is_refused_even_with_a_token(ben, headers):
    assert ben.post("/sign-out", at="/account", headers=headers).status_code == 400
    assert ben.get("/").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "same-origin", "Origin": "null"}, {"Origin": "http://films.test"},
     {"Origin": "null"}, {}],
)  # fmt: skip
def test_a_form_of_ours_is_taken(ben, headers):
    assert ben.post("/sign-out", at="/account", headers=headers).status_code == 303


def test_hostile_texts_stay_texts(ann, site):
    location = site.location(name=HOSTILE[:80])
    video = site.film(
        HOSTILE, location=location, description=HOSTILE, director=HOSTILE, tags=(HOSTILE[:90],),
        filename=HOSTILE, content_rating=HOSTILE,
    )  # fmt: skip
    ann.post(f"/watch/{video.id}/progress", at="/account", position="60")
    paths = (
        "/", "/library", "/search?q=script", f"/work/{video.work_id}", f"/watch/{video.id}",
        f"/library?tag={HOSTILE}", f"/search?q={HOSTILE}", f"/sign-in?next={HOSTILE}", "/admin/",
        "/admin/locations", f"/admin/locations/{location.id}", "/admin/audit",
    )  # fmt: skip
    for path in paths:
        text = ann.get(path, follow_redirects=True).text
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path


def test_an_error_is_a_page_with_words_and_an_id(ann):
    answer = ann.get("/nothing", headers={"X-Request-Id": "abcdefgh-12345678"})
    assert answer.status_code == 404
    assert answer.mimetype == "text/html"
    assert "There is nothing at this address." in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


def test_an_error_of_the_api_stays_a_document(ann):
    assert ann.get("/api/v1/nothing").mimetype == "application/problem+json"


def test_a_wrong_method_is_told_so(ann):
    assert ann.get("/sign-out").status_code == 405


@pytest.mark.parametrize(
    "path",
    ["/", "/library", "/search", "/account", f"/work/{UNKNOWN}", f"/watch/{UNKNOWN}",
     f"/art/{UNKNOWN}", "/admin/", "/admin/locations"],
)  # fmt: skip
def test_strangers_see_the_door_and_nothing_else(site, path):
    answer = site.stranger().get(path)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/sign-in")
    assert site.stranger().get("/sign-in").status_code == 200


@pytest.mark.parametrize("path", ["/account", "/sign-out", f"/work/{UNKNOWN}/watched"])
def test_strangers_send_nothing(site, path):
    answer = site.stranger().post(path, at="/sign-in")
    assert answer.status_code in {303, 401}
    assert path == "/sign-out" or answer.status_code == 401


def test_viewers_see_the_films_and_not_the_admin_frame(ben, site):
    video = site.film()
    for path in ("/", "/library", "/search?q=x", "/account", f"/work/{video.work_id}"):
        answer = ben.get(path)
        assert answer.status_code == 200
        assert "/admin/" not in answer.text
    assert ben.get(f"/watch/{video.id}").status_code == 200
    assert ben.get("/admin/").status_code == 403
