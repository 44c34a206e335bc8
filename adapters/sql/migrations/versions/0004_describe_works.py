"""Keep what sources say of works: genres, people, series, subtitles; who locked which field.

Texts that are kept ready get the new members, so that old rows answer as new ones do.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UUID = sa.LargeBinary(16).with_variant(sa.Uuid(), "postgresql")
ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ORDERED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NEW_METADATA = ',"genres":[],"people":[],"series_id":null,"season":null,"episode":null'
NEW_VIDEO = ',"subtitles":[]'


def _where(condition: str) -> dict[str, sa.TextClause]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "series",
        sa.Column("row", ROW, primary_key=True),
        sa.Column("id", UUID, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("sort_title", ORDERED, nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("updated_at", sa.DateTime, nullable=False),
        sa.Column("year", sa.Integer),
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("external_ids", sa.Text, nullable=False),
        sa.Column("poster", sa.Text, nullable=False),
        sa.Column("locked", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.UniqueConstraint("id", name=op.f("uq_series_id")),
    )
    op.create_index("ix_series_sort_title_row", "series", ["sort_title", "row"])
    for column in (
        sa.Column("genres", sa.Text, nullable=False, server_default="[]"),
        sa.Column("credits", sa.Text, nullable=False, server_default="[]"),
        sa.Column("season", sa.Integer),
        sa.Column("episode", sa.Integer),
        sa.Column("poster", sa.Text, nullable=False, server_default=""),
        sa.Column("locked", sa.Text, nullable=False, server_default="[]"),
    ):
        op.add_column("work", column)
    _add_series_id()
    op.create_index(
        "ix_work_series_id_season_episode_row",
        "work",
        ["series_id", "season", "episode", "row"],
        **_where("series_id IS NOT NULL"),
    )
    for column in (
        sa.Column("extras", sa.Text, nullable=False, server_default=""),
        sa.Column("subtitles", sa.Text, nullable=False, server_default="[]"),
        sa.Column("pictures", sa.Text, nullable=False, server_default="[]"),
        sa.Column("missing_since", sa.DateTime),
    ):
        op.add_column("video", column)
    op.create_index(
        "ix_video_missing_location_row_row",
        "video",
        ["location_row", "row"],
        **_where("missing_since IS NOT NULL"),
    )
    for column in (
        sa.Column("scan_every_hours", sa.Integer),
        sa.Column("watch", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("refused_at", sa.DateTime),
    ):
        op.add_column("storage_location", column)
    _append("work", "metadata_fields", NEW_METADATA)
    _append("video", "fields", NEW_VIDEO)


def downgrade() -> None:
    _take_off("work", "metadata_fields", NEW_METADATA)
    _take_off("video", "fields", NEW_VIDEO)
    for name in ("scan_every_hours", "watch", "refused_at"):
        op.drop_column("storage_location", name)
    op.drop_index("ix_video_missing_location_row_row", "video")
    for name in ("extras", "subtitles", "pictures", "missing_since"):
        op.drop_column("video", name)
    op.drop_index("ix_work_series_id_season_episode_row", "work")
    with op.batch_alter_table("work") as work:
        for name in ("genres", "credits", "series_id", "season", "episode", "poster", "locked"):
            work.drop_column(name)
    op.drop_table("series")


def _add_series_id() -> None:
    """Add the column with its foreign key, which Alembic cannot do on SQLite without a copy."""
    kind = "BLOB" if op.get_context().dialect.name == "sqlite" else "UUID"
    constraint = "CONSTRAINT fk_work_series_id_series REFERENCES series (id)"
    op.execute(f"ALTER TABLE work ADD COLUMN series_id {kind} {constraint}")


def _append(table: str, column: str, text: str) -> None:
    target = sa.table(table, sa.column(column))
    op.execute(sa.update(target).values({column: target.c[column].concat(text)}))


def _take_off(table: str, column: str, text: str) -> None:
    """Leave the texts as the older version wrote them; what later writes added goes with it."""
    target = sa.table(table, sa.column(column))
    shorter = sa.func.replace(target.c[column], text, "")
    op.execute(sa.update(target).values({column: shorter}))
