"""Places in a list, as the opaque texts that callers hand back."""

from __future__ import annotations

import base64
import json
from typing import Any

from ports.library.catalogue import CursorInvalid


def write_cursor(name: str, *values: Any) -> str:
    """Write down the place behind an item of the list called ``name``."""
    return base64.urlsafe_b64encode(json.dumps([name, *values]).encode()).decode()


def load_cursor(text: str, name: str) -> list[Any]:
    """Return the values of a place in that list, which may be anything.

    Raises:
        CursorInvalid: not of this list.
    """
    try:
        named, *values = json.loads(base64.urlsafe_b64decode(text.encode()))
    except (ValueError, TypeError, RecursionError) as exc:
        raise CursorInvalid(field="after") from exc
    if named != name:
        raise CursorInvalid(field="after")
    return list(values)


def read_cursor(text: str, name: str, *kinds: type) -> tuple[Any, ...]:
    """Read a place of that list, whose values are of ``kinds``; numbers are row numbers.

    Raises:
        CursorInvalid: not written by ``write_cursor`` for this list.
    """
    values = load_cursor(text, name)
    for value, kind in zip(values, kinds, strict=False):
        if type(value) is not kind or (isinstance(value, int) and not 0 <= value < 2**63):
            raise CursorInvalid(field="after")
        if isinstance(value, str) and ("\x00" in value or not value.isprintable()):
            raise CursorInvalid(field="after")
    if len(values) != len(kinds):
        raise CursorInvalid(field="after")
    return tuple(values)
