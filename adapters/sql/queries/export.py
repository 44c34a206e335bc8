"""All works as lines of JSON, some hundred at a time.

Each part is read in a transaction of its own, by ranges of row numbers: a slow reader holds neither
a snapshot nor a connection, and memory stays flat.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.queries.conditions import conditions
from adapters.sql.queries.documents import work_documents
from adapters.sql.queries.scope import Scope
from adapters.sql.queries.ways import Walk

_work = schema.work
_CHUNK = 250  # works, about a quarter of a megabyte
_CHUNKS = 4  # in one transaction
_END = sa.select(sa.func.max(_work.c.row))
_NEXT = sa.select(sa.func.min(_work.c.row)).where(_work.c.row > sa.bindparam("last"))
# Texts are not looked at here, so SQLite hands them over as bytes.
_ROWS = (
    "SELECT work.row, work.fields, {metadata}, video.fields, video.availability"
    " FROM work CROSS JOIN video ON video.shown_row = work.row"
    " WHERE work.row > ? AND work.row <= ? AND work.shown = 1{own}"
    " AND video.availability <> 'gone'{places} ORDER BY work.row, video.row"
)
_ROWS_HERE = " AND video.location_row + 0 IN (SELECT value FROM json_each(?))"
# On PostgreSQL the texts are joined where they are: each row would cost more than its bytes.
_LINES = """
SELECT string_agg(
    '{' || work.fields || {metadata} || ',"videos":[' || seen.texts || ']}', E'\\n'
    ORDER BY work.row)
FROM work JOIN (
    SELECT shown_row,
        string_agg('{' || fields || ',"availability":"' || availability || '"}', ',' ORDER BY row)
        AS texts
    FROM video
    WHERE shown_row > %(last)s AND shown_row <= %(end)s AND availability <> 'gone'{places}
    GROUP BY shown_row
) AS seen ON seen.shown_row = work.row
WHERE work.row > %(last)s AND work.row <= %(end)s AND work.shown{own}
"""
_LINES_HERE = " AND location_row = ANY(%(places)s)"
_OWN = " AND work.connection_id IS NULL"


def export_lines(
    open_snapshot: Callable[[], AbstractContextManager[sa.Connection]],
    resolve: Callable[[sa.Connection], Walk],
) -> Iterator[bytes]:
    """Yield the works of a walk, by row, a line each; what is seen is resolved for each part."""
    last: int | None = 0
    while last is not None:
        with open_snapshot() as connection:
            last, chunks = _part(connection, resolve(connection), last)
        yield from chunks


def _part(connection: sa.Connection, walk: Walk, last: int) -> tuple[int | None, list[bytes]]:
    """Return the lines behind a row, and the row to go on behind; None at the end."""
    if walk.wanted.nowhere:
        return None, []
    if walk.wanted.is_narrowed:
        return _few(connection, walk, last)
    lines = _lines if connection.dialect.name == "postgresql" else _joined
    end, chunks = connection.scalar(_END) or 0, list[bytes]()
    for _ in range(_CHUNKS):
        if last >= end:
            return None, chunks
        chunk = lines(connection, walk.scope, last, last + _CHUNK)
        chunks.append(chunk)
        last += _CHUNK
    if not any(chunks):  # rows that are gone: go on where there are some
        last = (connection.scalar(_NEXT, {"last": last}) or end + 1) - 1
    return last, [chunk for chunk in chunks if chunk]


def _few(connection: sa.Connection, walk: Walk, last: int) -> tuple[int | None, list[bytes]]:
    """Return what conditions leave, looked up by row."""
    holding = (one.holds for one in conditions(walk.scope, walk.wanted))
    query = sa.select(_work.c.row).where(_work.c.shown, _work.c.row > last, *holding)
    rows = connection.scalars(query.order_by(_work.c.row).limit(_CHUNK)).all()
    texts = work_documents(connection, walk.scope, rows)
    end = rows[-1] if len(rows) == _CHUNK else None
    return end, [("\n".join(texts) + "\n").encode()] if texts else []


def _joined(connection: sa.Connection, scope: Scope, last: int, end: int) -> bytes:
    statement = _ROWS.replace("{metadata}", "work.metadata_fields" if scope.metadata else "''")
    statement = statement.replace("{own}", _OWN if scope.own_only else "")
    statement = statement.replace("{places}", "" if scope.all else _ROWS_HERE)
    places = () if scope.all else (json.dumps(scope.locations),)
    with _bytes_for_texts(connection) as select:
        rows = select(statement, (last, end, *places))
    head = b"{%b,%b," if scope.metadata else b"{%b%b,"
    if len({row[0] for row in rows}) == len(rows):  # a video each, as most have
        line = head + b'"videos":[{%b,"availability":"%b"}]}\n'
        return b"".join([line % (work, more, film, so) for _, work, more, film, so in rows])
    lines = []
    for _, films in groupby(rows, key=itemgetter(0)):
        some = list(films)
        texts = b",".join([b'{%b,"availability":"%b"}' % film[3:] for film in some])
        lines.append((head + b'"videos":[%b]}\n') % (*some[0][1:3], texts))
    return b"".join(lines)


@contextmanager
def _bytes_for_texts(
    connection: sa.Connection,
) -> Iterator[Callable[[str, tuple[Any, ...]], Sequence[Any]]]:
    """Let SQLite's driver return texts as they are stored."""
    driver: Any = connection.connection.driver_connection
    driver.text_factory = bytes
    try:
        yield lambda statement, values: _rows(connection, statement, values)
    finally:
        driver.text_factory = str


def _rows(connection: sa.Connection, statement: str, values: tuple[Any, ...]) -> Sequence[Any]:
    cursor = connection.exec_driver_sql(statement, values).cursor
    found: Sequence[Any] = [] if cursor is None else cursor.fetchall()
    return found


def _lines(connection: sa.Connection, scope: Scope, last: int, end: int) -> bytes:
    more = "',' || work.metadata_fields" if scope.metadata else "''"
    statement = _LINES.replace("{metadata}", more)
    statement = statement.replace("{own}", _OWN if scope.own_only else "")
    statement = statement.replace("{places}", "" if scope.all else _LINES_HERE)
    values = {"last": last, "end": end, "places": list(scope.locations)}
    text = connection.exec_driver_sql(statement, values).scalar()
    return f"{text}\n".encode() if text else b""
