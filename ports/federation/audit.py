"""Leaving a trail."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from domain.federation.audit import AuditEntry, ChainedEntry, Checkpoint


class AuditTrail(Protocol):
    """Takes notes of accesses without making the caller wait; admin changes go through the
    unit of work instead, together with what they change.
    """

    def note(self, entry: AuditEntry) -> None:
        """Take a note; it is in the chain within a second. Blocks where notes pile up."""
        ...

    def flush(self) -> None:
        """Return when every note taken so far is in the chain."""
        ...


class Checkpoints(Protocol):
    """Signed heads of the chain, kept outside the database."""

    def write(self, checkpoint: Checkpoint) -> None:
        """Sign and keep a checkpoint; an older one never replaces a newer one."""
        ...

    def read(self) -> Checkpoint | None:
        """Return the newest checkpoint whose signature holds, or None where none was written.

        Raises:
            SealBroken: it was changed or signed by another key.
        """
        ...


class AuditReader(Protocol):
    """Reads the chain."""

    def iter_chain(self) -> Iterator[ChainedEntry]:
        """Yield all entries in order, lazily."""
        ...

    def page(
        self,
        *,
        before: int | None,
        limit: int,
        action: str = "",
        actor: str = "",
        target: str = "",
    ) -> Sequence[ChainedEntry]:
        """Return the newest entries below number ``before``, newest first.

        ``action`` and ``actor`` match a beginning, ``target`` the whole; empty matches all.
        """
        ...
