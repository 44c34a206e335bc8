"""Editing works and series, their pictures, merging and splitting, through the admin pages."""

import io
import json
import re
from html import unescape

import pytest
from dependency_injector import providers
from PIL import Image
from urllib3 import encode_multipart_formdata

from adapters.memory.media import MemoryArtist
from domain.federation.audit import CLI
from domain.library.description import Credit, CreditRole

UNKNOWN = "01900000-0000-7000-8000-000000000000"
HOSTILE = "</textarea><script>alert(1)</script>"


@pytest.fixture
def location(node):
    return node.location()


@pytest.fixture
def video(node, location):
    return node.film(
        location, year=1926, tags=("silent",), genres=("Drama",), description="One city.\nTwo.",
        credits=(Credit("Brigitte Helm", CreditRole.ACTOR, "Maria"),), external_ids={"imdb": "tt1"},
    )[0]  # fmt: skip


@pytest.fixture
def page(video):
    return f"/admin/works/{video.work_id}/edit"


def typed(answer):
    """Return what the form of a page would send, by name."""
    text = answer.text
    found = dict(re.findall(r'<input[^>]* id="(\w+)"[^>]* value="([^"]*)"', text))
    found |= {"csrf_token": re.search(r'name="csrf_token" value="([^"]+)"', text)[1]}
    areas = re.findall(r"<textarea[^>]* id=\"(\w+)\"[^>]*>\r?\n?(.*?)</textarea>", text, re.DOTALL)
    hidden = re.findall(r'<input id="(version|seen)"[^>]* value="([^"]*)"', text)
    names = {name: unescape(value) for name, value in [*found.items(), *areas, *hidden]}
    return {name: value for name, value in names.items() if not name.startswith("free_")}


def send(admin, page, form=None, /, **changes):
    form = {**(form or typed(admin.get(page))), **changes}
    return admin._client.post(page, data=form)


def test_the_form_sent_back_unchanged_changes_nothing(node, admin, video, page):
    before = node.work(video.work_id)
    assert send(admin, page).status_code == 303
    assert node.work(video.work_id) == before


def test_what_is_typed_over_is_saved_and_locked_and_the_rest_is_not(node, admin, video, page):
    answer = send(
        admin, page, title="Metropolis (restored)", rating="8,3", tags="silent\nclassic",
        credits="Brigitte Helm; actor; Maria\nFritz Lang; director", external_ids="imdb: tt2",
    )  # fmt: skip
    assert answer.headers["Location"] == f"/work/{video.work_id}"
    work = node.work(video.work_id)
    assert (work.title, work.rating, work.tags) == (
        "Metropolis (restored)",
        8.3,
        ("silent", "classic"),
    )
    assert work.credits[1] == Credit("Fritz Lang", CreditRole.DIRECTOR)
    assert work.locked == {"title", "rating", "tags", "credits", "external_ids"}
    assert (work.year, work.genres, work.description) == (1926, ("Drama",), "One city.\nTwo.")
    assert node.actions(1) == ["work.edit"]
    assert "Set by hand" in admin.get(page).text


def test_a_field_is_given_back_to_the_scan(node, admin, video, page):
    send(admin, page, title="Mine")
    send(admin, page, free_title="y")
    work = node.work(video.work_id)
    assert (work.title, work.locked) == ("Mine", frozenset())


def test_a_field_can_be_emptied(node, admin, video, page):
    send(admin, page, year="", tags="", description="")
    work = node.work(video.work_id)
    assert (work.year, work.tags, work.description) == (None, (), "")
    assert work.locked == {"year", "tags", "description"}


@pytest.mark.parametrize(
    ("field", "text", "word"),
    [
        ("title", "", "title takes"),
        ("title", "x" * 501, "title takes"),
        ("year", "last year", "number like 1999"),
        ("year", "1492", "year takes"),
        ("rating", "eleven", "number like 7.5"),
        ("rating", "11", "rating takes"),
        ("credits", "Fritz Lang; king", "none of"),
        ("external_ids", "tt1", "one a line"),
        ("tags", "x" * 101, "tags takes"),
    ],
)
def test_what_is_wrong_is_told_beside_its_field_and_everything_typed_is_kept(
    node, admin, video, page, field, text, word
):
    before = node.work(video.work_id)
    answer = send(admin, page, director="Typed before the error", **{field: text})
    assert answer.status_code == 422
    assert f'id="{field}-wrong"' in answer.text
    assert word.lower() in unescape(answer.text).lower()
    kept = typed(answer)
    assert (kept["director"], kept[field]) == ("Typed before the error", text)
    assert node.work(video.work_id) == before


