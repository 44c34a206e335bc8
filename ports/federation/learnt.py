"""Writing what a peer's catalogue says: part of a unit of work, a page at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.federation.remote_work import RemoteWork
from domain.ids import ConnectionId, LocationId


@dataclass(frozen=True, slots=True)
class LearntCounts:
    """What applying a page did, in works; ``rows`` are the numbers of all rows it met."""

    added: int
    updated: int
    unchanged: int
    rows: Sequence[int]


class LearntImport(Protocol):
    """Bulk side of the catalogue for peers: rows are keyed (connection, remote id)."""

    def apply(
        self,
        connection_id: ConnectionId,
        location_id: LocationId,
        works: Sequence[RemoteWork],
        *,
        at: datetime,
    ) -> LearntCounts:
        """Write a page; an unchanged record writes no row, one that was gone comes back.

        Nothing but rows of that connection is touched. A video that the record no longer has is
        marked gone. Ids that leave this node are its own, kept for as long as the remote id lives.
        """
        ...

    def rows_of(self, connection_id: ConnectionId, remote_ids: Sequence[str]) -> Sequence[int]:
        """Return the row numbers of the connection's works of those remote ids (at most 1,000)."""
        ...

    def iter_known(self, connection_id: ConnectionId) -> Iterator[int]:
        """Yield the row numbers of the connection's works that are not gone, lazily."""
        ...

    def remove(self, connection_id: ConnectionId, rows: Sequence[int]) -> None:
        """Mark works of the connection (at most 1,000) with all their videos as gone."""
        ...

    def set_offline(self, connection_id: ConnectionId) -> int:
        """Mark the connection's available videos offline; return how many."""
        ...

    def set_online(self, connection_id: ConnectionId) -> int:
        """Mark the connection's offline videos available again; return how many."""
        ...
