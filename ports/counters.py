"""Counts that all processes of a node share: how often in this window, and is this still going on.

They live in memory, in a small file or in Redis; losing them costs a window, never data.
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Count:
    """A counter as it stands; ``resets_at`` in seconds since the epoch, 0.0 for an unused one."""

    total: int
    resets_at: float


class Counters(Protocol):
    """Counters that begin again after a fixed time."""

    def add(self, key: str, *, window_s: int, amount: int = 1) -> Count:
        """Add ``amount`` (it may be negative; the total stays 0 or more) and return the counter.

        The first addition starts a window of ``window_s`` seconds; after it the count begins
        again. Additions of several processes at the same time all count.

        Raises:
            Unavailable: the shared store does not answer.
        """
        ...

    def get(self, key: str) -> Count:
        """Return the counter without changing it."""
        ...

    def clear(self, key: str) -> None:
        """Forget a counter. Clearing an unused one is not an error."""
        ...

    def touch(self, key: str, *, idle_s: int) -> bool:
        """Keep ``key`` alive for another ``idle_s`` seconds; tell whether it was alive before."""
        ...
