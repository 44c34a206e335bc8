"""Looking callers up: every credential by what is sent, in the present state."""

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from adapters.system.ids import new_uuid7
from domain.federation.api_key import ApiKey, KeyKind, Scope
from domain.federation.connection import Connection, ConnectionState, Direction
from domain.people import Role, Session, User

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def key(backend):
    made = ApiKey(
        id=new_uuid7(), name="north", kind=KeyKind.PEER, prefix="vlr_peer_0123", digest=b"k" * 32,
        scopes=frozenset({Scope.READ, Scope.STREAM}), libraries=frozenset(), created_at=NOW,
        expires_at=NOW + timedelta(hours=1), networks=("192.0.2.0/24",),
    )  # fmt: skip
    with backend.unit_of_work() as tx:
        tx.api_keys.add(made)
        tx.commit()
    return made


@pytest.fixture
def user(backend):
    made = User(
        id=new_uuid7(), username="ann", email="ann@example.org", password_hash="x", role=Role.ADMIN,
        created_at=NOW,
    )  # fmt: skip
    with backend.unit_of_work() as tx:
        tx.users.add(made)
        tx.commit()
    return made


def change(backend, work):
    with backend.unit_of_work() as tx:
        work(tx)
        tx.commit()


def test_a_key_is_found_by_digest_and_by_id_with_all_its_fields(backend, key):
    by_digest = backend.credentials.find_key(b"k" * 32)

    assert by_digest.key == key
    assert (by_digest.connection_id, by_digest.connection_state) == (None, None)
    assert backend.credentials.find_key_by_id(str(key.id)) == by_digest
    assert by_digest.key.expires_at.tzinfo is not None


def test_what_is_not_there_is_not_found(backend):
    credentials = backend.credentials

    assert credentials.find_key(b"x" * 32) is None
    assert credentials.find_key_by_id(str(new_uuid7())) is None
    assert credentials.find_key_by_id("rubbish") is None
    assert credentials.find_session(b"s" * 32, NOW) is None
    assert credentials.find_user(str(new_uuid7())) is None


def test_the_next_look_sees_a_revocation_and_a_suspension(backend, key):
    connection = Connection(
        id=new_uuid7(), name="north", direction=Direction.INBOUND, created_at=NOW, changed_at=NOW,
        state=ConnectionState.ACTIVE, api_key_id=key.id,
    )  # fmt: skip
    change(backend, lambda tx: tx.connections.add(connection, None, None))
    held = backend.credentials.find_key(b"k" * 32)
    assert (held.connection_id, held.connection_state) == (connection.id, ConnectionState.ACTIVE)

    def end(tx):
        stored, present = tx.api_keys.get(key.id), tx.connections.get(connection.id)
        stored.revoke(at=NOW)
        present.suspend(at=NOW)
        tx.api_keys.save(stored)
        tx.connections.save(present)

    change(backend, end)

    held = backend.credentials.find_key(b"k" * 32)
    assert held.key.revoked_at == NOW
    assert held.connection_state is ConnectionState.SUSPENDED


def test_a_session_is_found_with_its_person_while_it_lives(backend, user):
    session = Session(
        id_digest=b"s" * 32, user_id=user.id, values='{"a":1}', created_at=NOW, seen_at=NOW
    )
    change(backend, lambda tx: tx.sessions.put(session))

    held = backend.credentials.find_session(b"s" * 32, NOW + timedelta(days=1))

    assert (held.session, held.user) == (session, user)
    assert backend.credentials.find_session(b"s" * 32, NOW + timedelta(days=400)) is None
    assert backend.credentials.find_user(str(user.id)) == user


def drop_connections(engine):
    if engine is not None and engine.dialect.name == "postgresql":
        with engine.connect() as other:
            other.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )


def test_a_look_up_survives_connections_that_died(backend, key):
    assert backend.credentials.find_key(b"k" * 32)
    drop_connections(backend.engine)

    assert backend.credentials.find_key(b"k" * 32).key == key
    assert backend.credentials.find_key(b"k" * 32).key == key
