"""The audit trail: rows in a hash chain, so that an edit, a gap or a swap shows.

Entry hash = SHA-256(0x00 || previous hash || canonical JSON of the entry), after RFC 9162's leaf
hashing; the first entry's previous hash is 32 zero bytes. A checkpoint is the size of the chain and
its last hash, signed by the node's identity key and kept outside the database: it shows a cut tail.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

GENESIS = bytes(32)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """Something that was done: when, who, what, to what, how it ended.

    ``actor`` is ``user:<id>``, ``key:<prefix>``, ``peer:<name>``, ``cli`` or ``anonymous``;
    ``action`` is ``thing.verb``; ``target`` names the object; ``result`` is ``ok`` or an error
    code;    ``bytes_sent`` counts body bytes of a stream.
    """

    at: datetime
    actor: str
    action: str
    target: str = ""
    result: str = "ok"
    detail: str = ""
    bytes_sent: int | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: ``name`` as in an entry's ``actor``, and from which address."""

    name: str
    address: str = ""

    def did(
        self,
        action: str,
        target: str = "",
        *,
        at: datetime,
        result: str = "ok",
        detail: str = "",
        bytes_sent: int | None = None,
    ) -> AuditEntry:
        """Write down one action of this actor."""
        return AuditEntry(
            at=at,
            actor=self.name,
            action=action,
            target=target,
            result=result,
            detail=detail,
            bytes_sent=bytes_sent,
            address=self.address,
        )


CLI = Actor("cli")
SYSTEM = Actor("system")


@dataclass(frozen=True, slots=True)
class ChainedEntry:
    """An entry with its place in the chain; ``number`` counts from 1 without gaps."""

    number: int
    entry: AuditEntry
    entry_hash: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How long the chain was and how it ended."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the chain found; ``fault`` is empty where all is well."""

    size: int
    fault: str = ""
    at_number: int | None = None


def chain_hash(previous: bytes, entry: AuditEntry) -> bytes:
    """Return the hash of ``entry`` behind the hash of the one before it (32 bytes each)."""
    return hashlib.sha256(b"\x00" + previous + _canonical(entry)).digest()


def verify_chain(entries: Iterable[ChainedEntry], checkpoint: Checkpoint | None) -> Verdict:
    """Walk the chain from its start and hold it against the last checkpoint.

    Args:
        entries: all entries in order of their numbers; read lazily.
        checkpoint: the newest signed checkpoint, or None where none was ever written.
    """
    previous, size, seen_root = GENESIS, 0, GENESIS
    for row in entries:
        if row.number != size + 1:
            return Verdict(size, "an entry is missing or out of order", size + 1)
        if chain_hash(previous, row.entry) != row.entry_hash:
            return Verdict(size, "an entry was changed", row.number)
        previous, size = row.entry_hash, row.number
        if checkpoint is not None and size == checkpoint.size:
            seen_root = previous
    if checkpoint is None:
        return Verdict(size, "" if size == 0 else "the signed checkpoint is missing")
    if size < checkpoint.size:
        return Verdict(size, f"the end was cut: {checkpoint.size} entries were signed", size + 1)
    if checkpoint.size and seen_root != checkpoint.root:
        return Verdict(size, "the chain is not the one that was signed", checkpoint.size)
    return Verdict(size)


def _canonical(entry: AuditEntry) -> bytes:
    fields = {
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target,
        "result": entry.result,
        "detail": entry.detail,
        "bytes_sent": entry.bytes_sent,
        "address": entry.address,
    }
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