def test_who_comes_second_is_told_who_was_first_and_loses_nothing(node, admin, video, page):
    form = typed(admin.get(page))
    other = node.visitor("ann")
    send(other, page, title="First", director="Lang")

    answer = send(admin, page, form, title="Second", genres="Science fiction")
    assert answer.status_code == 409
    text = unescape(answer.text)
    assert "Somebody else changed it" in text
    assert "ann (director, title)" in text
    assert "Somebody else wrote meanwhile: First" in text
    kept = typed(answer)
    assert (kept["title"], kept["genres"], kept["director"]) == (
        "Second",
        "Science fiction",
        "Lang",
    )
    assert node.work(video.work_id).title == "First"

    assert send(admin, page, kept).status_code == 303
    work = node.work(video.work_id)
    assert (work.title, work.genres, work.director) == ("Second", ("Science fiction",), "Lang")


def test_hostile_words_stay_words(node, admin, video, page):
    send(admin, page, title=HOSTILE, description=HOSTILE, tags=HOSTILE, credits=f"{HOSTILE}; actor")
    assert node.work(video.work_id).title == HOSTILE
    for path in (page, f"/work/{video.work_id}", f"/admin/works/{video.work_id}/merge"):
        assert "<script>alert" not in admin.get(path).text


@pytest.mark.parametrize("seen", ["", "{", "[]", json.dumps({"title": "0"})])
def test_a_forged_memory_of_the_page_changes_no_more_than_was_sent(node, admin, video, page, seen):
    assert send(admin, page, seen=seen).status_code == 303
    assert node.work(video.work_id).title == "Metropolis"


@pytest.mark.parametrize("version", ["", "-1", "x", "9" * 30])
def test_a_page_without_its_version_saves_nothing(node, admin, video, page, version):
    assert send(admin, page, version=version, title="New").status_code == 409
    assert node.work(video.work_id).title == "Metropolis"


def test_a_learnt_film_says_why_it_is_not_edited(node, admin, video, page):
    connection = node.outbound()
    with node.container.unit_of_work() as tx:
        work = tx.works.get(video.work_id)
        work.connection_id, work.remote_id = connection.id, "r"
        tx.works.save(work)
        tx.commit()
    answer = admin.get(page)
    assert "learnt from another node" in answer.text
    assert 'id="title"' not in answer.text
    assert admin.post(page, at="/account", title="x").status_code in {409, 422}
    assert node.work(video.work_id).title == "Metropolis"


def test_an_unknown_film_is_a_page_that_says_so(admin):
    for path in ("works/{}/edit", "works/{}/merge", "videos/{}/split", "series/{}/edit"):
        assert admin.get(f"/admin/{path.format(UNKNOWN)}").status_code == 404


def test_a_series_is_edited_likewise(node, admin):
    video = node.film_of_series()
    series_id = node.work(video.work_id).series_id
    page = f"/admin/series/{series_id}/edit"
    answer = send(admin, page, title="Rails!", year="1990", description="Trains.")
    assert answer.headers["Location"] == f"/series/{series_id}"
    with node.rows() as tx:
        series = tx.series.get(series_id)
    assert (series.title, series.year, series.locked) == (
        "Rails!", 1990, {"title", "year", "description"},
    )  # fmt: skip
    assert "Rails!" in admin.get(f"/series/{series_id}").text


# Pictures


def picture(size=(300, 450), kind="PNG"):
    file = io.BytesIO()
    Image.new("RGB", size, (80, 40, 30)).save(file, kind)
    return file.getvalue()


def upload(visitor, page, data, name="poster.png", at=None):
    form = {"csrf_token": visitor.token(at or page), "picture": (name, data)}
    body, kind = encode_multipart_formdata(form)
    return visitor._client.post(page.replace("/edit", "/poster"), data=body, content_type=kind)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_picture_is_put_in_shown_replaced_and_removed(node, admin, video, page, kind):
    assert upload(admin, page, picture(kind=kind)).headers["Location"] == page
    digest = node.work(video.work_id).poster
    address = f"/work/{video.work_id}/poster?v={digest}"
    assert address in admin.get(page).text
    assert address in admin.get("/library").text
    shown = admin.get(address)
    assert (shown.status_code, shown.mimetype) == (200, "image/webp")
    assert Image.open(io.BytesIO(shown.data)).size == (300, 450)
    assert "immutable" in shown.headers["Cache-Control"]
    assert "private" in shown.headers["Cache-Control"]

    upload(admin, page, picture((200, 300)))
    assert node.work(video.work_id).poster != digest

    admin.post(f"/admin/works/{video.work_id}/poster/remove", at=page)
    work = node.work(video.work_id)
    assert (work.poster, "poster" in work.locked) == ("", True)
    assert admin.get(address).status_code == 404
    admin.post(f"/admin/works/{video.work_id}/poster/give-back", at=page)
    assert "poster" not in node.work(video.work_id).locked


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a\x01\x00",
        b"\x89PNG\r\n\x1a\nbroken",
    ],
)
def test_what_is_no_picture_is_refused_beside_the_field(node, admin, video, page, data):
    answer = upload(admin, page, data)
    assert answer.status_code == 422
    assert 'id="picture-wrong"' in answer.text
    assert node.work(video.work_id).poster == ""


