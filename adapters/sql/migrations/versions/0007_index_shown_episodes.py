"""Count the shown episodes of a series from the index alone."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

EPISODES = sa.text("series_id IS NOT NULL")
OLD = ("ix_work_series_id_season_episode_row", ["series_id", "season", "episode", "row"])
NEW = (
    "ix_work_series_id_shown_season_episode_row",
    ["series_id", "shown", "season", "episode", "row"],
)


def upgrade() -> None:
    op.drop_index(OLD[0], "work")
    _create(*NEW)


def downgrade() -> None:
    op.drop_index(NEW[0], "work")
    _create(*OLD)


def _create(name: str, columns: list[str]) -> None:
    op.create_index(name, "work", columns, sqlite_where=EPISODES, postgresql_where=EPISODES)
