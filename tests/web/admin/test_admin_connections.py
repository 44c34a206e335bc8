"""Connections through the admin pages: exactly the moves of the table."""

import re

import pytest

from domain.federation.connection import MOVES, ConnectionState

VERBS = {
    "suspend": ConnectionState.SUSPENDED,
    "reject": ConnectionState.REJECTED,
    "revoke": ConnectionState.REVOKED,
}


def offered(admin, connection):
    """Return the verbs that the connection's page offers."""
    text = admin.get(f"/admin/connections/{connection.id}").text
    found = re.findall(rf'"/admin/connections/{connection.id}/(\w+)"', text)
    return set(found)


def put_into(node, connection, state):
    with node.container.unit_of_work() as tx:
        stored = tx.connections.get(connection.id)
        stored.state = state
        tx.connections.save(stored)
        tx.commit()


@pytest.mark.parametrize("state", ConnectionState)
@pytest.mark.parametrize("direction", ["outbound", "inbound"])
def test_a_page_offers_what_the_table_allows_and_nothing_else(node, admin, state, direction):
    connection = getattr(node, direction)()
    put_into(node, connection, state)
    wanted = {verb for verb, to in VERBS.items() if to in MOVES[state]}
    if ConnectionState.ACTIVE in MOVES[state]:
        wanted.add("approve" if state is ConnectionState.PENDING else "resume")
    if state is not ConnectionState.REVOKED:
        wanted.add("edit")
    if direction == "outbound" and state is ConnectionState.ACTIVE:
        wanted |= {"test", "scan"}

    assert offered(admin, connection) == wanted
    assert state.capitalize() in admin.get(f"/admin/connections/{connection.id}").text


@pytest.mark.parametrize("state", ConnectionState)
@pytest.mark.parametrize("verb", ["approve", "suspend", "resume", "reject", "revoke"])
def test_a_move_that_the_table_lacks_is_refused(node, admin, state, verb):
    connection = node.outbound()
    put_into(node, connection, state)
    page = f"/admin/connections/{connection.id}"
    is_offered = verb in offered(admin, connection)
    before = node.actions(1)

    answer = admin.post(f"{page}/{verb}", at="/admin/connections/new")

    moved = node.connection(connection).state is not state
    assert moved == is_offered
    assert (node.actions(1) == before) == (not is_offered)
    if not is_offered:
        assert f"{state} ->" in admin.said(answer).lower()


def test_a_node_is_added_and_its_key_is_never_shown(node, admin):
    _, text = node.key("key at north")
    answer = admin.post(
        "/admin/connections/new", name="north", url="http://127.0.0.1:8999/", key=text
    )

    page = admin.get(answer.headers["Location"]).text
    assert "http://127.0.0.1:8999" in page
    assert "stored encrypted" in page
    assert text not in page
    assert node.actions(1) == ["connection.add"]


def test_a_mistyped_key_is_told_and_not_sent_back(node, admin):
    _, text = node.key("key at north")
    wrong = text[:-1] + ("0" if text[-1] != "0" else "1")
    answer = admin.post(
        "/admin/connections/new", name="north", url="http://127.0.0.1:8999", key=wrong
    )

    assert answer.status_code == 422
    assert "mistyped" in admin.said(answer)
    assert 'value="north"' in answer.text
    assert 'value="http://127.0.0.1:8999"' in answer.text
    assert wrong not in answer.text


def test_an_address_that_is_none_is_told_beside_its_field(node, admin):
    _, text = node.key("key at north")
    answer = admin.post("/admin/connections/new", name="north", url="gopher://x", key=text)

    assert answer.status_code == 422
    assert 'id="url-wrong"' in answer.text


def test_suspending_and_resuming_need_no_question_and_revoking_does(node, admin):
    connection = node.outbound()
    page = f"/admin/connections/{connection.id}"
    assert admin.get(f"{page}/suspend").status_code == 405
    admin.post(f"{page}/suspend", at=page)
    admin.post(f"{page}/resume", at=page)
    assert "There is no way back" in admin.get(f"{page}/revoke").text
    assert node.connection(connection).state is ConnectionState.ACTIVE

    admin.post(f"{page}/revoke")

    assert node.connection(connection).state is ConnectionState.REVOKED
    assert node.actions(3) == ["connection.revoke", "connection.resume", "connection.suspend"]
    assert "connection.revoke" in admin.get(page).text


def test_an_inbound_connection_shows_what_its_key_may_see(node, admin):
    connection = node.inbound("guest")
    text = admin.get(f"/admin/connections/{connection.id}").text

    assert "It reads from us" in text
    assert "203.0.113.7" in text
    assert f"/admin/keys/{connection.api_key_id}" in text


def test_a_test_says_why_nobody_answers(node, admin):
    connection = node.outbound(url="http://127.0.0.1:9")
    page = f"/admin/connections/{connection.id}"
    answer = admin.post(f"{page}/test", at=page)

    assert answer.headers["Location"] == page
    assert "not one that nodes are served on" in admin.said(answer)


def test_scanning_a_connection_queues_the_job_of_its_location(node, admin):
    connection = node.outbound()
    page = f"/admin/connections/{connection.id}"
    admin.post(f"{page}/scan", at=page)

    with node.rows() as tx:
        job = tx.jobs.recent(limit=1)[0]
        location = tx.locations.find_by_connection(connection.id)
    assert job.arguments["location_id"] == str(location.id)
    assert f'data-live="/admin/jobs/{job.id}/row"' in admin.get(page).text


def test_a_connection_is_renamed(node, admin):
    connection = node.outbound("south")
    node.outbound("east", url="http://127.0.0.1:8998")
    page = f"/admin/connections/{connection.id}"
    taken = admin.post(f"{page}/edit", name="east")
    admin.post(f"{page}/edit", name="south pole")

    assert taken.status_code == 409
    assert 'value="east"' in taken.text
    assert node.connection(connection).name == "south pole"
    assert node.actions(1) == ["connection.rename"]
