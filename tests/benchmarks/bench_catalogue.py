"""Browsing, search, export and applying a peer's catalogue, over SQLite and PostgreSQL.

100,000 works by default; ``BENCH_WORKS=1000000`` takes minutes to write and then seconds to
measure. ``TEST_POSTGRES_URL`` says where PostgreSQL is; where none answers, its rows say so. Each
figure stands beside a reference measured in the same run.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from adapters.sql.database import make_engine, sqlite_url
from adapters.sql.queries.catalogue import SqlCatalogue
from tests.benchmarks.catalogue_browse import browse
from tests.benchmarks.catalogue_data import fill
from tests.benchmarks.catalogue_export import export, export_over_http
from tests.benchmarks.catalogue_search import search
from tests.benchmarks.catalogue_sync import sync
from tests.benchmarks.harness import Row

COUNT = int(os.environ.get("BENCH_WORKS", "100000"))
POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432")


def run() -> Iterator[Row]:
    """Measure all."""
    with tempfile.TemporaryDirectory(prefix="velour-catalogue-") as folder:
        engine = make_engine(sqlite_url(Path(folder) / "catalogue.db"))
        yield from _measure("SQLite", engine)
        engine.dispose()
        yield from sync("SQLite", sqlite_url(Path(folder) / "sync.db"))
    yield from export_over_http(min(COUNT, 100_000))
    try:
        with _database() as url:
            engine = make_engine(url)
            yield from _measure("PostgreSQL", engine)
            engine.dispose()
        with _database() as url:
            yield from sync("PostgreSQL", url)
    except sa.exc.OperationalError as exc:
        yield Row("PostgreSQL", "not measured", str(exc.orig).splitlines()[0])


def _measure(name: str, engine: sa.Engine) -> Iterator[Row]:
    made = fill(engine, COUNT)
    catalogue = SqlCatalogue(engine)
    yield from browse(name, catalogue, engine, made)
    yield from search(name, catalogue, engine, made)
    yield from export(name, catalogue, engine, made)


@contextlib.contextmanager
def _database() -> Iterator[str]:
    """Make a database of PostgreSQL for one measurement."""
    admin = sa.create_engine(f"{POSTGRES}/postgres", isolation_level="AUTOCOMMIT")
    name = f"velour_bench_{os.getpid()}"
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield f"{POSTGRES}/{name}"
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        admin.dispose()
