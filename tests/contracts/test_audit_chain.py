"""One chain, whoever writes: an edit, a gap, a swap and a cut tail all show."""

import threading

import pytest
import sqlalchemy as sa

from adapters.crypto.checkpoints import FileCheckpoints
from adapters.crypto.identity import Ed25519Identity
from adapters.crypto.keyfiles import load_or_create
from adapters.memory.audit import MemoryCheckpoints
from adapters.sql import schema
from app.usecases.audit import VerifyAudit
from domain.federation.audit import Checkpoint, verify_chain
from ports.crypto import SealBroken


def write(rows, number=5):
    for n in range(number):
        rows.in_one(lambda tx, n=n: tx.audit.append([rows.entry(f"thing.{n}", detail="“é”")]))


def chain(backend):
    return list(backend.audit_reader.iter_chain())


def head(backend):
    rows = chain(backend)
    return Checkpoint(rows[-1].number, rows[-1].entry_hash)


def test_entries_are_chained_in_order(backend, rows):
    write(rows)
    entries = chain(backend)
    assert [row.number for row in entries] == [1, 2, 3, 4, 5]
    assert [row.entry.action for row in entries] == [f"thing.{n}" for n in range(5)]
    assert verify_chain(entries, head(backend)).fault == ""


def test_entries_come_back_whole(backend, rows):
    entry = rows.entry(
        "stream.end", "peer:Bea", target="video:1", result="ok", detail="d", bytes_sent=2**40,
        address="2001:db8::1",
    )  # fmt: skip
    rows.in_one(lambda tx: tx.audit.append([entry]))
    assert chain(backend)[0].entry == entry


def test_what_is_rolled_back_leaves_no_entry(backend, rows):
    with backend.unit_of_work() as tx:
        tx.audit.append([rows.entry()])
    write(rows, 1)
    assert [row.number for row in chain(backend)] == [1]
    assert verify_chain(chain(backend), head(backend)).fault == ""


def test_many_writers_keep_one_chain(backend, rows):
    start = threading.Barrier(4)

    def admin(name):
        start.wait()
        for n in range(5):
            rows.in_one(lambda tx, n=n: tx.audit.append([rows.entry(f"{name}.{n}")]))

    def caller():
        start.wait()
        for n in range(20):
            backend.audit_trail.note(rows.entry(f"note.{n}"))

    threads = [threading.Thread(target=admin, args=(name,)) for name in "ab"]
    threads += [threading.Thread(target=caller) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    backend.audit_trail.flush()
    entries = chain(backend)
    assert len(entries) == 50
    assert verify_chain(entries, head(backend)).fault == ""
    for name in "ab":
        mine = [row.entry.action for row in entries if row.entry.action.startswith(f"{name}.")]
        assert mine == [f"{name}.{n}" for n in range(5)]


def test_notes_are_in_the_chain_after_a_flush(backend, rows):
    backend.audit_trail.flush()
    for n in range(3):
        backend.audit_trail.note(rows.entry(f"note.{n}"))
    backend.audit_trail.flush()
    assert [row.entry.action for row in chain(backend)] == ["note.0", "note.1", "note.2"]


def test_pages_come_newest_first_and_filter_by_beginnings(backend, rows):
    for n in range(6):
        action, actor = ("key.issue", "cli") if n % 2 else ("stream.100%", "peer:B_a")
        rows.in_one(lambda tx, a=action, w=actor: tx.audit.append([rows.entry(a, w)]))
    reader = backend.audit_reader

    def numbers(**more):
        return [row.number for row in reader.page(**{"before": None, "limit": 9, **more})]

    assert numbers() == [6, 5, 4, 3, 2, 1]
    assert numbers(limit=2) == [6, 5]
    assert numbers(before=5, limit=2) == [4, 3]
    assert numbers(before=1) == []
    assert numbers(action="key.") == [6, 4, 2]
    assert numbers(actor="peer:B_", action="stream.100%") == [5, 3, 1]
    assert numbers(actor="peer:Bx") == numbers(action="%") == []


TAMPER = pytest.mark.parametrize("backend", ["sqlite", "postgres"], indirect=True)
AUDIT = schema.audit


def tamper(backend, *statements):
    with backend.engine.begin() as connection:
        for statement in statements:
            connection.execute(statement)


def faults(backend, checkpoint):
    verdict = verify_chain(backend.audit_reader.iter_chain(), checkpoint)
    return verdict.fault, verdict.at_number


@TAMPER
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", "cli2"),
        ("action", "x.y"),
        ("target", "z"),
        ("result", "denied"),
        ("detail", ""),
        ("bytes_sent", 1),
        ("address", "192.0.2.1"),
        ("entry_hash", b"\0" * 32),
    ],
)
def test_an_edit_shows(backend, rows, column, value):
    write(rows)
    signed = head(backend)
    tamper(backend, sa.update(AUDIT).where(AUDIT.c.number == 3).values({column: value}))
    assert faults(backend, signed) == ("an entry was changed", 3)


