"""Who gets in: admins, and nobody else, on every page and for every button."""

import re

import pytest

UNKNOWN = "01900000-0000-7000-8000-000000000000"


@pytest.fixture
def rules(node):
    """Every path below /admin with the methods it takes."""
    found = [
        (re.sub(r"<uuid:item_id>", UNKNOWN, rule.rule), rule.methods & {"GET", "POST"})
        for rule in node.app.url_map.iter_rules()
        if rule.rule.startswith("/admin")
    ]
    assert len(found) > 40
    return found


@pytest.fixture
def pages(node):
    """Every page that can be looked at, with real objects behind it."""
    library = node.library()
    location = node.location(library=library)
    node.put_films(location, 30)
    (node.films / "broken.mp4").write_bytes(b"no film")
    job = node.scan(location)
    key, _ = node.key(libraries=[library])
    video = node.film_of_series()
    with node.rows() as tx:
        work = tx.works.get(video.work_id)
    ids = {
        "work": work.id, "video": video.id, "series": work.series_id,
        "location": location.id, "library": library.id, "key": key.id, "job": job.id,
        "connection": node.outbound().id, "person": node.person("ben").id,
    }  # fmt: skip
    return [
        rule.rule.replace("<uuid:item_id>", str(ids.get(rule.endpoint[6:].partition("_")[0])))
        for rule in node.app.url_map.iter_rules()
        if rule.rule.startswith("/admin") and "GET" in rule.methods
    ]


def test_an_admin_sees_every_page(node, pages):
    admin = node.visitor("ann")
    for path in pages:
        answer = admin.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["Cache-Control"] == "no-store"


def test_strangers_are_sent_to_the_sign_in_page(node, rules):
    stranger = node.visitor()
    for path, methods in rules:
        if "GET" in methods:
            answer = stranger.get(path)
            assert answer.status_code == 302, path
            assert answer.headers["Location"].startswith("/sign-in?next=")


def test_viewers_are_refused_on_every_page_and_button(node, rules):
    viewer = node.visitor("ben")
    before = node.actions(1)
    for path, methods in rules:
        if "GET" in methods:
            assert viewer.get(path).status_code == 403, path
        if "POST" in methods:
            assert viewer.post(path, at="/account").status_code == 403, path
    assert node.actions(1) == before


def test_nothing_is_done_without_the_token_of_the_session(node, rules):
    admin, location = node.visitor("ann"), node.location()
    before = node.actions(1)
    for path, methods in rules:
        if "POST" in methods:
            filled = path.replace(UNKNOWN, str(location.id))
            assert admin.post_without_token(filled).status_code == 400, path
    assert node.actions(1) == before


def test_a_form_that_another_site_sends_is_refused(node, admin):
    token = admin.token("/admin/libraries/new")
    answer = admin._client.post(
        "/admin/libraries/new",
        data={"name": "Stolen", "csrf_token": token},
        headers={"Sec-Fetch-Site": "cross-site"},
    )

    assert answer.status_code == 400
    with node.rows() as tx:
        assert tx.libraries.find_by_name("Stolen") is None


def test_somebody_who_is_shut_out_is_out_at_once(node, admin):
    ben = node.person("ben")
    viewer = node.visitor("ben")
    assert viewer.get("/").status_code == 200

    admin.post(f"/admin/people/{ben.id}/deactivate")

    assert viewer.get("/").status_code == 302


def test_an_unknown_object_is_a_page_that_says_so(admin):
    for kind in ("locations", "people", "keys", "connections", "jobs"):
        assert admin.get(f"/admin/{kind}/{UNKNOWN}").status_code == 404
