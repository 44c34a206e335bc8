"""Works and videos as rows: the mappers, the texts kept ready, and new row numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.mapper import Nested, RowMapper
from domain.ids import LocationId
from domain.library.document import video_fields, work_fields, work_metadata_fields
from domain.library.storage_location import LocationNotFound, StorageType
from domain.library.video import Fingerprints, MediaFacts, Video
from domain.library.work import Work
from domain.text import fold, sort_key

WORK = RowMapper(Work, schema.work)
VIDEO = RowMapper(
    Video,
    schema.video,
    nested={"facts": Nested(MediaFacts), "fingerprints": Nested(Fingerprints)},
    joined={"work_id": schema.work.c.id, "location_id": schema.storage_location.c.id},
)
VIDEO_SOURCE = schema.video.join(schema.work, schema.video.c.work_row == schema.work.c.row).join(
    schema.storage_location, schema.video.c.location_row == schema.storage_location.c.row
)


def work_values(work: Work) -> dict[str, Any]:
    """Return a work's columns, all but ``row``, ``digest`` and ``shown``."""
    return WORK.dump(work) | {
        "sort_title": sort_key(work.title),
        "fields": work_fields(work),
        "metadata_fields": work_metadata_fields(work),
    }


def video_values(video: Video, storage_type: StorageType, shown_title: str) -> dict[str, Any]:
    """Return a video's columns, all but the numbers of rows."""
    return VIDEO.dump(video) | {
        "fields": video_fields(video, storage_type),
        "search_text": search_text(shown_title, video.filename),
        "peer_has_it": True,
    }


def search_text(title: str, filename: str) -> str:
    """Return what a video is found by."""
    return fold(f"{title} {filename}")


def new_rows(connection: sa.Connection, table: sa.Table, count: int) -> list[int]:
    """Return numbers for new rows. On SQLite the writer's turn keeps others from taking them."""
    if connection.dialect.name == "postgresql":
        numbers = f"nextval(pg_get_serial_sequence('{table.name}', 'row'))"
        query = sa.text(f"SELECT {numbers} FROM generate_series(1, :count)")  # noqa: S608 - own names
        return list(connection.scalars(query, {"count": count}))
    last = connection.scalar(sa.select(sa.func.max(table.c.row))) or 0
    return list(range(last + 1, last + 1 + count))


def find_location(connection: sa.Connection, location_id: LocationId) -> tuple[int, StorageType]:
    """Return a location's row number and type."""
    table = schema.storage_location
    query = sa.select(table.c.row, table.c.storage_type).where(table.c.id == location_id)
    found = connection.execute(query).first()
    if found is None:
        raise LocationNotFound
    return found.row, found.storage_type


def write_external_ids(connection: sa.Connection, works: Sequence[tuple[int, Work]]) -> None:
    """Write down by which ids of other catalogues own works are known."""
    values = [
        {"work_row": row, "name": name, "value": value}
        for row, work in works
        for name, value in work.external_ids.items()
    ]
    if values:
        connection.execute(sa.insert(schema.external_id), values)
