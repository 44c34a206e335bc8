"""Libraries and locations through the admin pages."""

import re
from html import unescape

import pytest

from domain.federation.audit import CLI
from tests.web.admin.conftest import words

HOSTILE = "<script>alert('x')</script>"


@pytest.fixture
def held(node):
    """A location whose last scan did not find 30 of its videos."""
    location = node.location()
    node.put_films(location, 30)
    (node.films / "left.mp4").write_bytes(b"something")
    node.scan(location)
    return location


def test_a_library_is_made_and_leads_to_its_first_location(node, admin):
    answer = admin.post("/admin/libraries/new", name="Films", description="Old ones")

    assert "/admin/locations/new?library=" in answer.headers["Location"]
    assert "Films" in admin.get("/admin/libraries").text
    assert node.actions(1) == ["library.create"]


def test_a_library_in_use_stays_and_the_page_says_why(node, admin):
    location = node.location()
    answer = admin.post(f"/admin/libraries/{location.library_id}/remove")

    assert "still has storage locations" in admin.said(answer)
    with node.rows() as tx:
        assert tx.libraries.get(location.library_id)


def test_an_empty_library_is_removed_after_a_question(node, admin):
    library = node.library("Empty")
    page = f"/admin/libraries/{library.id}/remove"
    assert "No file on any disk or server is touched" in admin.get(page).text

    admin.post(page)

    with node.rows() as tx:
        assert tx.libraries.find_by_name("Empty") is None
    assert node.actions(1) == ["library.remove"]


def test_the_form_of_a_location_asks_what_its_type_asks(node, admin):
    library = node.library()
    answer = admin.post(
        "/admin/locations/new", name="disk", library=str(library.id), path=str(node.films)
    )

    assert answer.status_code == 303
    page = admin.get(answer.headers["Location"]).text
    assert str(node.films) in page
    assert "Never scanned" in page
    assert node.actions(1) == ["location.add"]


def test_a_refused_form_keeps_what_was_typed(node, admin):
    library = node.library()
    answer = admin.post(
        "/admin/locations/new", name="attic disk", library=str(library.id), path="/no/such/folder"
    )

    assert answer.status_code == 422
    assert 'value="attic disk"' in answer.text
    assert 'value="/no/such/folder"' in answer.text
    assert "no such folder" in admin.said(answer)
    assert 'aria-invalid="true"' in answer.text


def test_a_taken_name_is_told_on_the_form(node, admin):
    location = node.location("disk")
    answer = admin.post(
        "/admin/locations/new", name="disk", library=str(location.library_id), path=str(node.films)
    )

    assert answer.status_code == 409
    assert "already" in admin.said(answer)


def test_a_location_is_renamed_and_switched_off(node, admin):
    location = node.location()
    admin.post(
        f"/admin/locations/{location.id}/edit",
        name="cellar", library=str(location.library_id), path=str(node.films),
    )  # fmt: skip

    page = admin.get(f"/admin/locations/{location.id}").text
    assert "cellar" in page
    assert "Switched off" in page
    assert node.actions(1) == ["location.edit"]


def test_trying_a_location_says_what_answered(node, admin):
    location = node.location()
    path = f"/admin/locations/{location.id}"
    assert "It answers:" in admin.said(admin.post(f"{path}/test", at=path))

    node.films.rmdir()
    assert "does not exist" in admin.said(admin.post(f"{path}/test", at=path))


def test_the_scan_button_queues_one_job_and_shows_it_live(node, admin):
    location = node.location()
    path = f"/admin/locations/{location.id}"
    admin.post(f"{path}/scan", at=path)
    admin.post(f"{path}/scan", at=path)

    with node.rows() as tx:
        jobs = tx.jobs.recent(limit=9)
    assert [job.name for job in jobs] == ["scan"]
    for page in (path, "/admin/locations", "/admin/jobs", "/admin/"):
        assert f'data-live="/admin/jobs/{jobs[0].id}/row"' in admin.get(page).text
    row = admin.get(f"/admin/jobs/{jobs[0].id}/row").text
    assert "Waiting" in row
    assert "<html" not in row
    assert "data-over" not in row
    assert node.actions(1) == ["location.scan"]


