"""Where a video's bytes are: one prepared statement."""

from __future__ import annotations

import dataclasses
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.queries.remembered import CommitStamp, Remembered
from adapters.sql.queries.snapshot import Snapshots
from domain.ids import VideoId
from domain.library.video import Availability
from ports.library.catalogue import StreamTarget, Visibility

_work, _video, _place = schema.work, schema.video, schema.storage_location
_FIELDS = tuple(field.name for field in dataclasses.fields(StreamTarget))
_ALL = (
    sa.select(
        _video.c.id,
        _work.c.id,
        _place.c.id,
        _place.c.connection_id,
        _video.c.locator,
        _video.c.filename,
        _video.c.container,
        _video.c.file_size,
        _video.c.availability,
        _place.c.version,
    )
    .join(_work, _work.c.row == _video.c.shown_row)
    .join(_place, _place.c.row == _video.c.location_row)
    .where(_video.c.id == sa.bindparam("video_id"), _video.c.availability != Availability.GONE)
)
_OWN = (_work.c.connection_id.is_(None), _place.c.connection_id.is_(None))
_GRANTED = _place.c.library_id.in_(sa.bindparam("libraries", expanding=True))
# By (limited to libraries, learnt works too): building a statement costs more than running it.
_STATEMENTS = {
    (False, True): _ALL,
    (False, False): _ALL.where(*_OWN),
    (True, True): _ALL.where(_GRANTED),
    (True, False): _ALL.where(*_OWN, _GRANTED),
}


class StreamTargets:
    """Finds the visible video of an id."""

    def __init__(self, engine: sa.Engine) -> None:
        self._snapshots = Snapshots(engine)
        self._known: Remembered[StreamTarget | None] = Remembered(CommitStamp(engine))

    def find(self, seen_by: Visibility, video_id: VideoId) -> StreamTarget | None:
        """Return where its bytes are, or None."""
        return self._known.get((seen_by, video_id), lambda: self._read(seen_by, video_id))

    def _read(self, seen_by: Visibility, video_id: VideoId) -> StreamTarget | None:
        values: dict[str, Any] = {"video_id": video_id}
        if seen_by.libraries is not None:
            values["libraries"] = list(seen_by.libraries)
        statement = _STATEMENTS[seen_by.libraries is not None, seen_by.learnt]
        with self._snapshots.open() as connection:
            row = connection.execute(statement, values).first()
        return None if row is None else StreamTarget(**dict(zip(_FIELDS, row, strict=True)))
