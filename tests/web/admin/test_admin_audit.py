"""The trail, the settings and the start page of the admin."""

import re

import pytest
import sqlalchemy as sa

from app.admin.settings import SettingsView, read_words
from app.settings import load_settings
from domain.federation.audit import CLI


@pytest.fixture
def busy(node):
    """A trail of more than two pages."""
    with node.container.unit_of_work() as tx:
        now = node.container.clock().now()
        tx.audit.append([CLI.did("thing.count", str(number), at=now) for number in range(120)])
        tx.commit()


def numbers(page):
    return [int(text) for text in re.findall(r"<span>#(\d+)</span>", page.text)]


def test_the_trail_is_read_backwards_page_by_page(node, admin, busy):
    seen, path = [], "/admin/audit"
    while path:
        page = admin.get(path)
        seen += numbers(page)
        older = re.search(r'rel="next" href="([^"]+)"', page.text)
        path = older and older[1].replace("&amp;", "&")

    assert seen == list(range(max(seen), 0, -1))
    assert len(seen) > 120


def test_filters_stay_while_paging(admin, busy):
    page = admin.get("/admin/audit?action=thing.&actor=cli")
    older = re.search(r'rel="next" href="([^"]+)"', page.text)[1].replace("&amp;", "&")

    assert "action=thing." in older
    text = admin.get(older)
    assert len(numbers(text)) == 50
    assert "user.sign-in" not in text.text


def test_a_person_is_found_by_name(admin):
    admin.post("/admin/libraries/new", name="Films")

    found = admin.get("/admin/audit?actor=ann&action=library.").text
    assert "library.create" in found
    assert "by ann" in found
    assert "library.create" not in admin.get("/admin/audit?actor=ben").text


@pytest.mark.parametrize("before", ["x", "-1", "9" * 400, "٣"])
def test_a_page_number_that_is_none_counts_as_not_given(admin, before):
    assert admin.get(f"/admin/audit?before={before}").status_code == 200


def test_verifying_says_that_all_is_whole(admin):
    page = admin.post("/admin/audit/verify", at="/admin/audit")

    assert "The trail is whole" in admin.said(page)


def test_verifying_finds_an_entry_that_was_changed(node, admin):
    with node.container.engine().begin() as connection:
        connection.execute(sa.text("UPDATE audit SET actor = 'nobody' WHERE number = 2"))
    said = admin.said(admin.post("/admin/audit/verify", at="/admin/audit"))

    assert "an entry was changed (entry 2)" in said


def test_the_settings_show_values_with_words_and_no_secret(node, admin, tmp_path):
    text = admin.get("/admin/settings").text

    assert "growing_seconds" in text
    assert "waits for the next scan" in text
    assert str(tmp_path / "data") in text
    assert "Secrets are not shown" in text


def test_secrets_among_the_settings_are_hidden(tmp_path):
    settings = load_settings(
        {"VELOUR_DATA_DIR": str(tmp_path), "VELOUR_DATABASE_URL": "postgresql://u:hush@db/x",
         "VELOUR_REDIS_URL": "redis://:hush@cache/0"}
    )  # fmt: skip
    view = SettingsView(settings, {})
    shown = [one for _, groups in view._sections for group in groups for one in group.settings]

    assert not any("hush" in one.value for one in shown)
    assert [one.name for one in shown if one.value == "set, and not shown"] == ["url", "url"]


def test_words_of_the_settings_belong_to_the_keys_below_them(tmp_path):
    path = tmp_path / "config.ini"
    path.write_text(
        "# Head.\n\n[one]\n# First\n# line.\na = 1\nb =\n# Other.\nc = 2\n[two]\nd = 3\n"
    )

    assert read_words(path) == {
        ("one", "a"): "First line.", ("one", "b"): "First line.", ("one", "c"): "Other.",
        ("two", "d"): "",
    }  # fmt: skip
    assert read_words(tmp_path / "gone.ini") == {}


def test_the_overview_of_an_empty_node_says_where_to_begin(admin):
    text = admin.get("/admin/").text

    assert "Make a library" in text
    assert "is not an https one" in text


def test_the_overview_names_what_does_not_answer(node, admin):
    location = node.location()
    node.films.rmdir()
    node.scan(location)

    text = admin.get("/admin/").text
    assert "disk does not answer" in text.lower()
    assert f"/admin/locations/{location.id}" in text


def test_every_page_leads_back_to_the_films(admin):
    for path in ("/admin/", "/admin/keys", "/admin/settings"):
        assert "Back to films" in admin.get(path).text
