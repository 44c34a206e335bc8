"""PATCH /api/v1/works/{id}: an admin's program changes a work and never somebody else's change."""

import pytest

from domain.federation.audit import CLI


@pytest.fixture
def video(site):
    return site.film("Metropolis", year=1926)


@pytest.fixture
def path(video):
    return f"/api/v1/works/{video.work_id}"


@pytest.fixture
def patch(ann, path):
    def patch(body, *, tag="read", token=None, who=ann, **headers):
        if tag == "read":
            tag = ann.get(path).headers["ETag"]
        sent = {"X-CSRFToken": who.token("/account") if token is None else token}
        if tag is not None:
            sent["If-Match"] = tag
        return who.client.patch(path, json=body, base_url=who.site.url, headers={**sent, **headers})

    return patch


def stored(site, video):
    with site.container.read_only() as tx:
        return tx.works.get(video.work_id)


def last_entry(site):
    return site.container.audit_reader().page(before=None, limit=1)[0].entry


def test_what_is_set_is_answered_locked_and_noted_by_field(site, video, patch):
    answer = patch({"title": "Metropolis, restored", "rating": 8.3, "tags": ["silent", "Silent"]})
    assert answer.status_code == 200
    assert answer.get_json()["title"] == "Metropolis, restored"
    work = stored(site, video)
    assert (work.rating, work.tags) == (8.3, ("silent",))
    assert work.locked == {"title", "rating", "tags"}
    entry = last_entry(site)
    assert (entry.action, entry.target) == ("work.edit", f"work:{video.work_id}")
    assert entry.detail == "rating, tags, title"
    assert "restored" not in repr(entry)


def test_the_answers_tag_is_the_one_of_the_next_read_and_change(ann, path, patch):
    first = patch({"year": 1927})
    assert ann.get(path).headers["ETag"] == first.headers["ETag"]
    assert patch({"year": 1928}, tag=first.headers["ETag"]).status_code == 200
    assert patch({"year": 1929}, tag=first.headers["ETag"]).status_code == 412


def test_who_has_the_present_state_is_not_sent_it_again(ann, path):
    tag = ann.get(path).headers["ETag"]
    assert ann.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_a_change_without_if_match_is_not_made(site, video, patch):
    answer = patch({"title": "Lost"}, tag=None)
    assert (answer.status_code, answer.get_json()["code"]) == (428, "precondition.missing")
    assert stored(site, video).title == "Metropolis"


def test_a_change_that_somebody_else_overtook_is_not_made(site, video, ann, path, patch):
    tag = ann.get(path).headers["ETag"]
    site.container.edit_work()(video.work_id, {"title": "First"}, actor=CLI)
    answer = patch({"title": "Second"}, tag=tag)
    assert (answer.status_code, answer.get_json()["code"]) == (412, "precondition.failed")
    assert stored(site, video).title == "First"


def test_fields_are_given_back(site, video, patch):
    patch({"title": "Mine", "people": [{"name": "Brigitte Helm", "character": "Maria"}]})
    assert stored(site, video).locked == {"title", "credits"}
    assert patch({"unlock": ["title", "people"]}).status_code == 200
    assert stored(site, video).locked == frozenset()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": None}, "title"),
        ({"title": "x" * 501}, "title"),
        ({"title": "two\nlines"}, "title"),
        ({"year": "1926"}, "year"),
        ({"year": 1492}, "year"),
        ({"year": 1926.5}, "year"),
        ({"rating": 11}, "rating"),
        ({"rating": "NaN"}, "rating"),
        ({"tags": ["x" * 101]}, "tags"),
        ({"tags": ["a"] * 3 + [f"t{n}" for n in range(101)]}, "tags"),
        ({"external_ids": {"imdb": ""}}, "external_ids"),
        ({"people": [{"name": "A", "role": "king"}]}, "people.0.role"),
        ({"unlock": ["locator"]}, "unlock.0"),
        ({"merged_into": "x"}, "merged_into"),
        ({"poster": "0" * 16}, "poster"),
        ([], ""),
    ],
)
def test_bad_values_are_named_and_nothing_changes(site, video, patch, body, field):
    before = stored(site, video)
    answer = patch(body)
    assert answer.status_code == 422
    assert field in {fault["field"] for fault in answer.get_json()["errors"]}
    assert stored(site, video) == before


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b"[" * 100_000, b'{"rating": NaN}'])
def test_what_is_no_json_is_refused(ann, path, body):
    answer = ann.client.patch(
        path, data=body, content_type="application/json", base_url=ann.site.url,
        headers={"If-Match": "*", "X-CSRFToken": ann.token("/account")},
    )  # fmt: skip
    assert answer.status_code == 422


def test_another_media_type_is_refused(ann, path):
    answer = ann.client.patch(
        path, data={"title": "x"}, base_url=ann.site.url,
        headers={"If-Match": "*", "X-CSRFToken": ann.token("/account")},
    )  # fmt: skip
    assert answer.status_code == 415


def test_without_the_token_of_the_session_nothing_is_changed(site, video, patch):
    assert patch({"title": "Forged"}, token="").status_code == 400
    assert patch({"title": "Forged"}, token="forged").status_code == 400
    token_ok = patch({"title": "Forged"}, **{"Sec-Fetch-Site": "cross-site"})
    assert token_ok.status_code == 400
    assert stored(site, video).title == "Metropolis"


def test_viewers_strangers_and_keys_change_nothing(site, video, path, patch, ben):
    assert patch({"title": "Ben's"}, who=ben).status_code == 403
    stranger = site.stranger()
    assert patch({"title": "x"}, who=stranger, token="none").status_code == 401
    for kind in ("app", "peer"):
        key = site.container.issue_key()(
            name=kind, kind=kind, scopes=("read", "stream", "metadata"),
            libraries=["Films of disk of Metropolis"], actor=CLI,
        )[1]  # fmt: skip
        answer = site.app.test_client().patch(
            path, json={"title": "Key"}, base_url=site.url,
            headers={"Authorization": f"Bearer {key}", "If-Match": "*"},
        )  # fmt: skip
        assert answer.status_code == 403
    assert stored(site, video).title == "Metropolis"


def test_an_unknown_work_is_not_found(ann):
    answer = ann.client.patch(
        "/api/v1/works/01900000-0000-7000-8000-000000000000", json={}, base_url=ann.site.url,
        headers={"If-Match": "*", "X-CSRFToken": ann.token("/account")},
    )  # fmt: skip
    assert answer.status_code == 404
