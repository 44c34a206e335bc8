"""Create the tables.

Frozen: imports nothing from the application, so that it still runs when the
application has moved on. Times are UTC without a zone.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

UUID = sa.LargeBinary(16).with_variant(sa.Uuid(), "postgresql")
ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ORDERED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
UNFINISHED = "state IN ('queued', 'running')"
LIVE = "state != 'revoked'"


def _where(condition: str) -> dict[str, sa.TextClause]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", UUID, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("prefix", sa.String(40), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        *_texts("scopes", "libraries"),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("expires_at", sa.DateTime, nullable=True),
        sa.Column("networks", sa.Text, nullable=False),
        sa.Column("revoked_at", sa.DateTime, nullable=True),
        sa.Column("rotated_from", UUID, nullable=True),
        sa.Column("last_used_at", sa.DateTime, nullable=True),
        sa.Column("last_used_from", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("digest", name="uq_api_key_digest"),
    )
    op.create_index("ix_api_key_name", "api_key", ["name"], unique=False)
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime, nullable=False),
        *_texts("actor", "action", "target", "result", "detail"),
        sa.Column("bytes_sent", sa.BigInteger(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("entry_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit"),
    )
    op.create_table(
        "job",
        sa.Column("id", UUID, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("run_at", sa.DateTime, nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.DateTime, nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("progress", sa.Text, nullable=False),
        sa.Column("result", sa.Text, nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime, nullable=True),
        sa.Column("finished_at", sa.DateTime, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
    )
    op.create_index("ix_job_created_at", "job", ["created_at"], unique=False)
    op.create_index("ix_job_key", "job", ["key"], unique=False)
    op.create_index(
        "ix_job_unfinished_run_at",
        "job",
        ["run_at"],
        **_where(UNFINISHED),
    )
    op.create_index(
        "uq_job_unfinished_key",
        "job",
        ["key"],
        unique=True,
        **_where(UNFINISHED),
    )
    op.create_table(
        "library",
        sa.Column("row", ROW, nullable=False),
        sa.Column("id", UUID, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("row", name="pk_library"),
        sa.UniqueConstraint("id", name="uq_library_id"),
        sa.UniqueConstraint("name", name="uq_library_name"),
    )
    op.create_table(
        "node",
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("changes", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("row = 1", name=op.f("ck_node_single")),
        sa.PrimaryKeyConstraint("row", name="pk_node"),
    )
    op.create_table(
        "user",
        sa.Column("id", UUID, nullable=False),
        sa.Column("username", sa.String(50), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        *_texts("username_folded", "email_folded", "password_hash"),
        sa.Column("role", sa.String(20), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user"),
        sa.UniqueConstraint("email_folded", name="uq_user_email_folded"),
        sa.UniqueConstraint("username_folded", name="uq_user_username_folded"),
    )
    op.create_table(
        "connection",
        sa.Column("id", UUID, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("direction", sa.String(20), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("changed_at", sa.DateTime, nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("remote_url", sa.Text(), nullable=False),
        sa.Column("api_key_id", UUID, nullable=True),
        *_texts("instance_id", "remote_name", "remote_version", "remote_state"),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.Column("key_digest", sa.LargeBinary(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["api_key_id"], ["api_key.id"], name="fk_connection_api_key_id_api_key"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_connection"),
    )
    op.create_index("ix_connection_api_key_id", "connection", ["api_key_id"], unique=False)
    op.create_index(
        "uq_connection_live_name",
        "connection",
        ["name"],
        unique=True,
        **_where(LIVE),
    )
    op.create_index(
        "uq_connection_live_remote_url_key_digest",
        "connection",
        ["remote_url", "key_digest"],
        unique=True,
        **_where(LIVE),
    )
    op.create_table(
        "session",
        sa.Column("id_digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", UUID, nullable=True),
        sa.Column("values", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("seen_at", sa.DateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name="fk_session_user_id_user", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id_digest", name="pk_session"),
    )
    op.create_index("ix_session_seen_at", "session", ["seen_at"], unique=False)
    op.create_index("ix_session_user_id", "session", ["user_id"], unique=False)
    op.create_table(
        "storage_location",
        sa.Column("row", ROW, nullable=False),
        sa.Column("id", UUID, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("storage_type", sa.String(20), nullable=False),
        sa.Column("library_id", UUID, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("options", sa.Text, nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("reachable", sa.Boolean(), nullable=True),
        sa.Column("unreachable_reason", sa.Text(), nullable=False),
        sa.Column("last_scan", sa.Text, nullable=True),
        sa.Column("connection_id", UUID, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
            name="fk_storage_location_connection_id_connection",
        ),
        sa.ForeignKeyConstraint(
            ["library_id"], ["library.id"], name="fk_storage_location_library_id_library"
        ),
        sa.PrimaryKeyConstraint("row", name="pk_storage_location"),
        sa.UniqueConstraint("id", name="uq_storage_location_id"),
        sa.UniqueConstraint("name", name="uq_storage_location_name"),
    )
    op.create_index(
        "ix_storage_location_connection_id",
        "storage_location",
        ["connection_id"],
    )
    op.create_index(
        "ix_storage_location_library_id", "storage_location", ["library_id"], unique=False
    )
    op.create_table(
        "work",
        sa.Column("row", ROW, nullable=False),
        sa.Column("id", UUID, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("sort_title", ORDERED, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sa.Column("year", sa.Integer(), nullable=True),
        *_texts("description", "director"),
        sa.Column("rating", sa.Double(), nullable=True),
        sa.Column("content_rating", sa.Text(), nullable=True),
        *_texts("tags", "external_ids"),
        sa.Column("organized", sa.Boolean(), nullable=False),
        sa.Column("connection_id", UUID, nullable=True),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("merged_into", UUID, nullable=True),
        sa.Column("shown", sa.Boolean(), nullable=False),
        *_texts("fields", "metadata_fields"),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name="fk_work_connection_id_connection"
        ),
        sa.ForeignKeyConstraint(["merged_into"], ["work.id"], name="fk_work_merged_into_work"),
        sa.PrimaryKeyConstraint("row", name="pk_work"),
        sa.UniqueConstraint("id", name="uq_work_id"),
    )
    op.create_index(
        "ix_work_merged_into",
        "work",
        ["merged_into"],
        **_where("merged_into IS NOT NULL"),
    )
    own = _where("connection_id IS NULL")
    op.create_index("ix_work_own_sort_title", "work", ["sort_title"], **own)
    shown = {"sqlite_where": sa.text("shown = 1"), "postgresql_where": sa.text("shown")}
    for name in ("sort_title", "created_at", "year", "rating"):
        op.create_index(f"ix_work_shown_{name}_row", "work", [name, "row"], **shown)
    op.create_index(
        "uq_work_connection_id_remote_id",
        "work",
        ["connection_id", "remote_id"],
        unique=True,
        **_where("connection_id IS NOT NULL"),
    )
    op.create_table(
        "external_id",
        sa.Column("work_row", ROW, nullable=False),
        *_texts("name", "value"),
        sa.ForeignKeyConstraint(["work_row"], ["work.row"], name="fk_external_id_work_row_work"),
        sa.PrimaryKeyConstraint("work_row", "name", name="pk_external_id"),
    )
    op.create_index("ix_external_id_name_value", "external_id", ["name", "value"], unique=False)
    op.create_table(
        "library_work",
        sa.Column("library_row", ROW, nullable=False),
        sa.Column("sort_title", ORDERED, nullable=False),
        sa.Column("work_row", ROW, nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["library_row"], ["library.row"], name="fk_library_work_library_row_library"
        ),
        sa.ForeignKeyConstraint(["work_row"], ["work.row"], name="fk_library_work_work_row_work"),
        sa.PrimaryKeyConstraint("library_row", "sort_title", "work_row", name="pk_library_work"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_library_work_work_row", "library_work", ["work_row"], unique=False)
    op.create_table(
        "video",
        sa.Column("row", ROW, nullable=False),
        sa.Column("id", UUID, nullable=False),
        sa.Column("work_row", ROW, nullable=False),
        sa.Column("shown_row", ROW, nullable=False),
        sa.Column("location_row", ROW, nullable=False),
        *_texts("filename", "locator"),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sa.Column("duration", sa.Double(), nullable=True),
        sa.Column("width", sa.BigInteger(), nullable=True),
        sa.Column("height", sa.BigInteger(), nullable=True),
        sa.Column("video_codec", sa.Text(), nullable=True),
        sa.Column("audio_codec", sa.Text(), nullable=True),
        sa.Column("container", sa.Text(), nullable=True),
        sa.Column("bit_rate", sa.BigInteger(), nullable=True),
        sa.Column("frame_rate", sa.Double(), nullable=True),
        sa.Column("oshash", sa.Text(), nullable=True),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("xxhash64", sa.Text(), nullable=True),
        sa.Column("web_compatible", sa.Boolean(), nullable=False),
        sa.Column("availability", sa.String(20), nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("remote_id", sa.Text(), nullable=True),
        sa.Column("peer_has_it", sa.Boolean(), nullable=False),
        *_texts("fields", "search_text"),
        sa.ForeignKeyConstraint(
            ["location_row"],
            ["storage_location.row"],
            name="fk_video_location_row_storage_location",
        ),
        sa.ForeignKeyConstraint(["shown_row"], ["work.row"], name="fk_video_shown_row_work"),
        sa.ForeignKeyConstraint(["work_row"], ["work.row"], name="fk_video_work_row_work"),
        sa.PrimaryKeyConstraint("row", name="pk_video"),
        sa.UniqueConstraint("id", name="uq_video_id"),
        sa.UniqueConstraint("location_row", "locator", name="uq_video_location_row_locator"),
    )
    op.create_index(
        "ix_video_counts", "video", ["location_row", "availability", "shown_row", "file_size"]
    )
    op.create_index(
        "ix_video_own_oshash",
        "video",
        ["oshash"],
        **_where("oshash IS NOT NULL AND remote_id IS NULL"),
    )
    op.create_index(
        "ix_video_own_sha256",
        "video",
        ["sha256"],
        **_where("sha256 IS NOT NULL AND remote_id IS NULL"),
    )
    op.create_index(
        "ix_video_own_xxhash64",
        "video",
        ["xxhash64"],
        **_where("xxhash64 IS NOT NULL AND remote_id IS NULL"),
    )
    op.create_index("ix_video_shown_row", "video", ["shown_row"], unique=False)
    op.create_index("ix_video_work_row", "video", ["work_row"], unique=False)
    op.create_table(
        "watch_state",
        sa.Column("user_id", UUID, nullable=False),
        sa.Column("video_row", ROW, nullable=False),
        sa.Column("position", sa.Double(), nullable=False),
        sa.Column("watched", sa.Boolean(), nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name="fk_watch_state_user_id_user", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["video_row"], ["video.row"], name="fk_watch_state_video_row_video", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "video_row", name="pk_watch_state"),
    )
    op.create_index(
        "ix_watch_state_user_id_updated_at", "watch_state", ["user_id", "updated_at"], unique=False
    )
    op.create_index("ix_watch_state_video_row", "watch_state", ["video_row"], unique=False)
    op.execute("INSERT INTO node VALUES (1, 0)")


def downgrade() -> None:
    for table in (
        "watch_state",
        "video",
        "library_work",
        "external_id",
        "work",
        "storage_location",
        "session",
        "connection",
        "user",
        "node",
        "library",
        "job",
        "audit",
        "api_key",
    ):
        op.drop_table(table)
