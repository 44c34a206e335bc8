"""Keys: what they grant, how they end, how one replaces another."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from app.usecases.federation.authentication import AddressNotAllowed
from app.usecases.federation.keys import RotationRefused, find_key
from domain.errors import Invalid, Unavailable
from domain.federation.api_key import KeyKind, KeyNotFound, KeyRefused, KeyRevoked, Scope
from domain.federation.connection import (
    ConnectionInactive,
    ConnectionState,
    Direction,
    FederationDisabled,
)
from domain.library.storage_location import LibraryNotFound


def test_a_key_is_returned_once_and_stored_as_a_digest(issue, database, library):
    shared = library("Shared")
    key, text = issue(libraries=["Shared"], scopes=["read", "stream"])

    assert text.startswith("vlr_peer_")
    assert text not in repr(database.tables.api_keys)
    assert key.libraries == {shared.id}
    assert key.scopes == {Scope.READ, Scope.STREAM}
    assert key.expires_at is None


def test_a_library_is_named_by_its_id_too(issue, library):
    shared = library("Shared")
    assert issue(libraries=[str(shared.id)])[0].libraries == {shared.id}


@pytest.mark.parametrize("ref", ["Nope", str(uuid4())])
def test_an_unknown_library_stores_nothing(issue, database, ref):
    with pytest.raises(LibraryNotFound):
        issue(libraries=[ref])
    assert not database.tables.api_keys


@pytest.mark.parametrize(
    "fields",
    [
        {"scopes": []},
        {"scopes": ["write"]},
        {"kind": "client"},
        {"kind": "king"},
        {"expires_hours": 0},
        {"expires_hours": -1},
        {"expires_hours": float("nan")},
        {"expires_hours": float("inf")},
        {"expires_hours": 1e12},
        {"networks": ["nowhere"]},
        {"name": ""},
        {"name": "x" * 101},
    ],
)
def test_a_key_that_makes_no_sense_is_refused(issue, database, fields):
    with pytest.raises(Invalid):
        issue(**fields)
    assert not database.tables.api_keys


def test_a_key_lives_for_a_part_of_an_hour(issue, authenticate, clock):
    _, text = issue(expires_hours=0.5)
    clock.forward(minutes=29)
    assert authenticate(text)
    clock.forward(minutes=1)
    with pytest.raises(KeyRefused):
        authenticate(text)


def test_a_peer_sees_own_works_of_its_libraries_only(issue, authenticate, library):
    shared = library("Shared")
    _, text = issue(libraries=["Shared"])
    caller = authenticate(text)
    assert caller.visibility.libraries == {shared.id}
    assert not caller.visibility.learnt
    assert not caller.visibility.metadata


def test_a_peer_without_libraries_sees_nothing(issue, authenticate):
    assert authenticate(issue()[1]).visibility.libraries == frozenset()


def test_a_program_sees_what_people_see(issue, authenticate, connections):
    _, text = issue(kind="app", scopes=["read", "metadata"])
    caller = authenticate(text)
    assert caller.key.kind is KeyKind.APP
    assert caller.visibility.libraries is None
    assert caller.visibility.learnt
    assert caller.visibility.metadata
    assert connections() == []


def test_a_program_is_held_to_the_libraries_it_was_granted(issue, authenticate, library):
    shared = library("Shared")
    _, text = issue(kind="app", libraries=["Shared"])
    assert authenticate(text).visibility.libraries == {shared.id}


@pytest.mark.parametrize(
    "spoil", [str.upper, lambda t: t[:-1], lambda t: t + "x", lambda _: "", lambda _: "\ud800"]
)
def test_a_mistyped_key_is_refused_without_a_look_up(issue, authenticate, spoil):
    _, text = issue()
    with pytest.raises(KeyRefused):
        authenticate(spoil(text))


def test_unknown_and_revoked_keys_look_the_same(issue, authenticate, revoke, database):
    key, text = issue()
    _, unknown = issue("other")
    database.tables.api_keys.pop(find(database, "other"))
    revoke(key)
    said = set()
    for one in (text, unknown):
        with pytest.raises(KeyRefused) as caught:
            authenticate(one)
        said.add(str(caught.value))
    assert len(said) == 1


def find(database, name):
    return next(key.id for key in database.tables.api_keys.values() if key.name == name)


def test_a_key_works_from_its_networks_only(issue, authenticate):
    _, text = issue(networks=["192.0.2.0/24"])
    assert authenticate(text, "192.0.2.9")
    for address in ("198.51.100.1", "", "garbage"):
        with pytest.raises(AddressNotAllowed):
            authenticate(text, address)


def test_the_first_use_of_a_peers_key_makes_its_connection(
    issue, authenticate, connections, entries
):
    key, text = issue("bob")
    first, second = authenticate(text), authenticate(text)

    (connection,) = connections()
    assert first.connection_id == second.connection_id == connection.id
    assert (connection.name, connection.direction) == ("bob", Direction.INBOUND)
    assert connection.state is ConnectionState.ACTIVE
    assert connection.api_key_id == key.id
    assert "connection.first-use" in [entry.action for entry in entries()]


def test_two_keys_of_one_name_make_two_connections(issue, authenticate, connections):
    for _ in range(3):
        authenticate(issue("bob")[1])
    names = [one.name for one in connections()]
    assert len(set(names)) == 3
    assert "bob" in names
    assert "bob (inbound)" in names


def test_the_last_use_is_noted_once_a_minute(issue, authenticate, clock, read_only):
    key, text = issue()

    def noted():
        with read_only() as tx:
            return tx.api_keys.get(key.id)

    start = clock.now()
    authenticate(text, "192.0.2.1")
    clock.forward(seconds=59)
    authenticate(text, "192.0.2.2")
    assert (noted().last_used_at, noted().last_used_from) == (start, "192.0.2.1")
    clock.forward(seconds=1)
    authenticate(text, "192.0.2.3")
    assert (noted().last_used_at, noted().last_used_from) == (clock.now(), "192.0.2.3")
    clock.forward(hours=-5)
    authenticate(text, "192.0.2.4")
    assert noted().last_used_from == "192.0.2.4"


def test_a_database_that_takes_no_notes_does_not_stop_readers(issue, make_authenticate, clock):
    _, text = issue()
    authenticate = make_authenticate()
    first = authenticate(key_text=text, address="")
    clock.forward(hours=1)

    def full():
        raise Unavailable("the disk is full")

    stuck = replace(authenticate, unit_of_work=full)
    assert stuck(key_text=text, address="").connection_id == first.connection_id
    with pytest.raises(Unavailable):
        stuck(key_text=issue("new")[1], address="")


@pytest.mark.parametrize(("move", "state"), [("suspend", "suspended"), ("reject", "rejected")])
def test_a_connection_that_does_not_count_names_its_state(
    issue, authenticate, connections, moves, make_authenticate, move, state
):
    key, text = issue()
    authenticate(text)
    getattr(moves, move)(connections()[0])

    with pytest.raises(ConnectionInactive, match=state) as caught:
        authenticate(text)
    assert caught.value.context == {"state": state}
    with pytest.raises(ConnectionInactive):
        make_authenticate().recheck(str(key.id))


def test_a_resumed_connection_counts_again(issue, authenticate, connections, moves):
    _, text = issue()
    authenticate(text)
    moves.suspend(connections()[0])
    moves.resume(connections()[0])
    assert authenticate(text)


def test_a_revoked_connection_revokes_both_keys_of_a_rotation(
    issue, authenticate, rotate, connections, moves
):
    old, old_text = issue()
    authenticate(old_text)
    _, new_text = rotate(old)
    moves.revoke(connections()[0])
    for text in (old_text, new_text):
        with pytest.raises(KeyRefused):
            authenticate(text)


def test_peers_keys_are_refused_while_federation_is_off(issue, make_authenticate):
    _, peer = issue()
    _, app = issue("app", kind="app")
    off = make_authenticate(enabled=False)
    with pytest.raises(FederationDisabled):
        off(key_text=peer, address="")
    assert off(key_text=app, address="")


def test_a_recheck_refuses_what_is_gone(issue, make_authenticate, revoke):
    key, _ = issue()
    make_authenticate().recheck(str(key.id))
    revoke(key)
    for key_id in (str(key.id), str(uuid4()), "garbage"):
        with pytest.raises(KeyRefused):
            make_authenticate().recheck(key_id)


def test_rotation_keeps_what_was_granted_and_lets_both_keys_work(
    issue, authenticate, rotate, library, connections, clock
):
    library("Shared")
    old, old_text = issue(
        libraries=["Shared"],
        scopes=["read", "stream"],
        networks=["192.0.2.0/24"],
        expires_hours=100,
    )
    connection_id = authenticate(old_text).connection_id
    clock.forward(hours=10)
    new, new_text = rotate(old, hours=2)

    assert (new.name, new.kind, new.scopes) == (old.name, old.kind, old.scopes)
    assert (new.libraries, new.networks) == (old.libraries, old.networks)
    assert new.expires_at == clock.now() + timedelta(hours=100)
    for text in (old_text, new_text):
        assert authenticate(text).connection_id == connection_id
    clock.forward(hours=2)
    with pytest.raises(KeyRefused):
        authenticate(old_text)
    assert authenticate(new_text).connection_id == connection_id
    assert len(connections()) == 1


def test_a_connection_follows_its_line_of_keys(
    issue, authenticate, rotate, connections, clock, moves
):
    key, text = issue()
    connection_id = authenticate(text).connection_id
    for _ in range(3):
        key, text = rotate(key, hours=1)
        clock.forward(hours=2)
        assert authenticate(text).connection_id == connection_id
    assert len(connections()) == 1
    moves.suspend(connections()[0])
    with pytest.raises(ConnectionInactive):
        authenticate(text)


def test_a_rotation_before_the_first_use_makes_one_connection(
    issue, authenticate, rotate, connections
):
    old, old_text = issue()
    _, new_text = rotate(old)
    assert authenticate(old_text).connection_id == authenticate(new_text).connection_id
    assert len(connections()) == 1


def test_no_more_than_two_keys_of_a_line_live(issue, rotate, clock):
    old, _ = issue()
    new, _ = rotate(old)
    for one in (old, new):
        with pytest.raises(RotationRefused):
            rotate(one)
    clock.forward(hours=25)
    assert rotate(new)


def test_a_revoked_key_is_not_rotated(issue, rotate, revoke):
    key, _ = issue()
    revoke(key)
    with pytest.raises(KeyRevoked):
        rotate(key)


@pytest.mark.parametrize("hours", [-1, float("nan"), float("inf")])
def test_an_overlap_that_makes_no_sense_is_refused(issue, rotate, hours):
    with pytest.raises(Invalid):
        rotate(issue()[0], hours=hours)


def test_revoking_a_key_ends_the_one_it_replaced(issue, authenticate, rotate, revoke):
    old, old_text = issue()
    new, new_text = rotate(old)
    revoke(new)
    revoke(new)
    for text in (old_text, new_text):
        with pytest.raises(KeyRefused):
            authenticate(text)


def test_keys_are_found_by_id_and_name(issue, rotate, unit_of_work, clock):
    old, _ = issue("bob")
    clock.forward(seconds=1)
    new, _ = rotate(old, hours=0)
    with unit_of_work() as tx:
        assert find_key(tx, str(old.id)).id == old.id
        assert find_key(tx, "bob").id == new.id
        for ref in ("nobody", str(uuid4())):
            with pytest.raises(KeyNotFound):
                find_key(tx, ref)


def test_every_change_of_a_key_is_in_the_trail(issue, rotate, revoke, entries):
    old, text = issue()
    new, new_text = rotate(old)
    revoke(new)

    said = [(entry.action, entry.actor) for entry in entries()]
    assert said == [
        ("key.issue", "cli"),
        ("key.rotate", "cli"),
        ("key.revoke", "cli"),
        ("key.revoke", "cli"),
    ]
    assert text not in repr(entries())
    assert new_text not in repr(entries())
