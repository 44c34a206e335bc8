"""What is kept of a server's JSON: known fields of known types, cut to size, and nothing else.

Whatever a server sends, the rest of this package meets text that can be stored, numbers that are
numbers, and lists and objects of these.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

MAX_WHOLE = 2**62

Shape = Callable[[Any], Any]
"""Returns what of a value has the shape, or None where nothing has."""


@dataclass(frozen=True, slots=True)
class Text:
    """Text of at most so many characters; longer text is cut."""

    most: int

    def __call__(self, value: Any) -> str | None:
        if type(value) is not str or not value:
            return None
        cut = value[: self.most]
        # Lone surrogates can be sent in JSON and be stored nowhere.
        return cut if cut.isascii() else cut.encode("utf-8", "ignore").decode() or None


@dataclass(frozen=True, slots=True)
class Many:
    """A list of at most so many values of one shape; others are left out."""

    shape: Shape
    most: int

    def __call__(self, value: Any) -> list[Any] | None:
        if type(value) is not list:
            return None
        kept = (self.shape(one) for one in value[: self.most])
        return [one for one in kept if one is not None]


@dataclass(frozen=True, slots=True)
class Fields:
    """An object with these fields; others are left out, and so are those of another shape."""

    shapes: Mapping[str, Shape]

    def __call__(self, value: Any) -> dict[str, Any] | None:
        if type(value) is not dict:
            return None
        kept = ((name, shape(value.get(name))) for name, shape in self.shapes.items())
        return {name: one for name, one in kept if one is not None}


def shown(text: str) -> str:
    """Return text without what cannot be shown, on one line."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def whole(value: Any) -> int | None:
    """Keep a whole number that others can store too."""
    return value if type(value) is int and -MAX_WHOLE < value < MAX_WHOLE else None


def real(value: Any) -> float | None:
    """Keep a finite number."""
    if type(value) is int:
        value = float(value) if abs(value) < MAX_WHOLE else math.inf
    return value if type(value) is float and math.isfinite(value) else None


def flag(value: Any) -> bool | None:
    """Keep a truth value."""
    return value if type(value) is bool else None
