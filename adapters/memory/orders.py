"""Orders of works, and places in lists as opaque texts."""

import base64
import json
from collections.abc import Callable
from typing import Any

from adapters.memory.visible import SeenWork
from domain.library.description import MAX_EPISODE, MAX_SEASON
from domain.text import sort_key
from ports.library.catalogue import EPISODE_SORT, SORTS, CursorInvalid


def order_of(sort: str) -> Callable[[SeenWork], tuple[Any, ...]]:
    """Return what works are ordered by; where two are equal, the older row comes first."""
    field, sign = sort.removeprefix("-"), -1 if sort.startswith("-") else 1
    if sort not in {*SORTS, EPISODE_SORT}:
        raise CursorInvalid(f"sort takes one of {', '.join(SORTS)}", field="sort")

    def order(seen: SeenWork) -> tuple[Any, ...]:
        work = seen.work
        number = seen.row
        if field == "title":
            key = [ord(c) for c in sort_key(work.title)]
            return [sign * c for c in key] + ([1] if sign < 0 else []), sign * number
        if field == EPISODE_SORT:
            places = ((work.season, MAX_SEASON), (work.episode, MAX_EPISODE))
            return *(last + 1 if one is None else one for one, last in places), number
        if field == "created_at":
            return sign * work.created_at.timestamp(), sign * number
        value = work.year if field == "year" else work.rating
        return value is None, sign * (value or 0), sign * number

    return order


def write_cursor(sort: str, key: tuple[Any, ...]) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, list(key)]).encode()).decode()


def read_cursor(text: str, sort: str) -> list[Any]:
    try:
        named, key = json.loads(base64.urlsafe_b64decode(text.encode()))
    except (ValueError, TypeError) as exc:
        raise CursorInvalid(field="after") from exc
    if named != sort or not isinstance(key, list):
        raise CursorInvalid(field="after")
    return key
