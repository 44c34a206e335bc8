"""Every place that rows can be kept in, behind one fixture."""

import os
import shutil
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from adapters.memory.audit import MemoryAuditReader, MemoryAuditTrail
from adapters.memory.catalogue import MemoryCatalogue
from adapters.memory.credentials import MemoryCredentials
from adapters.memory.database import MemoryDatabase
from adapters.memory.unit_of_work import MemoryUnitOfWork
from adapters.sql import schema
from adapters.sql.database import make_engine, sqlite_url
from adapters.sql.queries.audit import SqlAuditReader, SqlAuditTrail
from adapters.sql.queries.catalogue import SqlCatalogue
from adapters.sql.queries.credentials import SqlCredentials
from adapters.sql.unit_of_work import SqlReadOnly, SqlUnitOfWork
from adapters.sql.upgrade import upgrade_to_head
from adapters.system.ids import new_uuid7
from tests.contracts.rows import Rows
from tests.servers import require

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432")
BACKENDS = ["memory", "sqlite", "postgres"]


@dataclass
class Backend:
    """One database through all the ports that read or write it."""

    kind: str
    unit_of_work: Any
    read_only: Any
    catalogue: Any
    credentials: Any
    audit_reader: Any
    audit_trail: Any
    engine: Any = None
    memory: Any = field(default=None)


def memory_backend():
    database = MemoryDatabase(new_uuid7)
    return Backend(
        kind="memory",
        unit_of_work=lambda: MemoryUnitOfWork(database),
        read_only=lambda: MemoryUnitOfWork(database, read_only=True),
        catalogue=MemoryCatalogue(database),
        credentials=MemoryCredentials(database),
        audit_reader=MemoryAuditReader(database),
        audit_trail=MemoryAuditTrail(database),
        memory=database,
    )


def sql_backend(kind, engine, checkpoints=None):
    return Backend(
        kind=kind,
        unit_of_work=lambda: SqlUnitOfWork(engine, new_id=new_uuid7, checkpoints=checkpoints),
        read_only=lambda: SqlReadOnly(engine),
        catalogue=SqlCatalogue(engine),
        credentials=SqlCredentials(engine),
        audit_reader=SqlAuditReader(engine),
        audit_trail=SqlAuditTrail(engine, checkpoints=checkpoints),
        engine=engine,
    )


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory):
    """A SQLite file with all tables, to copy."""
    path = tmp_path_factory.mktemp("empty") / "empty.db"
    engine = make_engine(sqlite_url(path))
    upgrade_to_head(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture(scope="session")
def postgres_engine():
    """A PostgreSQL database of this run, with all tables."""
    admin = sa.create_engine(f"{POSTGRES}/postgres", isolation_level="AUTOCOMMIT")
    require("postgres", lambda: admin.connect().close())
    name = f"velour_contracts_{os.getpid()}"
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET synchronous_commit = off")
    engine = make_engine(f"{POSTGRES}/{name}")
    upgrade_to_head(engine)
    yield engine
    engine.dispose()
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    admin.dispose()


def empty_postgres(engine):
    """Take all rows out, but the one about the database itself. TRUNCATE would take ten times as
    long for so few.
    """
    tables = [table for table in schema.metadata.sorted_tables if table is not schema.node]
    with engine.begin() as connection:
        deletes = (f'DELETE FROM "{table.name}";' for table in reversed(tables))
        connection.exec_driver_sql("".join(deletes))


@pytest.fixture(params=BACKENDS)
def backend(request, tmp_path):
    if request.param == "memory":
        yield memory_backend()
    elif request.param == "sqlite":
        path = tmp_path / "velour.db"
        shutil.copy(request.getfixturevalue("empty_sqlite"), path)
        engine = make_engine(sqlite_url(path))
        backend = sql_backend("sqlite", engine)
        yield backend
        backend.audit_trail.close()
        engine.dispose()
    else:
        engine = request.getfixturevalue("postgres_engine")
        empty_postgres(engine)
        backend = sql_backend("postgres", engine)
        yield backend
        backend.audit_trail.close()


@pytest.fixture
def rows(backend, clock):
    """Adds rows in a transaction of their own each."""
    return Rows(backend.unit_of_work, clock)
