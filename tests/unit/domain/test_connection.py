from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.errors import Invalid
from domain.federation.connection import (
    MOVES,
    Connection,
    ConnectionInactive,
    ConnectionState,
    Direction,
    IllegalTransition,
    check_remote_url,
)

NOW, LATER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
PENDING, ACTIVE, SUSPENDED, REJECTED, REVOKED = ConnectionState
# The table of the specification, written out once more by hand.
ALLOWED = {
    (PENDING, ACTIVE), (PENDING, REJECTED), (PENDING, REVOKED),
    (ACTIVE, SUSPENDED), (ACTIVE, REJECTED), (ACTIVE, REVOKED),
    (SUSPENDED, ACTIVE), (SUSPENDED, REJECTED), (SUSPENDED, REVOKED),
    (REJECTED, REVOKED),
}  # fmt: skip


def make(state, **more):
    return Connection(
        id=UUID(int=1),
        name=more.pop("name", "Bea"),
        direction=Direction.OUTBOUND,
        created_at=NOW,
        changed_at=NOW,
        state=state,
        **more,
    )


def move(connection, to):
    if to is ACTIVE:
        begin = connection.approve if connection.state is PENDING else connection.resume
        begin(at=LATER)
    elif to is SUSPENDED:
        connection.suspend(at=LATER)
    elif to is REJECTED:
        connection.reject(at=LATER)
    else:
        connection.revoke(at=LATER)


@pytest.mark.parametrize("state", ConnectionState)
@pytest.mark.parametrize("to", [ACTIVE, SUSPENDED, REJECTED, REVOKED])
def test_every_pair_of_states_moves_or_is_refused(state, to):
    connection = make(state)
    if (state, to) in ALLOWED:
        move(connection, to)
        assert (connection.state, connection.changed_at) == (to, LATER)
    else:
        with pytest.raises(IllegalTransition):
            move(connection, to)
        assert (connection.state, connection.changed_at) == (state, NOW)


def test_the_written_table_is_the_tested_one():
    assert {(state, to) for state, targets in MOVES.items() for to in targets} == ALLOWED
    assert set(MOVES) == set(ConnectionState)


@pytest.mark.parametrize("state", [ACTIVE, SUSPENDED, REJECTED, REVOKED])
def test_only_a_pending_connection_is_approved(state):
    with pytest.raises(IllegalTransition):
        make(state).approve(at=LATER)


@pytest.mark.parametrize("state", [PENDING, ACTIVE, REJECTED, REVOKED])
def test_only_a_suspended_connection_is_resumed(state):
    with pytest.raises(IllegalTransition):
        make(state).resume(at=LATER)


@pytest.mark.parametrize("state", ConnectionState)
def test_only_an_active_connection_counts(state):
    if state is ACTIVE:
        make(state).require_active()
    else:
        with pytest.raises(ConnectionInactive, match=state.value) as caught:
            make(state).require_active()
        assert caught.value.context == {"state": state}


def test_names_are_cleaned():
    assert make(ACTIVE, name="  Bea ").name == "Bea"
    with pytest.raises(Invalid):
        make(ACTIVE, name=" ")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://B.example", "https://b.example"),
        (" https://b.example/ ", "https://b.example"),
        ("https://b.example:443/films/", "https://b.example/films"),
        ("http://b.example:80", "http://b.example"),
        ("http://b.example:8080", "http://b.example:8080"),
        ("https://[2001:DB8::1]:8443/", "https://[2001:db8::1]:8443"),
    ],
)
def test_an_address_has_one_form(given, kept):
    assert check_remote_url(given, require_https=False) == kept
    assert check_remote_url(kept, require_https=False) == kept


@pytest.mark.parametrize(
    "url",
    ["", "b.example", "ftp://b.example", "https://", "https://u:p@b", "https://u@b", "https://b?q",
     "https://b#f", "https://b:99999", "https://b:x", "https://[::1", "javascript:alert(1)"],
)  # fmt: skip
def test_other_addresses_are_refused(url):
    with pytest.raises(Invalid) as caught:
        check_remote_url(url, require_https=False)
    assert caught.value.field == "url"


def test_plain_http_is_refused_where_https_is_demanded():
    with pytest.raises(Invalid, match="FEDERATION_REQUIRE_HTTPS"):
        check_remote_url("http://b.example", require_https=True)
    assert check_remote_url("https://b.example", require_https=True) == "https://b.example"
