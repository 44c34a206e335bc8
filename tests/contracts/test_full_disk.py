"""A database whose disk is full: refused by name, nothing changed, reading goes on."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from adapters.sql.database import DatabaseFull, make_engine, sqlite_url
from adapters.sql.unit_of_work import SqlReadOnly, SqlUnitOfWork
from adapters.sql.upgrade import upgrade_to_head
from adapters.system.ids import new_uuid7
from domain.errors import Invalid
from domain.federation.audit import CLI
from domain.library.storage_location import Library

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def engine(tmp_path):
    made = make_engine(sqlite_url(tmp_path / "velour.db"))
    upgrade_to_head(made)
    yield made
    made.dispose()


def library(number):
    return Library(id=new_uuid7(), name=f"Library {number}", description="x" * 2000, created_at=NOW)


def names(engine):
    with SqlReadOnly(engine) as tx:
        return [one.name for one in tx.libraries.all()]


def test_what_does_not_fit_is_refused_by_name_and_the_rest_stays_readable(engine):
    with SqlUnitOfWork(engine, new_id=new_uuid7) as tx:
        tx.libraries.add(library(0))
        tx.commit()

    @sa.event.listens_for(engine, "begin")
    def no_more_pages(connection):
        (pages,) = connection.exec_driver_sql("PRAGMA page_count").one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(DatabaseFull), SqlUnitOfWork(engine, new_id=new_uuid7) as tx:
        for number in range(1, 200):
            tx.libraries.add(library(number))
        tx.commit()
    assert names(engine) == ["Library 0"]


class UnwritableCheckpoints:
    def write(self, checkpoint):
        raise OSError(28, "No space left on device")


def test_a_checkpoint_without_space_undoes_nothing(engine, caplog):
    with SqlUnitOfWork(engine, new_id=new_uuid7, checkpoints=UnwritableCheckpoints()) as tx:
        tx.libraries.add(library(0))
        tx.audit.append([CLI.did("library.create", "Library 0", at=NOW)])
        tx.commit()

    assert names(engine) == ["Library 0"]
    assert "checkpoint was not written" in caplog.text


@pytest.mark.parametrize("name", ["two\nlines", "a\ttab"])
def test_names_stay_on_one_line(name):
    with pytest.raises(Invalid):
        Library(id=new_uuid7(), name=name, created_at=NOW)
