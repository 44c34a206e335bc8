"""The commands key, connection and audit: their JSON, their errors, and what they never print."""

import json
from functools import partial

import pytest
from flask import Flask

from adapters.memory.peers import MemoryPeer
from app.cli import audit, connections, keys
from app.usecases.audit import VerifyAudit
from app.usecases.federation.connections import (
    AddConnection,
    RejectConnection,
    ResumeConnection,
    RevokeConnection,
    SuspendConnection,
    TestConnection,
)
from app.usecases.federation.keys import IssueKey, RevokeKey, RotateKey
from domain.federation.audit import AuditEntry, Checkpoint
from ports.crypto import SealBroken
from tests.unit.federation.conftest import NOW

URL = "http://a.example"


@pytest.fixture
def run():
    def run(group, *arguments, typed=""):
        return Flask("commands").test_cli_runner().invoke(group, arguments, input=typed)

    return run


@pytest.fixture
def key(run, unit_of_work, secrets, clock, new_id, read_only):
    group = keys.group(
        issue_key=partial(IssueKey, unit_of_work, secrets, clock, new_id),
        revoke_key=partial(RevokeKey, unit_of_work, clock),
        rotate_key=partial(RotateKey, unit_of_work, secrets, clock, new_id),
        read_only=read_only,
        overlap_hours=6,
    )
    return partial(run, group)


@pytest.fixture
def connection(run, unit_of_work, secrets, secret_box, clock, new_id, read_only, make_open):
    group = connections.group(
        add_connection=partial(
            AddConnection, unit_of_work, secrets, secret_box, clock, new_id, False, 1
        ),
        test_connection=partial(TestConnection, unit_of_work, make_open()),
        moves={
            "suspend": partial(SuspendConnection, unit_of_work, clock),
            "resume": partial(ResumeConnection, unit_of_work, clock),
            "reject": partial(RejectConnection, unit_of_work, clock),
            "revoke": partial(RevokeConnection, unit_of_work, clock),
        },
        read_only=read_only,
    )
    return partial(run, group)


def created(key, *arguments):
    done = key("create", "bob", "--scope", "read", *arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_created_key_is_one_object(key, library):
    library("Shared")
    made = created(key, "--scope", "metadata", "--library", "Shared", "--expires-hours", "0.5")
    assert list(made) == ["id", "key", "kind", "scopes", "libraries", "expires_at"]
    assert made["key"].startswith("vlr_peer_")
    assert (made["kind"], made["scopes"]) == ("peer", ["read", "metadata"])
    assert made["libraries"] == ["Shared"]
    assert made["expires_at"] == "2026-01-01T00:30:00.000000Z"


def test_without_json_the_key_stands_alone_on_stdout(key):
    done = key("create", "bob", "--scope", "read", "--kind", "app")
    assert done.exit_code == 0
    (line,) = done.stdout.splitlines()
    assert line.startswith("vlr_app_")
    assert "not shown again" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["create", "bob"], "--scope"),
        (["create", "bob", "--scope", "write"], "write"),
        (["create", "bob", "--scope", "read", "--library", "Nope"], "Nope"),
        (["create", "bob", "--scope", "read", "--expires-hours", "-1"], "expires_hours"),
        (["create", "bob", "--scope", "read", "--expires-hours", "nan"], "expires_hours"),
        (["create", "bob", "--scope", "read", "--network", "x"], "network"),
        (["create", "", "--scope", "read"], "name"),
        (["revoke", "nobody"], "No such API key"),
        (["rotate", "nobody"], "No such API key"),
    ],
)
def test_a_mistake_is_told_on_stderr(key, arguments, words):
    done = key(*arguments)
    assert done.exit_code != 0
    assert done.stdout == ""
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_listed_keys_carry_no_secret(key):
    made = created(key)
    done = key("list", "--json")
    (item,) = json.loads(done.stdout)["items"]
    assert item["id"] == made["id"]
    assert item["name"] == "bob"
    assert item["revoked_at"] is None
    assert made["key"].startswith(item["prefix"])
    assert made["key"] not in done.stdout
    assert made["key"] not in key("list").stdout


def test_keys_are_revoked_and_rotated_by_name_or_id(key, clock):
    made = created(key)
    clock.forward(seconds=1)
    rotated = json.loads(key("rotate", "bob", "--overlap-hours", "1", "--json").stdout)
    assert rotated["key"] != made["key"]
    assert key("rotate", made["id"]).exit_code == 1
    revoked = json.loads(key("revoke", rotated["id"], "--json").stdout)
    assert revoked["revoked_at"] is not None
    assert all(item["revoked_at"] for item in json.loads(key("list", "--json").stdout)["items"])


