from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from app.usecases.federation.access import OpenPeer, ReadAccess
from app.usecases.federation.authentication import Authenticate
from app.usecases.federation.connections import (
    AddConnection,
    RejectConnection,
    ResumeConnection,
    RevokeConnection,
    SuspendConnection,
    TestConnection,
)
from app.usecases.federation.keys import IssueKey, RevokeKey, RotateKey
from domain.federation.audit import CLI
from domain.ids import LibraryId
from domain.library.storage_location import Library

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def library(unit_of_work, new_id):
    """Make a library of that name."""

    def make(name):
        made = Library(id=LibraryId(new_id()), name=name, created_at=NOW)
        with unit_of_work() as tx:
            tx.libraries.add(made)
            tx.commit()
        return made

    return make


@pytest.fixture
def issue(unit_of_work, secrets, clock, new_id):
    use_case = IssueKey(unit_of_work, secrets, clock, new_id)

    def issue(name="bob", **fields):
        given = {"kind": "peer", "scopes": ["read"], "libraries": [], "actor": CLI, **fields}
        return use_case(name=name, **given)

    return issue


@pytest.fixture
def revoke(unit_of_work, clock):
    return lambda key: RevokeKey(unit_of_work, clock)(key_id=key.id, actor=CLI)


@pytest.fixture
def rotate(unit_of_work, secrets, clock, new_id):
    use_case = RotateKey(unit_of_work, secrets, clock, new_id)
    return lambda key, hours=24: use_case(key_id=key.id, overlap_hours=hours, actor=CLI)


@pytest.fixture
def make_authenticate(credentials, unit_of_work, secrets, clock, new_id):
    def make(*, enabled=True):
        return Authenticate(credentials, unit_of_work, secrets, clock, new_id, enabled)

    return make


@pytest.fixture
def authenticate(make_authenticate):
    use_case = make_authenticate()
    return lambda text, address="192.0.2.1": use_case(key_text=text, address=address)


@pytest.fixture
def connections(read_only):
    """List all connections, anew."""

    def every():
        with read_only() as tx:
            return tx.connections.all()

    return every


@pytest.fixture
def moves(unit_of_work, clock):
    """Move a connection: ``moves.suspend(connection)`` …"""

    def move(use_case):
        return lambda one: use_case(unit_of_work, clock)(connection_id=one.id, actor=CLI)

    return SimpleNamespace(
        suspend=move(SuspendConnection),
        resume=move(ResumeConnection),
        reject=move(RejectConnection),
        revoke=move(RevokeConnection),
    )


@pytest.fixture
def make_add(unit_of_work, secrets, secret_box, clock, new_id):
    def make(*, require_https=False, most=10):
        use_case = AddConnection(
            unit_of_work, secrets, secret_box, clock, new_id, require_https, most
        )
        return lambda name, url, key: use_case(name=name, url=url, key=key, actor=CLI)

    return make


@pytest.fixture
def add(make_add):
    return make_add()


@pytest.fixture
def make_open(credentials, secret_box, peers):
    return lambda *, enabled=True: OpenPeer(ReadAccess(credentials, secret_box, enabled), peers)


@pytest.fixture
def try_connection(unit_of_work, make_open):
    use_case = TestConnection(unit_of_work, make_open())
    return lambda one: use_case(connection_id=one.id)


@dataclass
class Context:
    """What a running job has, with every figure that it published."""

    job_id: object
    figures: list

    def progress(self, **figures):
        self.figures.append(figures)


@pytest.fixture
def entries(audit_reader):
    """List what the trail says, oldest first."""
    return lambda: [row.entry for row in audit_reader.iter_chain()]
