"""Engines and the metadata. Flask-SQLAlchemy is used for these two things only.

SQLite: the driver's own transaction handling is switched off and every transaction begins here,
``BEGIN IMMEDIATE`` where it may write. So a transaction never turns from reader into writer half
way, which is the one thing that ``busy_timeout`` cannot wait for.
"""

import os
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import sqlalchemy.orm as so
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.pool import ConnectionPoolEntry

from domain.errors import OutOfSpace, Unavailable

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
MIGRATIONS = Path(__file__).with_name("migrations")
LOCK_WAIT_S = 10
_PRAGMAS = (
    "journal_mode = WAL",
    "foreign_keys = ON",
    f"busy_timeout = {LOCK_WAIT_S * 1000}",
    "synchronous = NORMAL",
    "cache_size = -32768",  # KiB, for each connection
    "temp_store = MEMORY",
    "mmap_size = 268435456",
    "wal_autocheckpoint = 4000",
    "journal_size_limit = 67108864",
)


class DatabaseUnavailable(Unavailable):
    """The database does not answer, or other writers kept it for too long."""

    code = "database.unavailable"
    title = "The database does not answer at the moment"


class DatabaseFull(OutOfSpace):
    """The disk that the database is on is full."""

    code = "database.full"
    title = "The database's disk is full; nothing was changed"


class DatabaseOutdated(Unavailable):
    """A table or column is missing: the program is newer than the database."""

    code = "database.outdated"
    title = "The database has to be brought up to date: flask --app wsgi db upgrade"


class _HintingCompiler(SQLiteCompiler):
    """Writes ``Select.with_hint`` down: SQLite knows INDEXED BY and NOT INDEXED behind a table."""

    def get_from_hint_text(self, table: sa.FromClause, text: str | None) -> str | None:  # noqa: ARG002 - the signature is SQLAlchemy's
        return text


class Base(so.DeclarativeBase):
    """Carries the metadata; no class maps a table."""

    metadata = sa.MetaData(naming_convention=NAMING)


db = SQLAlchemy(model_class=Base, disable_autonaming=True, add_models_to_shell=False)


def sqlite_url(path: Path) -> str:
    """Return the URL of a SQLite file."""
    return f"sqlite:///{path}"


def make_engine(url: str, *, pool_size: int = 8) -> sa.Engine:
    """Return an engine that begins its transactions as this package expects it."""
    name, options = _engine_options(url, pool_size)
    return _prepare(sa.create_engine(name, **options))


def bind_app(app: Flask, url: str, *, pool_size: int = 8) -> sa.Engine:
    """Give ``app`` its database through Flask-SQLAlchemy and return the engine."""
    name, options = _engine_options(url, pool_size)
    app.config["SQLALCHEMY_DATABASE_URI"] = name.render_as_string(hide_password=False)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = options
    db.init_app(app)
    with app.app_context():
        return _prepare(db.engine)


def writing(engine: sa.Engine) -> sa.Engine:
    """Return a view of ``engine`` whose transactions take the writer's turn at once."""
    return engine.execution_options(velour_begin="BEGIN IMMEDIATE")


def reading(engine: sa.Engine) -> sa.Engine:
    """Return a view of ``engine`` whose transactions see one state and write nothing."""
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


@contextmanager
def translated() -> Iterator[None]:
    """Turn "no answer", "no free connection" and "locked" into DatabaseUnavailable.

    A missing table or column becomes DatabaseOutdated, a full disk DatabaseFull.
    """
    try:
        yield
    except sa.exc.TimeoutError as exc:
        raise DatabaseUnavailable from exc
    except sa.exc.DBAPIError as exc:
        if _lacks_something(exc.orig):
            raise DatabaseOutdated from exc
        if any(_has_no_space(cause) for cause in _causes(exc)):
            raise DatabaseFull from exc
        if isinstance(exc, sa.exc.OperationalError) or exc.connection_invalidated:
            raise DatabaseUnavailable from exc
        raise


def _causes(error: sa.exc.DBAPIError) -> Iterator[BaseException | None]:
    """Yield what the driver said, last and first: ending a broken transaction may fail as well."""
    earlier: BaseException | None = error
    while earlier is not None:
        if isinstance(earlier, sa.exc.DBAPIError):
            yield earlier.orig
        earlier = earlier.__context__


def _has_no_space(cause: BaseException | None) -> bool:
    if isinstance(cause, sqlite3.OperationalError):
        return str(cause) == "database or disk is full"
    return getattr(cause, "sqlstate", None) == "53100"  # disk full


def _lacks_something(cause: BaseException | None) -> bool:
    if isinstance(cause, sqlite3.OperationalError):
        return str(cause).startswith(("no such table", "no such column"))
    return getattr(cause, "sqlstate", None) in {"42P01", "42703"}  # undefined table, column


def _engine_options(url: str, pool_size: int) -> tuple[sa.URL, dict[str, Any]]:
    name = sa.make_url(url)
    options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": pool_size}
    if name.get_backend_name() == "sqlite":
        # One connection serves one thread at a time; the pool hands it from thread to thread.
        options["connect_args"] = {"check_same_thread": False, "cached_statements": 512}
        return name, options
    if name.get_backend_name() in {"postgres", "postgresql"}:
        name = name.set(drivername="postgresql+psycopg")
        options["pool_pre_ping"] = True
        options["connect_args"] = {
            "connect_timeout": 5,
            "options": f"-c timezone=UTC -c lock_timeout={LOCK_WAIT_S}s",
        }
        return name, options
    raise ValueError("the database is SQLite or PostgreSQL")


def _prepare(engine: sa.Engine) -> sa.Engine:
    if engine.dialect.name == "sqlite":
        engine.dialect.statement_compiler = _HintingCompiler
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    known = weakref.ref(engine)

    def leave_connections_to_parent() -> None:
        if (inherited := known()) is not None:
            inherited.dispose(close=False)

    os.register_at_fork(after_in_child=leave_connections_to_parent)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    begin = connection.get_execution_options().get("velour_begin", "BEGIN")
    connection.exec_driver_sql(begin)
