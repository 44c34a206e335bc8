"""Works and videos, laid out for reading.

``row`` is a small integer for joins, full-text search and bitmaps; ``id`` is what leaves the node.
``fields`` and ``metadata_fields`` hold the JSON of ``domain.library.document``, made when a row is
written. ``shown_row`` is the work that a video is shown under: its own, or the one that its own was
merged into. ``shown`` and ``library_work`` follow from the videos that are not gone.
"""

import dataclasses
from typing import Any

import sqlalchemy as sa

from adapters.sql.database import Base
from adapters.sql.types import Json, UtcDateTime, Uuid, choice, row_number, sorted_texts
from domain.library.description import Credit, CreditRole
from domain.library.subtitles import SubtitleTrack
from domain.library.video import Availability, PictureKind, PictureSource
from ports.library.catalogue import TermKind


def _load_credits(rows: list[list[str]]) -> tuple[Credit, ...]:
    return tuple(Credit(name, CreditRole(role), character) for name, role, character in rows)


def _dump_credits(credits_: tuple[Credit, ...]) -> list[list[str]]:
    return [[one.name, one.role.value, one.character] for one in credits_]


def _load_subtitles(rows: list[dict[str, Any]]) -> tuple[SubtitleTrack, ...]:
    return tuple(SubtitleTrack(**row) for row in rows)


def _dump_subtitles(tracks: tuple[SubtitleTrack, ...]) -> list[dict[str, Any]]:
    """Leave out what is at its default: most files have many tracks alike."""
    return [
        {
            one.name: value
            for one in dataclasses.fields(track)
            if (value := getattr(track, one.name)) != one.default
        }
        for track in tracks
    ]


# Ordered by code point on both engines, as Python orders strings.
ordered_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _load_pictures(rows: list[list[str]]) -> tuple[PictureSource, ...]:
    return tuple(PictureSource(PictureKind(kind), locator) for kind, locator in rows)


def _dump_pictures(sources: tuple[PictureSource, ...]) -> list[list[str]]:
    return [[one.kind.value, one.locator] for one in sources]


