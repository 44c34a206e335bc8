"""Every route that changes something, by who asks; what nobody can win by asking twice."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from app.api.problems import is_machine_path
from domain.people import SESSION_IDLE, SESSION_LIFE
from tests.web.pages.conftest import PASSWORD

UNKNOWN = "01900000-0000-7000-8000-000000000000"
OPEN_TO_STRANGERS = {"/sign-in", "/sign-out", "/setup"}


def page_posts(site):
    """Return the path of every route outside the API that takes a form."""
    rules = [rule for rule in site.app.url_map.iter_rules() if "POST" in rule.methods]
    paths = [re.sub(r"<[^>]+>", UNKNOWN, rule.rule) for rule in rules]
    return sorted({path for path in paths if not is_machine_path(path)})


def everything(site):
    with site.container.engine().connect() as connection:
        names = ("user", "library", "storage_location", "api_key", "connection", "audit_entry")
        known = site.container.engine().dialect.get_table_names(connection)
        return {
            name: connection.exec_driver_sql(f'select count(*) from "{name}"').scalar()
            for name in names
            if name in known
        }


def test_no_form_is_taken_without_a_token_of_its_own_session(site, ann):
    paths = page_posts(site)
    before = everything(site)
    assert len(paths) > 15
    assert len(before) >= 3
    for path in paths:
        assert ann.post_bare(path).status_code == 400, path
        assert ann.post_bare(path, csrf_token="forged").status_code == 400, path
    assert everything(site) == before


def test_no_form_of_another_site_is_taken(site, ann):
    token = ann.token("/account")
    for path in page_posts(site):
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            answer = ann.post_bare(path, headers=headers, csrf_token=token)
            assert answer.status_code == 400, path
    assert ann.get("/").status_code == 200


def test_strangers_and_viewers_send_nothing_to_the_admin_pages(site, ben):
    stranger = site.stranger()
    tokens = {stranger: stranger.token("/sign-in"), ben: ben.token("/account")}
    before = everything(site)
    for path in page_posts(site):
        if path in OPEN_TO_STRANGERS:
            continue
        assert stranger.post_bare(path, csrf_token=tokens[stranger]).status_code == 401, path
        if path.startswith("/admin"):
            assert ben.post_bare(path, csrf_token=tokens[ben]).status_code == 403, path
    assert everything(site) == before


def test_an_admins_session_changes_nothing_through_the_api(site, ann):
    token = ann.token("/account")
    for rule in site.app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1"):
            path = re.sub(r"<[^>]+>", UNKNOWN, rule.rule)
            status = ann.post_bare(path, csrf_token=token).status_code
            assert status in {401, 403, 405}, (path, status)


def test_two_first_accounts_at_the_same_moment_make_one_admin(make_site):
    site = make_site(people=False)
    visitors = [(site.stranger(), name) for name in ("cleo", "dora")]
    tokens = [visitor.token("/setup") for visitor, _ in visitors]

    def found(number):
        visitor, name = visitors[number]
        return visitor.post_bare(
            "/setup", csrf_token=tokens[number], username=name, email=f"{name}@example.org",
            password=PASSWORD, again=PASSWORD,
        ).status_code  # fmt: skip

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(found, (0, 1)))

    people = [site.person(name) for name in ("cleo", "dora")]
    assert 303 in answers
    assert all(status < 500 for status in answers)
    assert sum(person is not None and person.is_admin for person in people) == 1


def test_the_longest_session_ends_however_often_it_is_used(site, ann):
    step = SESSION_IDLE - timedelta(hours=1)
    begun = site.clock.time
    while site.clock.time + step < begun + SESSION_LIFE:
        site.clock.time += step
        assert ann.get("/").status_code == 200
    site.clock.time = begun + SESSION_LIFE + timedelta(minutes=1)
    assert ann.get("/").status_code == 302


def test_five_wrong_passwords_are_answered_and_the_sixth_waits(site):
    visitor = site.stranger()
    statuses = [visitor.sign_in("ben", "wrong password").status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]


def test_a_failure_is_a_page_with_an_id_and_without_a_trace(make_site, monkeypatch):
    site = make_site()
    ann = site.visitor("ann")

    def fail(**_):
        raise RuntimeError("/secret/place")

    monkeypatch.setitem(site.app.view_functions, "player.library", fail)
    answer = ann.get("/library")
    assert answer.status_code == 500
    assert answer.mimetype == "text/html"
    assert answer.headers["X-Request-Id"] in answer.text
    assert "/secret/place" not in answer.text
    assert "Traceback" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
