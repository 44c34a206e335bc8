"""Bringing a database to the newest revision, from the program itself."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from adapters.sql.database import MIGRATIONS, translated, writing

_LOCK = 0x56454C4F  # an advisory lock of PostgreSQL that nothing else takes


def upgrade_to_head(engine: sa.Engine) -> None:
    """Run the revisions that are missing. Of two processes at once, one waits for the other.

    Raises:
        DatabaseUnavailable: no answer, or the other process took too long.
    """
    with translated():
        if is_current(engine):
            return
        with writing(engine).begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
            if _heads(connection) != _newest():
                command.upgrade(_config(connection), "head")


def has_tables(engine: sa.Engine) -> bool:
    """Tell whether any revision was ever applied: a database without one holds nothing yet."""
    with translated(), engine.connect() as connection:
        return bool(_heads(connection))


def is_current(engine: sa.Engine) -> bool:
    """Tell whether no revision is missing."""
    with translated(), engine.connect() as connection:
        return _heads(connection) == _newest()


def _heads(connection: sa.Connection) -> set[str]:
    return set(MigrationContext.configure(connection).get_current_heads())


def _newest() -> set[str]:
    return set(ScriptDirectory(str(MIGRATIONS)).get_heads())


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