@TAMPER
def test_a_deletion_shows(backend, rows):
    write(rows)
    signed = head(backend)
    tamper(backend, sa.delete(AUDIT).where(AUDIT.c.number == 3))
    assert faults(backend, signed) == ("an entry is missing or out of order", 3)


@TAMPER
def test_a_swap_shows(backend, rows):
    write(rows)
    signed = head(backend)
    move = [(2, 99), (3, 2), (99, 3)]
    tamper(
        backend,
        *(sa.update(AUDIT).where(AUDIT.c.number == a).values(number=b) for a, b in move),
    )
    fault, number = faults(backend, signed)
    assert fault
    assert number == 2


@TAMPER
def test_a_cut_tail_shows_even_where_it_was_written_on(backend, rows):
    write(rows)
    signed = head(backend)
    tamper(backend, sa.delete(AUDIT).where(AUDIT.c.number > 3))
    assert faults(backend, signed) == ("the end was cut: 5 entries were signed", 4)
    write(rows, 4)
    fault, number = faults(backend, signed)
    assert fault == "the chain is not the one that was signed"
    assert number == 5


@TAMPER
def test_an_emptied_chain_shows(backend, rows):
    write(rows)
    signed = head(backend)
    tamper(backend, sa.delete(AUDIT))
    assert faults(backend, signed)[0]


def new_identity(folder):
    keys = load_or_create(folder / "keys", fresh=True)
    return Ed25519Identity(keys.identity_pem, instance_id="node")


@pytest.fixture(params=["memory", "file"])
def checkpoints(request, tmp_path):
    if request.param == "memory":
        return MemoryCheckpoints()
    identity = new_identity(tmp_path)
    return FileCheckpoints(tmp_path / "audit.checkpoint", identity)


def test_a_checkpoint_is_read_back_and_never_goes_back(checkpoints):
    assert checkpoints.read() is None
    old, new = Checkpoint(3, b"3" * 32), Checkpoint(5, b"5" * 32)
    checkpoints.write(new)
    checkpoints.write(old)
    assert checkpoints.read() == new


def test_the_verdict_names_a_missing_and_an_old_checkpoint(backend, rows, checkpoints):
    verify = VerifyAudit(backend.audit_reader, checkpoints)
    assert verify().fault == ""
    write(rows)
    assert verify().fault
    checkpoints.write(head(backend))
    assert (verify().fault, verify().size) == ("", 5)
    write(rows, 2)
    assert (verify().fault, verify().size) == ("", 7)


def test_a_changed_checkpoint_is_refused(tmp_path):
    identity = new_identity(tmp_path)
    path = tmp_path / "audit.checkpoint"
    checkpoints = FileCheckpoints(path, identity)
    checkpoints.write(Checkpoint(5, b"5" * 32))
    path.write_bytes(path.read_bytes().replace(b"5", b"4", 1))
    with pytest.raises(SealBroken):
        checkpoints.read()