def test_a_picture_over_ten_mebibytes_is_refused(node, admin, video, page):
    assert upload(admin, page, bytes(10 * 1024 * 1024 + 1)).status_code == 422
    assert upload(admin, page, bytes(12 * 1024 * 1024)).status_code == 413
    assert node.work(video.work_id).poster == ""


def test_nobody_but_an_admin_sends_large_bodies(node, video):
    page = f"/admin/works/{video.work_id}/edit"
    answer = upload(node.visitor("ben"), page, bytes(2 * 1024 * 1024), at="/account")
    assert answer.status_code == 413
    assert upload(node.visitor("ben"), page, b"x", at="/account").status_code == 403


def test_a_hostile_file_name_goes_nowhere(node, admin, video, page):
    node.container.artist.override(providers.Object(MemoryArtist()))
    upload(admin, page, picture(), name="../../../../etc/passwd\x00.png")
    assert node.work(video.work_id).poster
    node.container.artist.reset_override()


def test_a_series_has_a_picture_of_its_own(node, admin):
    series_id = node.work(node.film_of_series().work_id).series_id
    page = f"/admin/series/{series_id}/edit"
    upload(admin, page, picture())
    assert f"/series/{series_id}/poster?v=" in admin.get("/series").text


# Merging and splitting


def test_a_film_is_merged_after_a_look_and_apart_again(node, admin, location, video):
    other = node.film(location, "Metropolis 1927")[0]
    page = f"/admin/works/{video.work_id}/merge"
    found = admin.get(f"{page}?q=metropolis")
    assert f"into={other.work_id}" in found.text
    assert f"into={video.work_id}" not in found.text
    asked = admin.get(f"{page}?into={other.work_id}").text
    assert "can be undone" in asked
    assert "1 video" in asked

    answer = admin.post(page, at=f"{page}?into={other.work_id}", into=str(other.work_id))
    assert answer.headers["Location"] == f"/work/{other.work_id}"
    assert admin.get(f"/work/{video.work_id}").status_code == 404
    assert video.filename in admin.get(f"/work/{other.work_id}").text
    assert node.actions(1) == ["work.merge"]

    edit = f"/admin/works/{other.work_id}/edit"
    assert f"/admin/works/{video.work_id}/unmerge" in admin.get(edit).text
    admin.post(f"/admin/works/{video.work_id}/unmerge", at=edit)
    assert admin.get(f"/work/{video.work_id}").status_code == 200
    assert node.actions(1) == ["work.undo-merge"]


@pytest.mark.parametrize("into", ["", "x", UNKNOWN])
def test_a_merge_into_nothing_is_refused(node, admin, video, into):
    page = f"/admin/works/{video.work_id}/merge"
    assert admin.post(page, at="/account", into=into).status_code in {404, 422}
    assert node.work(video.work_id).merged_into is None


def test_a_merge_that_cannot_be_is_explained_instead_of_offered(node, admin, video):
    page = f"/admin/works/{video.work_id}/merge?into={video.work_id}"
    text = admin.get(page).text
    assert "cannot be merged into itself" in text
    assert "Merge the two" not in text


def test_a_wrongly_matched_video_is_split_off(node, admin, location):
    videos = node.film(location, "Dawn", videos=2)
    path = f"/admin/videos/{videos[1].id}/split"
    assert path in admin.get(f"/admin/works/{videos[0].work_id}/edit").text
    assert "becomes a film of its own" in admin.get(path).text

    assert "It is called" in admin.said(admin.post(path))
    with node.rows() as tx:
        assert tx.videos.get(videos[1].id).work_id != videos[0].work_id
    assert "no other video" in admin.said(admin.post(path))
    assert node.actions(1) == ["work.split"]


def test_what_happened_to_a_film_stands_on_its_page(node, admin, video, page):
    node.container.edit_work()(video.work_id, {"director": "Lang"}, actor=CLI)
    assert "work.edit" in admin.get(page).text
