"""The present, handed in."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time; tests hold it still."""

    def now(self) -> datetime:
        """Return the present instant, timezone-aware, in UTC."""
        ...
