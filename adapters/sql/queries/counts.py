"""Numbers that take long to count, remembered.

A number is counted anew when the catalogue has changed; but while it changes all the time, as in a
scan, at most a twentieth of the time goes into counting: a large one may be seconds old then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar

_MOST = 2000
_CHEAP_S = 0.02  # what takes less is never old
_SHARE = 20

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Known:
    changes: int
    value: Any
    good_until: float


class Counts:
    """Values by question, each with the state of the catalogue it was counted in."""

    def __init__(self) -> None:
        self._known: dict[Hashable, _Known] = {}

    def get(self, question: Hashable, changes: int, count: Callable[[], Value]) -> Value:
        """Return the value, counted now or in a state that is good enough."""
        known, begun = self._known.get(question), time.monotonic()
        if known is None or (known.changes != changes and begun >= known.good_until):
            value: Value = count()
            spent = time.monotonic() - begun
            until = begun + (1 + _SHARE) * spent if spent > _CHEAP_S else begun
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[question] = _Known(changes, value, until)
            return value
        found: Value = known.value
        return found