def test_a_scan_that_is_over_stays_with_its_errors(node, admin):
    location = node.location()
    (node.films / "broken.mp4").write_bytes(b"no film at all")
    job = node.scan(location)

    row = admin.get(f"/admin/jobs/{job.id}/row").text
    assert "data-over" in row
    assert f"/admin/jobs/{job.id}#faults" in row
    page = admin.get(f"/admin/jobs/{job.id}").text
    assert "broken.mp4" in page
    assert "1 failed" in page


def test_names_of_files_and_things_are_text_and_never_markup(node, admin):
    library = node.library(HOSTILE)
    location = node.location("disk <b>", library)
    (node.films / "<img src=x onerror=alert(1)>.mp4").write_bytes(b"no film")
    job = node.scan(location)
    node.key(HOSTILE, libraries=[library])
    pages = (
        "/admin/", "/admin/libraries", "/admin/locations", "/admin/keys", "/admin/keys/new",
        "/admin/audit", f"/admin/jobs/{job.id}", f"/admin/locations/{location.id}",
        f"/admin/locations/{location.id}/remove", f"/admin/libraries/{library.id}/remove",
    )  # fmt: skip
    for path in pages:
        text = admin.get(path).text
        assert "<script>alert" not in text
        assert "disk <b>" not in text
        assert "<img src=x" not in text


def test_what_would_be_removed_is_shown_before_it_is_approved(node, admin, held):
    page = admin.get(f"/admin/locations/{held.id}")
    assert "30 videos were not found" in page.text
    assert "30 videos were not found" in admin.get("/admin/").text

    question = admin.get(f"/admin/locations/{held.id}/approve")
    assert "Remove 30 videos" in question.text
    assert "7.mp4" in question.text
    assert "No file on any disk or server is touched" in question.text


def test_the_removal_page_lists_everything_and_says_why_it_waits(node, admin, held):
    page = admin.get(f"/admin/locations/{held.id}/removal").text
    assert "30 videos" in page
    assert "nothing goes until you decide" in page
    assert page.count("<tr><td>") == 30
    assert "29.mp4" in page
    for path in ("/admin/locations", "/admin/", f"/admin/locations/{held.id}"):
        assert f"/admin/locations/{held.id}/removal" in admin.get(path).text


def test_a_long_list_of_missing_videos_has_pages(node, admin):
    location = node.location()
    node.put_films(location, 130)
    (node.films / "left.mp4").write_bytes(b"something")
    node.scan(location)
    path = f"/admin/locations/{location.id}/removal"
    first = admin.get(path).text
    assert first.count("<tr><td>") == 100
    second = admin.get(unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])).text
    assert second.count("<tr><td>") == 30
    assert admin.get(f"{path}?after=nonsense").status_code == 400


def test_refusing_keeps_the_films_and_ends_the_question(node, admin, held):
    path = f"/admin/locations/{held.id}/removal"
    answer = admin.post(f"/admin/locations/{held.id}/refuse", at=path)
    assert "The films stay" in admin.said(answer)
    assert node.actions(1) == ["location.refuse-removal"]
    assert "were not found" not in admin.get("/admin/").text
    page = admin.get(path).text
    assert "You chose" in page
    assert page.count("<tr><td>") == 30

    admin.post(f"/admin/locations/{held.id}/ask-again", at=path)
    assert node.actions(2) == ["location.scan", "location.ask-removal"]


def test_where_nothing_is_missing_the_removal_page_says_so(node, admin):
    assert "Nothing is missing" in admin.get(f"/admin/locations/{node.location().id}/removal").text


