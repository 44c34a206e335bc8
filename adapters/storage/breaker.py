"""A dead peer costs nobody time: after a few failures in a row, requests fail at once for a while.

Then a single request tries again, and its success lets the others through.
"""

import time
from collections.abc import Callable
from threading import Lock

FAILURES = 3
REST_S = 30.0


class Breaker:
    """Counts failures in a row; ``monotonic`` tells the time."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic, self._lock = monotonic, Lock()
        self._failures, self._closed_at = 0, 0.0

    def lets_through(self) -> bool:
        """Tell whether to try now. While resting, one caller per rest is let through."""
        with self._lock:
            if self._failures < FAILURES:
                return True
            now = self._monotonic()
            if now < self._closed_at:
                return False
            self._closed_at = now + REST_S
            return True

    def record(self, *, success: bool) -> None:
        """Tell how a try ended."""
        with self._lock:
            self._failures = 0 if success else self._failures + 1
            if self._failures >= FAILURES:
                self._closed_at = self._monotonic() + REST_S
