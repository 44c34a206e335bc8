import hashlib
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.federation.audit import (
    GENESIS,
    Actor,
    AuditEntry,
    ChainedEntry,
    Checkpoint,
    chain_hash,
    verify_chain,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def entry(number=0):
    return AuditEntry(at=NOW + timedelta(seconds=number), actor="cli", action=f"thing.{number}")


def chain(length):
    rows, previous = [], GENESIS
    for number in range(1, length + 1):
        previous = chain_hash(previous, entry(number))
        rows.append(ChainedEntry(number, entry(number), previous))
    return rows


def head(rows):
    return Checkpoint(rows[-1].number, rows[-1].entry_hash)


def test_a_whole_chain_holds():
    rows = chain(5)
    assert verify_chain(rows, head(rows)).fault == ""
    assert verify_chain(rows, head(rows[:3])).size == 5
    assert verify_chain(rows, Checkpoint(0, GENESIS)).fault == ""


def test_an_empty_chain_holds_where_nothing_was_signed():
    assert verify_chain([], None).fault == ""
    assert verify_chain([], Checkpoint(1, b"r" * 32)).fault


def test_a_chain_without_a_checkpoint_does_not():
    assert verify_chain(chain(1), None).fault == "the signed checkpoint is missing"


@given(st.integers(2, 8), st.data())
def test_any_tampering_shows(length, data):
    rows = chain(length)
    signed, at = head(rows), data.draw(st.integers(0, length - 1))
    how = data.draw(st.sampled_from(["edit", "delete", "swap", "cut", "insert", "rewrite"]))
    if how == "edit":
        rows[at] = replace(rows[at], entry=replace(rows[at].entry, detail="x"))
    elif how == "delete":
        del rows[at]
    elif how == "swap":
        other = (at + 1) % length
        rows[at], rows[other] = rows[other], rows[at]
    elif how == "cut":
        del rows[at:]
    elif how == "insert":
        rows.insert(at, rows[at])
    else:  # every hash anew, as whoever owns the database could
        rows[at] = replace(rows[at], entry=replace(rows[at].entry, actor="nobody"))
        previous = GENESIS
        for place, row in enumerate(rows):
            previous = chain_hash(previous, row.entry)
            rows[place] = replace(row, entry_hash=previous)
    assert verify_chain(rows, signed).fault


def test_every_field_counts():
    base = entry()
    other = {"at": NOW + timedelta(microseconds=1), "bytes_sent": 0}
    for field in fields(AuditEntry):
        changed = replace(base, **{field.name: other.get(field.name, "changed")})
        assert chain_hash(GENESIS, changed) != chain_hash(GENESIS, base), field.name


def test_the_zone_of_a_time_does_not_count():
    there = timezone(timedelta(hours=2))
    moved = replace(entry(), at=entry().at.astimezone(there))
    assert chain_hash(GENESIS, moved) == chain_hash(GENESIS, entry())


def test_the_hash_is_the_documented_one():
    text = (
        b'{"action":"thing.0","actor":"cli","address":"","at":"2026-01-01T00:00:00.000000+00:00",'
        b'"bytes_sent":null,"detail":"","result":"ok","target":""}'
    )
    assert chain_hash(GENESIS, entry()) == hashlib.sha256(b"\0" + bytes(32) + text).digest()


def test_an_actor_signs_what_it_did():
    done = Actor("user:1", "192.0.2.1").did(
        "key.issue", "phone", at=NOW, result="denied", detail="d", bytes_sent=5
    )
    assert done == AuditEntry(
        at=NOW,
        actor="user:1",
        action="key.issue",
        target="phone",
        result="denied",
        detail="d",
        bytes_sent=5,
        address="192.0.2.1",
    )


@pytest.mark.parametrize("number", [0, 2])
def test_numbers_begin_with_one(number):
    row = replace(chain(1)[0], number=number)
    assert verify_chain([row], head(chain(1))).at_number == 1
