"""What is remembered between requests is never older than the last commit of any process."""

import sqlite3
import subprocess
import sys

import pytest
import sqlalchemy as sa

from adapters.sql.queries.remembered import CommitStamp, Remembered


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "a.db"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    return path


@pytest.fixture
def known(file):
    engine = sa.create_engine(f"sqlite:///{file}")
    known = Remembered(CommitStamp(engine))
    yield known
    known._stamp._connection.close()
    engine.dispose()


def write(file, statement="INSERT INTO t VALUES (1)"):
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute(statement)
    connection.close()


def test_an_answer_is_read_once_while_nothing_is_committed(known):
    reads = []
    for _ in range(5):
        assert known.get("a", lambda: reads.append(1) or len(reads)) == 1
    assert reads == [1]


def test_an_answer_is_read_again_after_any_commit(known, file):
    reads = []

    def read():
        reads.append(1)
        return len(reads)

    assert known.get("a", read) == 1
    write(file)
    assert known.get("a", read) == 2
    script = f"import sqlite3; c = sqlite3.connect({str(file)!r}); c.execute('INSERT INTO t VALUES (2)'); c.commit()"
    subprocess.run([sys.executable, "-c", script], check=True)
    assert known.get("a", read) == 3
    assert known.get("a", read) == 3


def test_what_is_committed_while_it_is_read_is_seen_next_time(known, file):
    def read():
        write(file)
        return "old"

    assert known.get("a", read) == "old"
    assert known.get("a", lambda: "new") == "new"


def test_nothing_found_is_not_remembered(known):
    assert known.get("a", lambda: None) is None
    assert known.get("a", lambda: 1) == 1


def test_looking_holds_no_lock_and_no_old_state(known, file):
    known.get("a", lambda: 1)
    write(file, "DROP TABLE t")
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    connection.close()


@pytest.mark.parametrize("url", ["sqlite://", "postgresql+psycopg://nowhere.invalid/x"])
def test_where_commits_leave_no_mark_every_question_is_asked(url):
    engine = sa.create_engine(url)
    known = Remembered(CommitStamp(engine))
    answers = iter("ab")
    assert known.get(1, lambda: next(answers)) == "a"
    assert known.get(1, lambda: next(answers)) == "b"
    engine.dispose()


def test_memory_stays_bounded(known):
    for number in range(10_000):
        known.get(number, lambda: 1)
    assert len(known._answers) <= 4096
