"""Works and videos as the JSON texts that were made when they were written."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.queries.scope import Scope

_work, _video = schema.work, schema.video
# These run for every page of every reader, so they are plain text: the driver knows a text again,
# and lists of numbers of any length travel as one parameter.
_LISTS = {
    "sqlite": "(SELECT value FROM json_each(?))",
    "postgresql": "(SELECT unnest(%s::bigint[]))",
}
_VIDEO_TEXT = "'{' || video.fields || ',\"availability\":\"' || video.availability || '\"}'"
_WORKS = "SELECT work.row, work.fields, work.metadata_fields FROM work WHERE work.row IN {list}"
_VIDEOS = (
    f"SELECT video.shown_row, {_VIDEO_TEXT} FROM video"  # noqa: S608 - made of the texts above
    " WHERE video.shown_row IN {list} AND video.availability <> 'gone'{places} ORDER BY video.row"
)
_PLACES = " AND video.location_row + 0 IN {list}"
_VIDEOS_WITH_WORKS = (
    "SELECT video.row, video.fields, video.availability, work.id, work.title"
    " FROM video JOIN work ON work.row = video.shown_row WHERE video.row IN {list}"
)


def work_documents(connection: sa.Connection, scope: Scope, rows: Sequence[int]) -> list[str]:
    """Return the documents of works in the order of ``rows``, with their visible videos."""
    if not rows:
        return []
    videos: dict[int, list[str]] = defaultdict(list)
    seen = _VIDEOS.replace("{places}", "" if scope.all else _PLACES)
    for row, text in _select(connection, seen, *([rows] if scope.all else [rows, scope.locations])):
        videos[row].append(text)
    texts = {}
    for row, fields, metadata in _select(connection, _WORKS, rows):
        more = f",{metadata}" if scope.metadata else ""
        texts[row] = f'{{{fields}{more},"videos":[{",".join(videos[row])}]}}'
    return [texts[row] for row in rows if row in texts]


def video_documents(connection: sa.Connection, rows: Sequence[int]) -> list[str]:
    """Return the documents of videos, with their works, in the order of ``rows``."""
    if not rows:
        return []
    found = _select(connection, _VIDEOS_WITH_WORKS, rows)
    texts = {row[0]: _video_document(row) for row in found}
    return [texts[row] for row in rows if row in texts]


def _select(connection: sa.Connection, text: str, *lists: Sequence[int]) -> Sequence[Sequence[Any]]:
    on_sqlite = connection.dialect.name == "sqlite"
    values = tuple(json.dumps(list(each)) if on_sqlite else list(each) for each in lists)
    statement = text.replace("{list}", _LISTS[connection.dialect.name])
    return connection.exec_driver_sql(statement, values).all()


def visible_videos(scope: Scope, columns: Iterable[Any]) -> sa.Select[Any]:
    """Select from the visible videos, joined to the works that they are shown under."""
    query = sa.select(*columns).join(_work, _work.c.row == _video.c.shown_row)
    query = query.where(*scope.sees(_video))
    return query.where(_work.c.connection_id.is_(None)) if scope.own_only else query


def _video_document(row: Sequence[Any]) -> str:
    _, fields, availability, work_id, title = row
    if isinstance(work_id, bytes):
        work_id = UUID(bytes=work_id)
    text = json.dumps(title, ensure_ascii=False)
    return f'{{{fields},"availability":"{availability}","work_id":"{work_id}","work_title":{text}}}'
