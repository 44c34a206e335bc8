"""What only the admin pages show: what is missing, and how much is where."""

from __future__ import annotations

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.queries.cursors import read_cursor, write_cursor
from domain.ids import LocationId
from domain.library.storage_location import StorageType
from ports.library.catalogue import MissingSlice, MissingVideo

_work, _video, _place = schema.work, schema.video, schema.storage_location
_PATHS = (StorageType.LOCAL, StorageType.S3)  # locators that are paths, fit to be read
_CURSOR = "missing"


def missing_videos(
    connection: sa.Connection, location_id: LocationId, after: str | None, limit: int
) -> MissingSlice:
    """Return the missing videos of a location behind the cursor, by row number."""
    (last,) = (0,) if after is None else read_cursor(after, _CURSOR, int)
    place = sa.select(_place.c.row, _place.c.storage_type).where(_place.c.id == location_id)
    here = connection.execute(place).first()
    if here is None:
        return MissingSlice((), None)
    columns = ("row", "id", "locator", "filename", "file_size", "missing_since")
    query = (
        sa.select(*(_video.c[name] for name in columns), _work.c.id.label("work_id"), _work.c.title)
        .join(_work, _work.c.row == _video.c.shown_row)
        .where(
            _video.c.location_row == here.row,
            _video.c.missing_since.is_not(None),
            _video.c.row > last,
        )
        .order_by(_video.c.row)
        .limit(limit + 1)
    )
    found = connection.execute(query).all()
    videos = [
        MissingVideo(
            id=video.id,
            work_id=video.work_id,
            work_title=video.title,
            name=video.locator if here.storage_type in _PATHS else video.filename,
            file_size=video.file_size,
            missing_since=video.missing_since,
        )
        for video in found[:limit]
    ]
    more = len(found) > limit > 0
    return MissingSlice(videos, write_cursor(_CURSOR, found[limit - 1].row) if more else None)
