"""Counters of one process."""

import threading
import time
from collections.abc import Callable

from ports.counters import Count

_SWEEP_EVERY = 10_000


class MemoryCounters:
    """Counts in a dictionary. ``now`` gives seconds since the epoch."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._counts: dict[str, Count] = {}
        self._changes = 0

    def add(self, key: str, *, window_s: int, amount: int = 1) -> Count:
        """Add to a counter."""
        now = self._now()
        with self._lock:
            self._sweep(now)
            count = self._counts.get(key)
            if count is None or not now < count.resets_at <= now + window_s:
                count = Count(0, now + window_s)
            count = Count(max(count.total + amount, 0), count.resets_at)
            self._counts[key] = count
            return count

    def get(self, key: str) -> Count:
        """Read a counter."""
        with self._lock:
            count = self._counts.get(key)
        return count if count is not None and self._now() < count.resets_at else Count(0, 0.0)

    def clear(self, key: str) -> None:
        """Forget a counter."""
        with self._lock:
            self._counts.pop(key, None)

    def touch(self, key: str, *, idle_s: int) -> bool:
        """Keep a key alive."""
        now = self._now()
        with self._lock:
            self._sweep(now)
            known = self._counts.get(key)
            self._counts[key] = Count(1, now + idle_s)
            return known is not None and now < known.resets_at

    def _sweep(self, now: float) -> None:
        self._changes += 1
        if self._changes >= _SWEEP_EVERY:
            self._changes = 0
            self._counts = {k: c for k, c in self._counts.items() if now < c.resets_at}
