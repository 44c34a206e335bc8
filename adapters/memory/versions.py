"""Optimistic locking, shared by the repositories."""

import copy
from collections.abc import MutableMapping
from typing import Protocol, TypeVar
from uuid import UUID

from domain.errors import NotFound, StaleWrite


class Versioned(Protocol):
    """An entity that counts its writes."""

    version: int


E = TypeVar("E", bound=Versioned)
K = TypeVar("K", bound=UUID)


def save(rows: MutableMapping[K, E], key: K, entity: E, missing: type[NotFound]) -> None:
    """Store ``entity`` over the row it was read from, and count its version up."""
    stored = rows.get(key)
    if stored is None:
        raise missing
    if stored.version != entity.version:
        raise StaleWrite
    entity.version += 1
    rows[key] = copy.deepcopy(entity)