series = sa.Table(
    "series",
    Base.metadata,
    sa.Column("row", row_number(), primary_key=True),
    sa.Column("id", Uuid, nullable=False, unique=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("sort_title", ordered_text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("year", sa.Integer),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("external_ids", Json(), nullable=False),
    sa.Column("poster", sa.Text, nullable=False),
    sa.Column("locked", Json(frozenset, sorted_texts), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Index("ix_series_sort_title_row", "sort_title", "row"),
)

work = sa.Table(
    "work",
    Base.metadata,
    sa.Column("row", row_number(), primary_key=True),
    sa.Column("id", Uuid, nullable=False, unique=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("sort_title", ordered_text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("year", sa.Integer),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("director", sa.Text, nullable=False),
    sa.Column("rating", sa.Double),
    sa.Column("content_rating", sa.Text),
    sa.Column("tags", Json(tuple, list), nullable=False),
    sa.Column("external_ids", Json(), nullable=False),
    sa.Column("genres", Json(tuple, list), nullable=False),
    sa.Column("credits", Json(_load_credits, _dump_credits), nullable=False),
    sa.Column("series_id", Uuid, sa.ForeignKey("series.id")),
    sa.Column("season", sa.Integer),
    sa.Column("episode", sa.Integer),
    sa.Column("poster", sa.Text, nullable=False),
    sa.Column("locked", Json(frozenset, sorted_texts), nullable=False),
    sa.Column("organized", sa.Boolean, nullable=False),
    sa.Column("connection_id", Uuid, sa.ForeignKey("connection.id")),
    sa.Column("remote_id", sa.Text),
    sa.Column("digest", sa.LargeBinary),  # of the peer's record; null where it was withdrawn
    sa.Column("merged_into", Uuid, sa.ForeignKey("work.id")),
    sa.Column("shown", sa.Boolean, nullable=False),
    sa.Column("fields", sa.Text, nullable=False),
    sa.Column("metadata_fields", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)
sa.Index(
    "uq_work_connection_id_remote_id",
    work.c.connection_id,
    work.c.remote_id,
    unique=True,
    sqlite_where=work.c.connection_id.is_not(None),
    postgresql_where=work.c.connection_id.is_not(None),
)
sa.Index(
    "ix_work_merged_into",
    work.c.merged_into,
    sqlite_where=work.c.merged_into.is_not(None),
    postgresql_where=work.c.merged_into.is_not(None),
)
_is_episode = work.c.series_id.is_not(None)
sa.Index(
    "ix_work_series_id_shown_season_episode_row",  # counts episodes without touching the rows
    work.c.series_id,
    work.c.shown,
    work.c.season,
    work.c.episode,
    work.c.row,
    sqlite_where=_is_episode,
    postgresql_where=_is_episode,
)
# Who asks for films alone might have to pass by any number of episodes.
sa.Index(
    "ix_work_shown_film_row",
    work.c.row,
    sqlite_where=sa.literal_column("shown = 1 AND series_id IS NULL"),
    postgresql_where=sa.literal_column("shown AND series_id IS NULL"),
)
sa.Index(
    "ix_work_own_sort_title",
    work.c.sort_title,
    sqlite_where=work.c.connection_id.is_(None),
    postgresql_where=work.c.connection_id.is_(None),
)
for column in (work.c.sort_title, work.c.created_at, work.c.year, work.c.rating):
    # SQLite uses a partial index for a query that repeats its condition word for word.
    sa.Index(
        f"ix_work_shown_{column.name}_row",
        column,
        work.c.row,
        sqlite_where=work.c.shown == sa.literal_column("1"),
        postgresql_where=work.c.shown,
    )

video = sa.Table(
    "video",
    Base.metadata,
    sa.Column("row", row_number(), primary_key=True),
    sa.Column("id", Uuid, nullable=False, unique=True),
    sa.Column("work_row", row_number(), sa.ForeignKey("work.row"), nullable=False, index=True),
    sa.Column("shown_row", row_number(), sa.ForeignKey("work.row"), nullable=False, index=True),
    sa.Column("location_row", row_number(), sa.ForeignKey("storage_location.row"), nullable=False),
    sa.Column("filename", sa.Text, nullable=False),
    sa.Column("locator", sa.Text, nullable=False),
    sa.Column("file_size", sa.BigInteger, nullable=False),
    sa.Column("signature", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Column("duration", sa.Double),
    sa.Column("width", sa.BigInteger),
    sa.Column("height", sa.BigInteger),
    sa.Column("video_codec", sa.Text),
    sa.Column("audio_codec", sa.Text),
    sa.Column("container", sa.Text),
    sa.Column("bit_rate", sa.BigInteger),
    sa.Column("frame_rate", sa.Double),
    sa.Column("oshash", sa.Text),
    sa.Column("sha256", sa.Text),
    sa.Column("xxhash64", sa.Text),
    sa.Column("web_compatible", sa.Boolean, nullable=False),
    sa.Column("availability", choice(Availability), nullable=False),
    sa.Column("etag", sa.Text),
    sa.Column("extras", sa.Text, nullable=False),
    sa.Column("subtitles", Json(_load_subtitles, _dump_subtitles), nullable=False),
    sa.Column("pictures", Json(_load_pictures, _dump_pictures), nullable=False),
    sa.Column("missing_since", UtcDateTime),
    sa.Column("remote_id", sa.Text),
    sa.Column("peer_has_it", sa.Boolean, nullable=False),  # False: offline at the peer itself
    sa.Column("fields", sa.Text, nullable=False),
    sa.Column("search_text", sa.Text, nullable=False),  # folded: title and file name
    sa.UniqueConstraint("location_row", "locator"),
    # Answers every count without touching the rows.
    sa.Index("ix_video_counts", "location_row", "availability", "shown_row", "file_size"),
)
_is_missing = video.c.missing_since.is_not(None)
sa.Index(
    "ix_video_missing_location_row_row",
    video.c.location_row,
    video.c.row,
    sqlite_where=_is_missing,
    postgresql_where=_is_missing,
)
for column in (video.c.oshash, video.c.sha256, video.c.xxhash64):
    own = column.is_not(None) & video.c.remote_id.is_(None)
    sa.Index(f"ix_video_own_{column.name}", column, sqlite_where=own, postgresql_where=own)

# Own works only: a peer's claims are not looked up when a scan matches its files.
external_id = sa.Table(
    "external_id",
    Base.metadata,
    sa.Column("work_row", row_number(), sa.ForeignKey("work.row"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Index("ix_external_id_name_value", "name", "value"),
)

# Which works a library shows, in the order of its pages. ``own``: at least one video that is not a
# peer's, in a work that is not a peer's.
library_work = sa.Table(
    "library_work",
    Base.metadata,
    sa.Column("library_row", row_number(), sa.ForeignKey("library.row"), primary_key=True),
    sa.Column("sort_title", ordered_text, primary_key=True),
    sa.Column("work_row", row_number(), sa.ForeignKey("work.row"), primary_key=True, index=True),
    sa.Column("own", sa.Boolean, nullable=False),
    sqlite_with_rowid=False,
)

# Tags, genres and people; ``works`` counts the shown works that carry each.
term = sa.Table(
    "term",
    Base.metadata,
    sa.Column("row", row_number(), primary_key=True),
    sa.Column("kind", choice(TermKind), nullable=False),
    sa.Column("folded", ordered_text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("works", sa.Integer, nullable=False),
    sa.UniqueConstraint("kind", "folded"),
)

# Which shown works carry a term, in the order of pages. No foreign keys: rows follow from the works
# at the end of each transaction (``repositories.terms``), and an import writes several a work.
work_term = sa.Table(
    "work_term",
    Base.metadata,
    sa.Column("term_row", row_number(), primary_key=True),
    sa.Column("sort_title", ordered_text, primary_key=True),
    sa.Column("work_row", row_number(), primary_key=True),
    sa.Index("ix_work_term_work_row_term_row", "work_row", "term_row"),
    sqlite_with_rowid=False,
)
