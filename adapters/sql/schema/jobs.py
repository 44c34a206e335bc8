"""Background jobs."""

import sqlalchemy as sa

from adapters.sql.database import Base
from adapters.sql.types import Json, UtcDateTime, Uuid, choice
from domain.jobs import JobState

job = sa.Table(
    "job",
    Base.metadata,
    sa.Column("id", Uuid, primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("arguments", Json(), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False, index=True),
    sa.Column("run_at", UtcDateTime, nullable=False),
    sa.Column("key", sa.Text, index=True),
    sa.Column("state", choice(JobState), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("lease_owner", sa.Text),
    sa.Column("leased_until", UtcDateTime),
    sa.Column("cancel_requested", sa.Boolean, nullable=False),
    sa.Column("progress", Json(), nullable=False),
    sa.Column("result", Json()),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("started_at", UtcDateTime),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("version", sa.Integer, nullable=False),
)
unfinished = job.c.state.in_([sa.literal_column("'queued'"), sa.literal_column("'running'")])
sa.Index(
    "uq_job_unfinished_key",
    job.c.key,
    unique=True,
    sqlite_where=unfinished,
    postgresql_where=unfinished,
)
sa.Index(
    "ix_job_unfinished_run_at", job.c.run_at, sqlite_where=unfinished, postgresql_where=unfinished
)
