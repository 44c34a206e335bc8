"""A total time for an exchange, by a clock that nobody can set."""

import time

from ports.federation.peers import PeerSlow


class Deadline:
    """An end in the future.

    Args:
        seconds: from now.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds, self._end = seconds, time.monotonic() + seconds

    def left(self, at_most: float = float("inf")) -> float:
        """Return the seconds left, for the next wait.

        Raises:
            PeerSlow: the time is up.
        """
        left = self._end - time.monotonic()
        if left <= 0:
            raise PeerSlow(f"it took longer than {self._seconds:g} s")
        return min(left, at_most)
