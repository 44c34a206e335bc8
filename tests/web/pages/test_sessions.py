"""Sessions, their cookie, and what ends them."""

import hashlib
import re
from datetime import timedelta

import pytest

from domain.federation.audit import CLI
from domain.people import SESSION_IDLE, SESSION_LIFE
from tests.web.pages.conftest import PASSWORD


def rows(site):
    with site.container.engine().connect() as connection:
        return connection.exec_driver_sql("select id_digest, user_id from session").all()


def test_signing_in_leads_home_and_shows_who_is_there(site):
    visitor = site.stranger()
    answer = visitor.sign_in()
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert visitor.get("/").status_code == 200


def test_the_e_mail_address_signs_in_too(site):
    assert site.stranger().sign_in("ANN@example.org").status_code == 303


def test_strangers_cost_no_row(site):
    visitor = site.stranger()
    for path in ("/", "/sign-in", "/library", "/nothing-here"):
        visitor.get(path)
    visitor.sign_in(password="wrong password")
    assert rows(site) == []


def test_only_the_digest_of_the_id_is_stored(site, ann):
    ((digest, _),) = rows(site)
    assert digest == hashlib.sha256(ann.cookie.value.encode()).digest()
    assert len(ann.cookie.value) == 43  # 256 bits


def test_signing_in_makes_a_new_id(site):
    visitor = site.stranger()
    visitor.get("/sign-in")
    before = visitor.cookie.value
    visitor.sign_in()
    assert visitor.cookie.value != before


def test_an_id_that_somebody_planted_opens_nothing(site):
    visitor, planted = site.stranger(), "A" * 43
    visitor.client.set_cookie(site.cookie, planted, domain="films.test")
    visitor.sign_in()
    assert visitor.cookie.value != planted
    other = site.stranger()
    other.client.set_cookie(site.cookie, planted, domain="films.test")
    assert other.get("/").status_code == 302


def test_signing_in_again_ends_the_session_before(site):
    visitor = site.visitor("ann")
    first = visitor.cookie.value
    visitor.sign_in("ben", at="/account")
    visitor.post("/sign-out", at="/account")
    thief = site.stranger()
    thief.client.set_cookie(site.cookie, first, domain="films.test")
    assert thief.get("/").status_code == 302


def test_signing_out_kills_the_session_on_the_server(site, ann):
    kept = ann.cookie.value
    answer = ann.post("/sign-out", at="/account")
    assert answer.headers["Location"] == "/sign-in"
    assert ann.cookie is None
    assert rows(site) == []
    ann.client.set_cookie(site.cookie, kept, domain="films.test")
    assert ann.get("/").status_code == 302


@pytest.mark.parametrize("life", [SESSION_IDLE, SESSION_LIFE])
def test_sessions_end_by_themselves(site, ann, life):
    site.clock.time += life - timedelta(minutes=1)
    if life is SESSION_LIFE:
        assert ann.get("/").status_code == 302
        return
    assert ann.get("/").status_code == 200
    site.clock.time += life + timedelta(minutes=1)
    assert ann.get("/").status_code == 302


def test_a_visit_keeps_a_session_going(site, ann):
    for _ in range(3):
        site.clock.time += SESSION_IDLE - timedelta(days=1)
        assert ann.get("/").status_code == 200


def test_reading_writes_nothing_for_ten_minutes(site, ann):
    with site.container.engine().connect() as connection:
        seen = connection.exec_driver_sql("select seen_at from session").scalar()
        site.clock.time += timedelta(minutes=9)
        ann.get("/")
        assert connection.exec_driver_sql("select seen_at from session").scalar() == seen


def test_a_switched_off_account_is_out_at_once(site, ben):
    site.container.deactivate()(user_id=site.person("ben").id, actor=CLI)
    assert ben.get("/").status_code == 302


def test_a_new_password_ends_every_other_session(site):
    here, there = site.visitor("ben"), site.visitor("ben")
    answer = here.post(
        "/account", present=PASSWORD, password="another password", again="another password"
    )
    assert answer.status_code == 303
    assert here.get("/").status_code == 200
    assert there.get("/").status_code == 302
    assert site.stranger().sign_in("ben", PASSWORD).status_code == 401
    assert site.stranger().sign_in("ben", "another password").status_code == 303


def test_a_new_password_takes_the_present_one(ben):
    answer = ben.post("/account", present="wrong password", password="n" * 9, again="n" * 9)
    assert answer.status_code == 401
    assert "wrong" in answer.text


def test_wrong_name_and_wrong_password_look_the_same(site):
    visitor = site.stranger()
    texts = []
    for name in ("ann", "nobody"):
        answer = visitor.sign_in(name, "wrong password")
        assert answer.status_code == 401
        texts.append(re.sub(rf'value="({name}|[\w.-]{{60,}})"', "", answer.text))
    assert texts[0] == texts[1]


def test_guessing_is_slowed_down_and_says_when_to_come_back(make_site):
    site = make_site(VELOUR__LIMITS__SIGN_IN_FAILURES="3")
    visitor = site.stranger()
    for _ in range(3):
        assert visitor.sign_in(password="wrong password").status_code == 401
    answer = visitor.sign_in()
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    elsewhere = site.stranger(address="198.51.100.9")
    assert elsewhere.sign_in().status_code == 429, "the account is slowed down, not the address"
    assert elsewhere.sign_in("ben").status_code == 303


def test_on_http_the_cookie_is_plain_and_pages_warn(site, ann):
    assert "velour" in ann.client._cookies[next(iter(ann.client._cookies))].key
    answer = site.stranger().get("/sign-in")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("velour=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie
    for page in (answer, ann.get("/"), ann.get("/admin/")):
        assert "Not encrypted" in page.text


def test_on_https_the_cookie_goes_over_https_only(make_site):
    site = make_site("https://films.test")
    answer = site.stranger().get("/sign-in")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-velour=")
    for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie
    assert "Not encrypted" not in answer.text


def test_an_admins_session_reads_the_api_and_a_viewers_does_not(ann, ben, site):
    assert ann.get("/api/v1/ping").status_code == 200
    assert ben.get("/api/v1/ping").status_code == 403
    assert site.stranger().get("/api/v1/ping").status_code == 401


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)",
     "/\t/evil.example", "\\\\evil.example", "///evil.example", "http:/evil.example", "/a\nb", ""],
)  # fmt: skip
def test_after_signing_in_nobody_is_sent_elsewhere(site, wanted):
    visitor = site.stranger()
    answer = visitor.client.post(
        "/sign-in",
        base_url=site.url,
        query_string={"next": wanted},
        data={"username": "ann", "password": PASSWORD, "csrf_token": visitor.token("/sign-in")},
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_after_signing_in_people_go_where_they_wanted(site):
    visitor = site.stranger()
    door = visitor.get("/library?sort=-year").headers["Location"]
    assert door == "/sign-in?next=/library?sort%3D-year"
    assert visitor.sign_in(at=door).headers["Location"] == "/library?sort=-year"