def test_a_location_gets_a_schedule_and_is_watched(node, admin):
    library = node.library()
    answer = admin.post(
        "/admin/locations/new", name="disk", library=str(library.id), path=str(node.films),
        scan_every_hours="24", watch="y",
    )  # fmt: skip
    page = admin.get(answer.headers["Location"])
    assert "every day, and soon after something changes" in words(page.text)
    edit = f"{answer.headers['Location']}/edit"
    admin.post(edit, name="disk", library=str(library.id), path=str(node.films), enabled="y",
               scan_every_hours="")  # fmt: skip
    assert "when somebody asks" in admin.get(answer.headers["Location"]).text


@pytest.mark.parametrize("hours", ["0", "-3", "x", "1.5", "99999"])
def test_a_schedule_that_cannot_be_is_told_beside_its_field(node, admin, hours):
    library = node.library()
    answer = admin.post(
        "/admin/locations/new", name="disk", library=str(library.id), path=str(node.films),
        scan_every_hours=hours,
    )  # fmt: skip
    assert answer.status_code == 422
    assert 'id="scan_every_hours-wrong"' in answer.text
    assert f'value="{hours}"' in answer.text


def test_the_last_scan_is_shown_with_counts_reading_and_reasons(node, admin):
    location = node.location()
    (node.films / "broken.mp4").write_bytes(b"no film at all")
    node.scan(location)
    page = words(admin.get(f"/admin/locations/{location.id}").text)
    assert "Last scan" in page
    assert "Failed 1" in page
    assert "broken.mp4" in page


def test_approving_queues_the_scan_that_removes(node, admin, held):
    admin.post(f"/admin/locations/{held.id}/approve")

    assert node.actions(1) == ["location.approve-removal"]
    with node.rows() as tx:
        job = tx.jobs.recent(limit=1)[0]
    assert job.arguments["approved_missing"] == 30


def test_where_nothing_is_held_there_is_nothing_to_approve(node, admin):
    location = node.location()
    answer = admin.post(f"/admin/locations/{location.id}/approve")

    assert "No removal waits" in admin.said(answer)


def test_a_location_is_removed_after_a_question(node, admin):
    location = node.location()
    (node.films / "kept.mp4").write_bytes(b"bytes")
    page = f"/admin/locations/{location.id}/remove"
    assert "No file on any disk or server is touched" in admin.get(page).text

    answer = admin.post(page)

    assert answer.headers["Location"] == "/admin/locations"
    assert (node.films / "kept.mp4").exists()
    assert admin.get(f"/admin/locations/{location.id}").status_code == 404
    assert node.actions(1) == ["location.remove"]


def test_the_location_of_a_connection_goes_with_it_and_not_before(node, admin):
    connection = node.outbound()
    with node.rows() as tx:
        location = tx.locations.find_by_connection(connection.id)
    answer = admin.post(f"/admin/locations/{location.id}/remove")

    assert "revoke the connection first" in admin.said(answer).lower()


def test_a_waiting_job_is_cancelled(node, admin):
    location = node.location()
    path = f"/admin/locations/{location.id}"
    admin.post(f"{path}/scan", at=path)
    with node.rows() as tx:
        job = tx.jobs.recent(limit=1)[0]

    admin.post(f"/admin/jobs/{job.id}/cancel", at=f"/admin/jobs/{job.id}")

    assert "Cancelled" in admin.get(f"/admin/jobs/{job.id}").text
    assert node.actions(1) == ["job.cancel"]


def test_the_progress_of_a_job_is_shown_in_figures(node, admin):
    location = node.location()
    job = node.container.request_scan()(location_id=location.id, actor=CLI, ring=False)
    with node.container.unit_of_work() as tx:
        leased = tx.jobs.lease(job.id, "somebody", now=node.container.clock().now())
        leased.progress = {"found": 1234, "added": 2, "total": 2468}
        tx.jobs.save(leased)
        tx.commit()

    row = admin.get(f"/admin/jobs/{job.id}/row").text
    assert 'value="50"' in row
    assert "1\u202f234" in row
    assert "Running" in row
