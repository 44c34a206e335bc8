"""The audit chain in a list, its reader, its trail and its checkpoints."""

from collections.abc import Iterator, Sequence
from itertools import islice

from adapters.memory.database import MemoryDatabase, Tables
from domain.federation.audit import GENESIS, AuditEntry, ChainedEntry, Checkpoint, chain_hash


class MemoryAuditLog:
    """The chain, inside the transaction."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def append(self, entries: Sequence[AuditEntry]) -> None:
        for entry in entries:
            chain = self._tables.audit
            previous = chain[-1].entry_hash if chain else GENESIS
            number = chain[-1].number + 1 if chain else 1
            chain.append(ChainedEntry(number, entry, chain_hash(previous, entry)))


class MemoryAuditTrail:
    """Writes each note at once, in a transaction of its own."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def note(self, entry: AuditEntry) -> None:
        with self._database.writer:
            tables = self._database.tables.snapshot()
            MemoryAuditLog(tables).append([entry])
            self._database.tables = tables

    def flush(self) -> None:
        """Nothing waits: every note is in the chain when ``note`` returns."""


class MemoryAuditReader:
    """Reads the chain."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def iter_chain(self) -> Iterator[ChainedEntry]:
        yield from list(self._database.tables.audit)

    def page(
        self,
        *,
        before: int | None,
        limit: int,
        action: str = "",
        actor: str = "",
        target: str = "",
    ) -> Sequence[ChainedEntry]:
        newest_first = (
            row
            for row in reversed(self._database.tables.audit)
            if (before is None or row.number < before)
            and row.entry.action.startswith(action)
            and row.entry.actor.startswith(actor)
            and target in ("", row.entry.target)
        )
        return list(islice(newest_first, limit))


class MemoryCheckpoints:
    """Keeps the newest head of the chain."""

    def __init__(self) -> None:
        self._newest: Checkpoint | None = None

    def write(self, checkpoint: Checkpoint) -> None:
        if self._newest is None or checkpoint.size > self._newest.size:
            self._newest = checkpoint

    def read(self) -> Checkpoint | None:
        return self._newest
