"""Keys through the admin pages."""

import re

import pytest

from domain.federation.audit import CLI

KEY = re.compile(r"vlr_(?:peer|app)_[0-9A-Za-z]{49}")


@pytest.fixture
def library(node):
    return node.library()


@pytest.fixture
def issue(admin, library):
    def send(**changes):
        fields = {"name": "north", "kind": "peer", "scopes": ["read", "stream"]}
        fields |= {"libraries": [str(library.id)], **changes}
        return admin.post("/admin/keys/new", **fields)

    return send


def test_a_key_is_shown_once_and_never_again(node, admin, issue):
    answer = issue()
    text = KEY.search(answer.text)[0]
    page = re.search(r"/admin/keys/[0-9a-f-]{36}", answer.text)[0]

    assert answer.headers["Cache-Control"] == "no-store"
    for path in (page, "/admin/keys", "/admin/audit", "/admin/connections", f"{page}/rotate"):
        assert text not in admin.get(path).text
    with node.rows() as tx:
        assert text.startswith(tx.api_keys.find_by_name("north").prefix)
    assert node.actions(1) == ["key.issue"]


def test_a_key_opens_what_was_ticked(node, issue, library):
    text = KEY.search(issue(expires_hours="24", networks="10.0.0.0/8, 192.0.2.1").text)[0]

    with node.rows() as tx:
        key = tx.api_keys.find_by_name("north")
    assert key.libraries == {library.id}
    assert {*key.scopes} == {"read", "stream"}
    assert key.networks == ("10.0.0.0/8", "192.0.2.1/32")
    assert (key.expires_at - key.created_at).total_seconds() == 24 * 3600
    answer = node.app.test_client().get(
        "/api/v1/ping",
        headers={"Authorization": f"Bearer {text}"},
        environ_overrides={"REMOTE_ADDR": "10.1.2.3"},
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"networks": "somewhere"}, "is not a network"),
        ({"expires_hours": "soon"}, "Ends after"),
        ({"expires_hours": "0"}, "above 0"),
        ({"expires_hours": "inf"}, "takes a number"),
        ({"scopes": []}, "Tick at least one"),
        ({"libraries": []}, "Tick at least one"),
        ({"name": ""}, "Name"),
        ({"kind": "client"}, "For"),
    ],
)
def test_a_refused_form_says_why_and_keeps_the_rest(node, admin, issue, library, fields, words):
    answer = issue(**fields)

    assert answer.status_code == 422
    assert words in admin.said(answer)
    assert not KEY.search(answer.text)
    if "name" not in fields:
        assert 'value="north"' in answer.text
    if "libraries" not in fields:
        assert re.search(rf'checked[^>]*value="{library.id}"', answer.text)
    with node.rows() as tx:
        assert not tx.api_keys.all()


def test_a_program_s_key_needs_no_library(issue):
    assert KEY.search(issue(kind="app", libraries=[]).text)


def test_a_key_is_revoked_after_a_question(node, admin, library):
    key, _ = node.key(libraries=[library])
    page = f"/admin/keys/{key.id}"
    assert "There is no way back" in admin.get(f"{page}/revoke").text

    admin.post(f"{page}/revoke")

    text = admin.get(page).text
    assert "Revoked" in text
    assert f"{page}/rotate" not in text
    assert f"{page}/revoke" not in text
    assert "key.revoke" in text
    assert node.actions(1) == ["key.revoke"]


def test_a_rotated_key_is_shown_once_and_both_pages_know_each_other(node, admin, library):
    old, old_text = node.key(libraries=[library])
    answer = admin.post(f"/admin/keys/{old.id}/rotate", overlap_hours="2")
    text = KEY.search(answer.text)[0]

    assert text != old_text
    with node.rows() as tx:
        new = next(key for key in tx.api_keys.all() if key.rotated_from == old.id)
    assert f"/admin/keys/{new.id}" in admin.get(f"/admin/keys/{old.id}").text
    page = admin.get(f"/admin/keys/{new.id}").text
    assert f"/admin/keys/{old.id}" in page
    assert text not in page
    assert node.actions(1) == ["key.rotate"]


def test_a_key_that_was_just_rotated_is_not_rotated_again(node, admin, library):
    key, _ = node.key(libraries=[library])
    admin.post(f"/admin/keys/{key.id}/rotate", overlap_hours="2")
    answer = admin.post(f"/admin/keys/{key.id}/rotate", overlap_hours="2")

    assert answer.status_code == 409
    assert "still good" in admin.said(answer)


def test_the_list_tells_good_ended_and_revoked_keys_apart(node, admin, library):
    node.key("good", libraries=[library])
    revoked, _ = node.key("dead", libraries=[library])
    node.container.revoke_key()(key_id=revoked.id, actor=CLI)
    node.key("brief", libraries=[library], expires_hours=1e-9)

    text = admin.get("/admin/keys").text
    for word in ("Active", "Revoked", "Expired"):
        assert word in text
