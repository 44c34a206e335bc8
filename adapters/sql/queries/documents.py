"""Works and videos as the JSON texts that were made when they were written."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.queries.scope import Scope

_work, _video = schema.work, schema.video
_ROWS: sa.BindParameter[Any] = sa.bindparam("rows", expanding=True)
_WORKS = sa.select(_work.c.row, _work.c.fields, _work.c.metadata_fields).where(
    _work.c.row.in_(_ROWS)
)
_AVAILABILITY = sa.type_coerce(_video.c.availability, sa.Text)
_VIDEOS = sa.select(_video.c.shown_row, _video.c.fields, _AVAILABILITY).order_by(_video.c.row)
_VIDEO_OF_WORK = sa.select(
    _video.c.row,
    _video.c.fields,
    _AVAILABILITY,
    _work.c.id,
    _work.c.title,
).join(_work, _work.c.row == _video.c.shown_row)


def work_documents(connection: sa.Connection, scope: Scope, rows: Sequence[int]) -> list[str]:
    """Return the documents of works in the order of ``rows``, with their visible videos."""
    if not rows:
        return []
    videos: dict[int, list[str]] = defaultdict(list)
    seen = _VIDEOS.where(_video.c.shown_row.in_(_ROWS), *scope.sees(_video))
    for row, fields, availability in connection.execute(seen, {"rows": rows}):
        videos[row].append(f'{{{fields},"availability":"{availability}"}}')
    texts = {}
    for row, fields, metadata in connection.execute(_WORKS, {"rows": rows}):
        more = f",{metadata}" if scope.metadata else ""
        texts[row] = f'{{{fields}{more},"videos":[{",".join(videos[row])}]}}'
    return [texts[row] for row in rows if row in texts]


def video_documents(connection: sa.Connection, rows: Sequence[int]) -> list[str]:
    """Return the documents of videos, with their works, in the order of ``rows``."""
    if not rows:
        return []
    found = connection.execute(_VIDEO_OF_WORK.where(_video.c.row.in_(_ROWS)), {"rows": rows})
    texts = {row[0]: _video_document(row) for row in found}
    return [texts[row] for row in rows if row in texts]


def visible_videos(scope: Scope, columns: Iterable[Any]) -> sa.Select[Any]:
    """Select from the visible videos, joined to the works that they are shown under."""
    query = sa.select(*columns).join(_work, _work.c.row == _video.c.shown_row)
    query = query.where(*scope.sees(_video))
    return query.where(_work.c.connection_id.is_(None)) if scope.own_only else query


def _video_document(row: Sequence[Any]) -> str:
    _, fields, availability, work_id, title = row
    text = json.dumps(title, ensure_ascii=False)
    return f'{{{fields},"availability":"{availability}","work_id":"{work_id}","work_title":{text}}}'
