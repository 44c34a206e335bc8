"""Every revision goes up, down and up again; the end equals the schema in code."""

import os
import shutil
import sqlite3
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from adapters.sql import schema
from adapters.sql.database import MIGRATIONS, make_engine, sqlite_url, writing
from adapters.sql.upgrade import has_tables, is_current, upgrade_to_head
from tests.contracts.conftest import POSTGRES
from tests.servers import require

REVISIONS = [r.revision for r in ScriptDirectory(str(MIGRATIONS)).walk_revisions()][::-1]
DATABASE = f"velour_migrations_{os.getpid()}"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request, tmp_path):
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "m.db")
        return
    admin = sa.create_engine(f"{POSTGRES}/postgres", isolation_level="AUTOCOMMIT")
    require("postgres", lambda: admin.connect().close())
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connection.exec_driver_sql(f"CREATE DATABASE {DATABASE}")
    yield f"{POSTGRES}/{DATABASE}"
    with admin.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    admin.dispose()


@pytest.fixture
def engine(url):
    engine = make_engine(url)
    yield engine
    engine.dispose()


def alembic(engine, run, revision):
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with writing(engine).begin() as connection:
        config.attributes["connection"] = connection
        run(config, revision)


def differences(engine):
    def known(_, name, kind, reflected, __):
        return not (reflected and (name or "").startswith("video_text"))

    with engine.connect() as connection:
        options = {"compare_type": True, "include_object": known}
        context = MigrationContext.configure(connection, opts=options)
        return compare_metadata(context, schema.metadata)


def test_each_revision_goes_up_down_and_up(engine):
    for revision in REVISIONS:
        alembic(engine, command.upgrade, revision)
        alembic(engine, command.downgrade, "-1")
        alembic(engine, command.upgrade, revision)

    assert differences(engine) == []
    assert is_current(engine)


def test_all_the_way_down_leaves_nothing(engine):
    upgrade_to_head(engine)
    alembic(engine, command.downgrade, "base")

    with engine.connect() as connection:
        assert set(sa.inspect(connection).get_table_names()) <= {"alembic_version"}


def test_an_empty_database_is_brought_up_once(engine):
    assert not has_tables(engine)
    assert not is_current(engine)

    upgrade_to_head(engine)
    upgrade_to_head(engine)

    assert has_tables(engine)
    assert is_current(engine)


def bring_up(url):
    engine = make_engine(url)
    upgrade_to_head(engine)
    current = is_current(engine)
    engine.dispose()
    return current


def test_processes_that_start_at_once_do_not_hinder_each_other(url):
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        assert all(pool.map(bring_up, [url] * 3))


def test_search_tables_stay_right_under_change_and_removal(empty_sqlite, tmp_path):
    path = tmp_path / "velour.db"
    shutil.copy(empty_sqlite, path)
    with sqlite3.connect(path) as connection:
        columns = [row[1:4] for row in connection.execute("PRAGMA table_info(video)")]
        names = [name for name, _, needed in columns if needed]
        row = {
            name: 0 if kind in {"INTEGER", "BIGINT", "BOOLEAN"} else "x"
            for name, kind, _ in columns
        }
        marks = ", ".join(f":{name}" for name in names)
        for number in range(1, 6):
            row |= {"row": number, "id": bytes([number] * 16), "locator": f"l{number}"}
            row["search_text"] = f"alpha {number}"
            connection.execute(f"INSERT INTO video ({', '.join(names)}) VALUES ({marks})", row)
        connection.execute("UPDATE video SET search_text = 'beta' WHERE row = 1")
        connection.execute("UPDATE video SET availability = 'gone' WHERE row = 2")
        connection.execute("DELETE FROM video WHERE row = 3")
        connection.execute(
            "UPDATE video SET availability = 'gone', search_text = 'x' WHERE row = 4"
        )
        connection.execute(
            "UPDATE video SET availability = '', search_text = 'alpha' WHERE row = 4"
        )
        for table in ("video_text_word", "video_text_part"):
            connection.execute(f"INSERT INTO {table} ({table}, rank) VALUES ('integrity-check', 1)")
            found = connection.execute(f"SELECT rowid FROM {table} WHERE {table} MATCH 'alpha'")
            assert found.fetchall() == [(4,), (5,)]  # what is gone is in no index
    connection.close()
