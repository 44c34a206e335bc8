"""Connections: adding, moving between states, asking the peer."""

import pytest

from adapters.memory.peers import MemoryPeer
from app.usecases.federation.access import NotOurs
from app.usecases.federation.connections import find_connection
from domain.errors import AlreadyExists, Invalid
from domain.federation.api_key import KeyMalformed
from domain.federation.connection import (
    ConnectionInactive,
    ConnectionNotFound,
    ConnectionState,
    Direction,
    FederationDisabled,
    IllegalTransition,
    TooManyConnections,
)
from domain.library.storage_location import StorageType
from ports.federation.peers import PeerRefused, PeerUnreachable

URL = "http://a.example"


@pytest.fixture
def key(issue):
    return issue("theirs")[1]


def test_a_connection_brings_a_location_and_a_library(add, key, read_only, database, entries):
    connection = add("alpha", URL + "/", key)

    assert connection.state is ConnectionState.ACTIVE
    assert connection.direction is Direction.OUTBOUND
    assert connection.remote_url == URL
    with read_only() as tx:
        location = tx.locations.find_by_connection(connection.id)
        assert (location.name, location.storage_type) == ("alpha", StorageType.VELOUR)
        assert tx.libraries.get(location.library_id).name == "alpha"
    assert key not in repr(database.tables.connections)
    assert key not in repr(entries())
    assert entries()[-1].action == "connection.add"


def test_an_existing_library_of_that_name_is_used(add, key, library, read_only):
    alpha = library("alpha")
    connection = add("alpha", URL, key)
    with read_only() as tx:
        assert tx.locations.find_by_connection(connection.id).library_id == alpha.id


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a.example",
        "a.example",
        "http://",
        "http://u:p@a.example",
        "http://a.example?q",
        "http://a:b",
    ],
)
def test_a_url_that_is_no_nodes_is_refused(add, key, database, url):
    with pytest.raises(Invalid):
        add("alpha", url, key)
    assert not database.tables.connections
    assert not database.tables.locations


def test_plain_http_is_refused_where_https_is_required(make_add, key):
    with pytest.raises(Invalid, match="https"):
        make_add(require_https=True)("alpha", URL, key)
    assert make_add(require_https=True)("alpha", "https://a.example", key)


def test_a_mistyped_key_is_refused(add, key, database):
    with pytest.raises(KeyMalformed):
        add("alpha", URL, key[:-1] + ("0" if key[-1] != "0" else "1"))
    assert not database.tables.connections


def test_the_same_key_at_the_same_address_is_refused(add, key):
    add("alpha", URL, key)
    with pytest.raises(AlreadyExists):
        add("beta", URL + "/", key)
    assert add("gamma", "http://b.example", key)


def test_a_name_is_taken_once(add, key, issue):
    add("alpha", URL, key)
    with pytest.raises(AlreadyExists):
        add("alpha", "http://b.example", issue("more")[1])


def test_a_refused_connection_leaves_nothing_behind(add, key, database):
    add("alpha", URL, key)
    with pytest.raises(AlreadyExists):
        add("beta", URL, key)
    assert len(database.tables.locations) == len(database.tables.libraries) == 1


def test_an_inbound_connection_gives_its_name_way(add, key, issue, authenticate, connections):
    caller = authenticate(issue("alpha")[1])
    outbound = add("alpha", URL, key)
    names = {one.id: one.name for one in connections()}
    assert names == {outbound.id: "alpha", caller.connection_id: "alpha (inbound)"}


def test_there_is_a_most(make_add, issue, moves):
    add = make_add(most=2)
    first = add("one", URL, issue()[1])
    add("two", URL, issue()[1])
    with pytest.raises(TooManyConnections):
        add("three", URL, issue()[1])
    moves.revoke(first)
    assert add("three", URL, issue()[1])


def test_a_peer_that_reads_us_does_not_count_towards_the_most(make_add, issue, authenticate):
    authenticate(issue("reader")[1])
    assert make_add(most=1)("one", URL, issue()[1])


def test_a_revoked_connections_name_can_be_used_again(add, key, moves, read_only):
    moves.revoke(add("alpha", URL, key))
    again = add("alpha", URL, key)
    with read_only() as tx:
        assert tx.locations.find_by_name("alpha").connection_id == again.id
        assert find_connection(tx, "alpha").id == again.id


def test_states_move_by_the_table_and_leave_a_trail(add, key, moves, entries):
    connection = add("alpha", URL, key)
    assert moves.suspend(connection).state is ConnectionState.SUSPENDED
    with pytest.raises(IllegalTransition):
        moves.suspend(connection)
    assert moves.resume(connection).state is ConnectionState.ACTIVE
    assert moves.reject(connection).state is ConnectionState.REJECTED
    with pytest.raises(IllegalTransition):
        moves.resume(connection)
    assert moves.revoke(connection).state is ConnectionState.REVOKED
    said = [entry.action for entry in entries()]
    assert said[-4:] == [f"connection.{v}" for v in ("suspend", "resume", "reject", "revoke")]


def test_connections_are_found_by_id_and_name(add, key, unit_of_work):
    connection = add("alpha", URL, key)
    with unit_of_work() as tx:
        assert find_connection(tx, "alpha").id == connection.id
        assert find_connection(tx, str(connection.id)).id == connection.id
        for ref in ("nobody", str(key)):
            with pytest.raises(ConnectionNotFound):
                find_connection(tx, ref)


def test_a_peer_is_asked_with_its_own_key(add, key, peers, try_connection, connections):
    peers.add(URL, key, MemoryPeer(name="Alpha"))
    info = try_connection(add("alpha", URL, key))
    assert info.name == "Alpha"
    assert connections()[0].remote_name == "Alpha"
    assert connections()[0].remote_version == "1"


def test_what_a_peer_says_of_us_is_remembered_until_it_answers(
    add, key, peers, try_connection, connections
):
    peer = peers.add(URL, key, MemoryPeer(fault=PeerRefused("suspended by peer")))
    connection = add("alpha", URL, key)
    with pytest.raises(PeerRefused):
        try_connection(connection)
    assert connections()[0].remote_state == "suspended by peer"
    peer.fault = PeerUnreachable()
    with pytest.raises(PeerUnreachable):
        try_connection(connection)
    assert connections()[0].remote_state == "suspended by peer"
    peer.fault = None
    try_connection(connection)
    assert connections()[0].remote_state == ""


def test_a_suspended_connection_is_not_used(add, key, moves, make_open):
    connection = add("alpha", URL, key)
    make_open()(connection.id)
    moves.suspend(connection)
    with pytest.raises(ConnectionInactive, match="suspended"):
        make_open()(connection.id)


def test_a_peer_that_reads_us_is_not_asked(issue, authenticate, make_open):
    caller = authenticate(issue()[1])
    with pytest.raises(NotOurs):
        make_open()(caller.connection_id)


def test_no_peer_is_asked_while_federation_is_off(add, key, make_open):
    connection = add("alpha", URL, key)
    with pytest.raises(FederationDisabled):
        make_open(enabled=False)(connection.id)
