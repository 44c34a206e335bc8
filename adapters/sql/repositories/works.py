"""Works, series and videos, one by one: what people do with them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.mapper import RowMapper
from adapters.sql.repositories.rows import (
    VIDEO,
    VIDEO_SOURCE,
    WORK,
    search_text,
    work_values,
    write_external_ids,
)
from adapters.sql.repositories.shelves import Shelves
from adapters.sql.repositories.table import VersionedTable
from adapters.sql.types import json_text
from domain.errors import Conflict
from domain.ids import SeriesId, VideoId, WorkId
from domain.library.description import EpisodeMark
from domain.library.series import Series, SeriesNotFound
from domain.library.video import Video, VideoNotFound
from domain.library.work import Work, WorkNotFound
from domain.text import sort_key

SERIES = RowMapper(Series, schema.series)
MOST = 1000


class SqlWorks:
    """Works by id; ``save`` keeps pages and search in step."""

    def __init__(self, connection: sa.Connection, shelves: Shelves) -> None:
        self._connection, self._shelves = connection, shelves
        self._table = VersionedTable(connection, schema.work, WORK, WorkNotFound)

    def get(self, work_id: WorkId) -> Work:
        return self._table.get(work_id)

    def add(self, work: Work) -> None:
        self._table.insert(work, **work_values(work), shown=False)
        if work.connection_id is None:
            write_external_ids(self._connection, [(self._row(work.id), work)])

    def save(self, work: Work) -> None:
        stored = self.get(work.id)
        self._table.update(work, **work_values(work))
        # The text holds the fields after the version was counted up, and the version is not in it.
        row = self._row(work.id)
        if work.connection_id is None and stored.external_ids != work.external_ids:
            table = schema.external_id
            self._connection.execute(sa.delete(table).where(table.c.work_row == row))
            write_external_ids(self._connection, [(row, work)])
        if stored.merged_into != work.merged_into:
            self._show_videos(row, self._target(work))
        elif stored.title != work.title:
            self._retitle(row, work.title)
        self._shelves.touch([row])

    def merged(self, work_id: WorkId) -> Sequence[Work]:
        query = self._table.select.where(schema.work.c.merged_into == work_id)
        return self._table.list(query.order_by(schema.work.c.row).limit(MOST))

    def _row(self, work_id: WorkId) -> int:
        table = schema.work
        row: int | None = self._connection.scalar(
            sa.select(table.c.row).where(table.c.id == work_id)
        )
        if row is None:
            raise WorkNotFound
        return row

    def _target(self, work: Work) -> Work:
        """Return the work at the end of the chain of merges."""
        seen = {work.id}
        while work.merged_into is not None:
            work = self.get(work.merged_into)
            if work.id in seen:
                raise Conflict("a work cannot be merged into itself")
            seen.add(work.id)
        return work

    def _show_videos(self, row: int, target: Work) -> None:
        """Show the videos of a work, and of those merged into it, under ``target``."""
        table, video = schema.work, schema.video
        target_row, following = self._row(target.id), [row]
        while following:
            mine = video.c.work_row.in_(following)
            before = sa.select(video.c.shown_row).where(mine).distinct()
            self._shelves.touch(self._connection.scalars(before))
            self._connection.execute(sa.update(video).where(mine).values(shown_row=target_row))
            parents = sa.select(table.c.id).where(table.c.row.in_(following))
            children = sa.select(table.c.row).where(table.c.merged_into.in_(parents))
            following = list(self._connection.scalars(children))
        self._shelves.touch([target_row])
        self._retitle(target_row, target.title)

    def _retitle(self, row: int, title: str) -> None:
        video = schema.video
        query = sa.select(video.c.row, video.c.filename).where(video.c.shown_row == row)
        texts = [
            {"number": number, "text": search_text(title, filename)}
            for number, filename in self._connection.execute(query)
        ]
        if texts:
            update = sa.update(video).where(video.c.row == sa.bindparam("number"))
            self._connection.execute(update.values(search_text=sa.bindparam("text")), texts)


class SqlSeries:
    """Series by id and by what an episode's source says."""

    def __init__(self, connection: sa.Connection) -> None:
        self._table = VersionedTable(connection, schema.series, SERIES, SeriesNotFound)
        on_postgresql = connection.dialect.name == "postgresql"
        self._place = sa.func.strpos if on_postgresql else sa.func.instr

    def get(self, series_id: SeriesId) -> Series:
        return self._table.get(series_id)

    def find(self, mark: EpisodeMark) -> Series | None:
        columns = schema.series.c
        ids = [self._place(columns.external_ids, text) > 0 for text in _id_texts(mark)]
        might = sa.or_(columns.sort_title == sort_key(mark.series), *ids)
        rows = self._table.list(self._table.select.where(might).order_by(columns.row).limit(MOST))
        return next((series for series in rows if series.is_meant_by(mark)), None)

    def add(self, series: Series) -> None:
        self._table.insert(series, sort_title=sort_key(series.title))

    def save(self, series: Series) -> None:
        self._table.update(series, sort_title=sort_key(series.title))


class SqlVideos:
    """Videos by id."""

    def __init__(self, connection: sa.Connection, shelves: Shelves) -> None:
        self._connection, self._shelves = connection, shelves

    def get(self, video_id: VideoId) -> Video:
        query = sa.select(*VIDEO.columns).select_from(VIDEO_SOURCE)
        row = self._connection.execute(query.where(schema.video.c.id == video_id)).first()
        if row is None:
            raise VideoNotFound
        return VIDEO.load(row)

    def of(self, work_id: WorkId) -> Sequence[Video]:
        query = sa.select(*VIDEO.columns).select_from(VIDEO_SOURCE)
        mine = query.where(schema.work.c.id == work_id).order_by(schema.video.c.row).limit(MOST)
        return [VIDEO.load(row) for row in self._connection.execute(mine)]

    def move(self, video_id: VideoId, work_id: WorkId) -> None:
        video = schema.video
        found = sa.select(video.c.row, video.c.shown_row, video.c.filename)
        moved = self._connection.execute(found.where(video.c.id == video_id)).first()
        if moved is None:
            raise VideoNotFound
        row, shown, title = _shown_work(self._connection, work_id)
        values = {
            "work_row": row,
            "shown_row": shown,
            "search_text": search_text(title, moved.filename),
        }
        self._connection.execute(sa.update(video).where(video.c.row == moved.row).values(values))
        self._shelves.touch([moved.shown_row, shown])


def _shown_work(connection: sa.Connection, work_id: WorkId) -> tuple[int, int, str]:
    """Return a work's row, and row and title of the one that its videos are shown under."""
    work = schema.work
    query = sa.select(work.c.row, work.c.title, work.c.merged_into)
    found = connection.execute(query.where(work.c.id == work_id)).first()
    if found is None:
        raise WorkNotFound
    own, shown, title, further = found.row, found.row, found.title, found.merged_into
    while further is not None:
        shown, title, further = connection.execute(query.where(work.c.id == further)).one()
    return own, shown, title


def _id_texts(mark: EpisodeMark) -> list[str]:
    """Return each of the series' ids as it stands in the JSON of the column."""
    return [json_text({name: value})[1:-1] for name, value in mark.series_external_ids.items()]
