"""What a caller may see, as numbers that statements can use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from domain.ids import ConnectionId, LibraryId, LocationId
from domain.library.storage_location import StorageType
from domain.library.video import Availability
from ports.library.catalogue import Visibility

_place, _library, _peer = schema.storage_location, schema.library, schema.connection
_CHANGES = sa.select(schema.node.c.changes)
_PLACES = (
    sa.select(
        _place.c.row,
        _place.c.id,
        _place.c.name,
        _place.c.storage_type,
        _place.c.version,
        _place.c.connection_id,
        _library.c.row,
        _library.c.id,
        _library.c.name,
        sa.func.coalesce(_peer.c.name, ""),
    )
    .join(_library, _library.c.id == _place.c.library_id)
    .outerjoin(_peer, _peer.c.id == _place.c.connection_id)
)


@dataclass(frozen=True, slots=True)
class Place:
    """A storage location with its library and its peer's name."""

    row: int
    id: LocationId
    name: str
    storage_type: StorageType
    version: int
    connection_id: ConnectionId | None
    library_row: int
    library_id: LibraryId
    library_name: str
    source: str


@dataclass(frozen=True, slots=True)
class Scope:
    """A visibility at one state of the catalogue; usable as the key of a cache.

    ``locations`` and ``libraries`` are row numbers; ``all`` says that they need no asking.
    """

    changes: int
    all: bool
    own_only: bool
    metadata: bool
    locations: tuple[int, ...]
    libraries: tuple[int, ...]
    has_strays: bool = False  # own videos might be shown under a peer's work, which is not seen

    @property
    def lasting(self) -> tuple[Any, ...]:
        """What is seen, apart from the state of the catalogue."""
        return self.all, self.own_only, self.metadata, self.locations, self.libraries

    def sees(self, video: sa.Table, *, by_location: bool = False) -> list[sa.ColumnElement[bool]]:
        """Return the conditions for a video to be visible, apart from its work's.

        ``by_location``: they are all there is to find videos by. Else something narrower does, and
        the sum keeps SQLite from walking all videos of a location instead.
        """
        here = video.c.availability != Availability.GONE
        place = video.c.location_row if by_location else video.c.location_row + 0
        return [here] if self.all else [here, place.in_(self.locations)]


class Scopes:
    """Resolves visibilities, and remembers them until the catalogue changes."""

    def __init__(self) -> None:
        self._known: dict[Visibility, Scope] = {}

    def resolve(self, connection: sa.Connection, seen_by: Visibility) -> Scope:
        """Return the scope of ``seen_by`` in the state that ``connection`` reads."""
        changes = connection.scalar(_CHANGES) or 0
        known = self._known.get(seen_by)
        if known is not None and known.changes == changes:
            return known
        scope = _resolve(connection, seen_by, changes)
        if len(self._known) > 200:
            self._known.clear()
        self._known[seen_by] = scope
        return scope


def places(connection: sa.Connection) -> dict[int, Place]:
    """Return all locations by row number."""
    return {row[0]: Place(*tuple(row)) for row in connection.execute(_PLACES)}


def _resolve(connection: sa.Connection, seen_by: Visibility, changes: int) -> Scope:
    granted, there = seen_by.libraries, places(connection).values()
    visible: list[Any] = [
        place
        for place in there
        if (granted is None or place.library_id in granted)
        and (seen_by.learnt or place.connection_id is None)
    ]
    return Scope(
        changes=changes,
        all=granted is None and seen_by.learnt,
        own_only=not seen_by.learnt,
        metadata=seen_by.metadata,
        locations=tuple(sorted(place.row for place in visible)),
        libraries=tuple(sorted({place.library_row for place in visible})),
        has_strays=not seen_by.learnt and any(place.connection_id for place in there),
    )
