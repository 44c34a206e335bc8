"""People, their sessions, and how far they got."""

import sqlalchemy as sa

from adapters.sql.database import Base
from adapters.sql.types import UtcDateTime, Uuid, choice, row_number
from domain.people import Role

user = sa.Table(
    "user",
    Base.metadata,
    sa.Column("id", Uuid, primary_key=True),
    sa.Column("username", sa.String(50), nullable=False),
    sa.Column("email", sa.String(254), nullable=False),
    sa.Column("username_folded", sa.Text, nullable=False, unique=True),
    sa.Column("email_folded", sa.Text, nullable=False, unique=True),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("role", choice(Role), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

session = sa.Table(
    "session",
    Base.metadata,
    sa.Column("id_digest", sa.LargeBinary, primary_key=True),
    sa.Column("user_id", Uuid, sa.ForeignKey("user.id", ondelete="CASCADE"), index=True),
    sa.Column("values", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False, index=True),
)

watch_state = sa.Table(
    "watch_state",
    Base.metadata,
    sa.Column("user_id", Uuid, sa.ForeignKey("user.id", ondelete="CASCADE"), primary_key=True),
    sa.Column(
        "video_row",
        row_number(),
        sa.ForeignKey("video.row", ondelete="CASCADE"),
        primary_key=True,
        index=True,
    ),
    sa.Column("position", sa.Double, nullable=False),
    sa.Column("watched", sa.Boolean, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    sa.Index("ix_watch_state_user_id_updated_at", "user_id", "updated_at"),
)
