"""The first visit to a node that nobody has an account on."""

import pytest


@pytest.fixture
def empty(make_site):
    return make_site(people=False)


def first(visitor, name="zoe"):
    return visitor.post(
        "/setup", username=name, email=f"{name}@example.org", password="p" * 12, again="p" * 12
    )


def test_the_first_visitor_makes_the_account_that_runs_the_node(empty):
    visitor = empty.stranger()
    assert visitor.get("/").headers["Location"] == "/sign-in"
    assert visitor.get("/sign-in").headers["Location"] == "/setup"
    answer = first(visitor)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/")
    assert visitor.get("/admin/").status_code == 200
    assert empty.person("zoe").is_admin


def test_a_new_admin_is_told_what_to_do_next(empty):
    visitor = empty.stranger()
    first(visitor)
    assert 'href="/admin/locations/new"' in visitor.get("/").text
    assert visitor.get("/library").status_code == 200


def test_there_is_no_second_first_account(site):
    visitor = site.stranger()
    assert visitor.get("/setup").status_code == 409
    at = "/sign-in"
    answer = visitor.post("/setup", at=at, username="eve", email="e@example.org", password="p" * 9)
    assert answer.status_code == 409
    assert site.person("eve") is None


def test_what_was_typed_is_kept_beside_what_is_wrong(empty):
    visitor = empty.stranger()
    answer = visitor.post(
        "/setup", username="zoe", email="no address", password="p" * 12, again="q"
    )
    assert answer.status_code == 422
    assert 'value="zoe"' in answer.text
    assert "The two passwords differ" in answer.text
    assert "p" * 12 not in answer.text
    assert empty.person("zoe") is None


def test_a_refused_name_is_shown_at_its_field(empty):
    answer = first(empty.stranger(), "zoe with blanks")
    assert answer.status_code == 422
    assert 'id="username-wrong"' in answer.text