def test_a_connection_is_added_listed_tested_and_moved(key, connection, peers):
    text = created(key)["key"]
    peers.add(URL, text, MemoryPeer(name="Alpha"))
    done = connection("add", "alpha", "--url", URL, "--key-stdin", "--json", typed=text + "\n")
    assert done.exit_code == 0, done.output
    made = json.loads(done.stdout)
    assert (made["name"], made["direction"], made["state"]) == ("alpha", "outbound", "active")
    (item,) = json.loads(connection("list", "--json").stdout)["items"]
    assert item == made
    assert text not in connection("list").stdout
    tested = json.loads(connection("test", "alpha", "--json").stdout)
    assert tested["instance_info"]["name"] == "Alpha"
    assert "Alpha" in connection("test", made["id"]).stdout
    for verb, state in (("suspend", "suspended"), ("resume", "active"), ("reject", "rejected")):
        assert json.loads(connection(verb, "alpha", "--json").stdout)["state"] == state
    assert connection("suspend", "alpha").exit_code == 1
    assert "revoked" in connection("revoke", made["id"]).stdout


def test_a_connection_that_cannot_be_is_refused_with_its_reason(key, connection):
    text = created(key)["key"]
    mistyped = text[:-1] + ("a" if text[-1] != "a" else "b")
    add = partial(connection, "add", "alpha", "--key-stdin", "--url")

    for url, typed, words in (
        (URL, mistyped, "mistyped"),
        (URL, "", "mistyped"),
        ("ftp://x", text, "https://"),
    ):
        done = add(url, typed=typed)
        assert (done.exit_code, done.stdout) == (1, "")
        assert words in done.stderr
        assert text not in done.output
    assert connection("add", "alpha", "--url", URL, typed=text).exit_code != 0  # no --key-stdin
    assert add(URL, typed=text).exit_code == 0
    assert add(URL, typed=text).exit_code == 1
    again = connection("add", "beta", "--url", URL, "--key-stdin", typed=text)
    assert again.exit_code == 1
    assert connection("suspend", "nobody").exit_code == 1


def test_a_test_that_fails_says_why(key, connection):
    text = created(key)["key"]
    connection("add", "alpha", "--url", URL, "--key-stdin", typed=text)
    done = connection("test", "alpha", "--json")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "does not answer" in done.stderr


class Kept:
    """Checkpoints that say what a test wants."""

    def __init__(self, checkpoint=None, fault=None):
        self.checkpoint, self.fault = checkpoint, fault

    def read(self):
        if self.fault:
            raise self.fault
        return self.checkpoint


@pytest.fixture
def chain(unit_of_work, audit_reader):
    """Write that many entries and return the head of the chain."""

    def write(count):
        entries = [AuditEntry(at=NOW, actor="cli", action=f"thing.did{n}") for n in range(count)]
        with unit_of_work() as tx:
            tx.audit.append(entries)
            tx.commit()
        *_, last = audit_reader.iter_chain()
        return Checkpoint(last.number, last.entry_hash)

    return write


@pytest.fixture
def trail(run, audit_reader):
    def make(checkpoints):
        group = audit.group(
            verify_audit=lambda: VerifyAudit(audit_reader, checkpoints),
            audit_reader=lambda: audit_reader,
        )
        return partial(run, group)

    return make


def test_a_whole_trail_is_found_whole(chain, trail):
    done = trail(Kept(chain(5)))("verify", "--json")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"ok": True, "size": 5, "fault": "", "at_number": None}
    assert "5 entries" in trail(Kept(chain(1)))("verify").stdout.replace("6 entries", "5 entries")


@pytest.mark.parametrize(
    ("kept", "words"),
    [
        (Kept(), "missing"),
        (Kept(Checkpoint(9, b"x" * 32)), "cut"),
        (Kept(Checkpoint(5, b"x" * 32)), "not the one that was signed"),
        (Kept(fault=SealBroken("not signed by this node")), "not signed"),
    ],
)
def test_a_damaged_trail_ends_with_an_error(chain, trail, kept, words):
    chain(5)
    done = trail(kept)("verify", "--json")
    assert done.exit_code == 1
    assert words in json.loads(done.stdout)["fault"]
    assert words in done.stderr


def test_the_trail_is_listed_newest_first(chain, trail):
    listed = trail(Kept(chain(5)))
    items = json.loads(listed("list", "--json", "--limit", "2").stdout)["items"]
    assert [item["number"] for item in items] == [5, 4]
    assert items[0]["action"] == "thing.did4"
    assert "thing.did3" in listed("list", "--action", "thing.did3").stdout
