"""Accounts through the admin pages."""

import pytest

PASSWORD = "a whole new sentence"


@pytest.fixture
def ben(node):
    return node.person("ben")


def new_person(admin, **changes):
    fields = {"username": "carl", "email": "carl@example.org", "password": PASSWORD}
    fields |= {"again": PASSWORD, **changes}
    return admin.post("/admin/people/new", **fields)


def test_an_account_is_made_and_can_sign_in(node, admin):
    answer = new_person(admin)

    assert answer.status_code == 303
    assert not node.person("carl").is_admin
    visitor = node.visitor()
    assert visitor.post("/sign-in", username="carl", password=PASSWORD).status_code == 303
    assert "user.create" in node.actions(3)


def test_a_refused_account_keeps_what_was_typed_but_no_password(node, admin):
    answer = new_person(admin, again="something else")

    assert answer.status_code == 422
    assert 'value="carl"' in answer.text
    assert 'value="carl@example.org"' in answer.text
    assert PASSWORD not in answer.text
    assert "differ" in admin.said(answer)
    assert node.person("carl") is None


def test_a_taken_name_is_told(admin):
    assert new_person(admin, username="ben").status_code == 409


def test_somebody_becomes_an_admin_and_a_viewer_again(node, admin, ben):
    page = f"/admin/people/{ben.id}"
    assert "signed out everywhere" in admin.get(f"{page}/promote").text
    admin.post(f"{page}/promote")
    assert node.person("ben").is_admin
    admin.post(f"{page}/promote")
    assert node.person("ben").is_admin

    admin.post(f"{page}/demote")
    assert not node.person("ben").is_admin
    assert node.actions(3) == ["user.set-role"] * 3


def test_the_last_admin_stays_one(node, admin):
    ann = node.person("ann")
    for verb in ("demote", "deactivate"):
        answer = admin.post(f"/admin/people/{ann.id}/{verb}")
        assert "at least one active admin" in admin.said(answer)
    assert node.person("ann").is_admin
    assert node.person("ann").active


def test_somebody_is_shut_out_and_let_in_again(node, admin, ben):
    page = f"/admin/people/{ben.id}"
    admin.post(f"{page}/deactivate")
    assert not node.person("ben").active
    assert "Let in again" in admin.get(page).text

    admin.post(f"{page}/activate", at=page)
    assert node.person("ben").active
    assert node.actions(2) == ["user.activate", "user.deactivate"]


def test_a_new_password_ends_the_old_one_and_its_sessions(node, admin, ben):
    viewer = node.visitor("ben")
    admin.post(f"/admin/people/{ben.id}/password", password=PASSWORD, again=PASSWORD)

    assert viewer.get("/").status_code == 302
    visitor = node.visitor()
    assert visitor.post("/sign-in", username="ben", password=PASSWORD).status_code == 303
    assert "user.change-password" in node.actions(2)


def test_a_short_password_is_told_beside_its_field(admin, ben):
    answer = admin.post(f"/admin/people/{ben.id}/password", password="short", again="short")

    assert answer.status_code == 422
    assert 'id="password-wrong"' in answer.text


def test_the_page_of_a_person_says_what_happened_to_them(admin, ben):
    admin.post(f"/admin/people/{ben.id}/promote")

    text = admin.get(f"/admin/people/{ben.id}").text
    assert "user.set-role" in text
    assert "by ann" in text
