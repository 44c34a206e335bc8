"""``kill -9`` in the middle of a scan, again and again: no row is lost or doubled."""

import random
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from nodes import ROOT, copy_film

from tests.films import make_film

FILMS = 10_000
KILLS = 15


@pytest.fixture(scope="module")
def node(make_node, tmp_path_factory):
    node = make_node("node", VELOUR__LIBRARY__SCAN_BATCH="200")
    folder = tmp_path_factory.mktemp("films")
    film = make_film(folder / "Film 00000.mp4", seconds=0.2)
    for number in range(1, FILMS):
        copy_film(film, folder / f"Film {number:05}.mp4", mark=number.to_bytes(64, "big"))
    node.flask("db", "upgrade")
    node.flask("library", "create", "Films")
    node.flask(
        *("storage", "add", "Disk", "--type", "local", "--library", "Films"),
        *("--option", f"path={folder}"),
    )
    return node


def query(node, sql):
    path = node.data_dir / "velour.db"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return database.execute(sql).fetchall()


def rows(node):
    with suppress(sqlite3.OperationalError):  # its writer may be busy
        return query(node, "select count(*) from video")[0][0]
    return 0


def kill_at(node, stored):
    """Scan, and kill the scan once that many videos are stored; tell whether it was still on."""
    process = subprocess.Popen(
        node.command("storage", "scan", "Disk", "--wait", "--json"),
        cwd=ROOT,
        env=node.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and rows(node) < stored:
        time.sleep(0.002)
    was_running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return was_running


def media_children():
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if b"adapters.media.child" in path.read_bytes():
                found.append(path)
    return found


@pytest.mark.slow
def test_a_scan_that_is_killed_again_and_again_ends_with_every_film_once(node):
    dice = random.Random(15)
    before = set(media_children())
    moments = sorted(dice.sample(range(FILMS - 500), KILLS))
    killed = sum(kill_at(node, moment) for moment in moments)
    assert killed == KILLS

    result = node.json("storage", "scan", "Disk", "--wait")

    assert result["success"], result
    assert result["counts"]["found"] == FILMS
    assert result["counts"]["failed"] == 0
    titles = query(node, "select title from work order by title")
    assert titles == [(f"Film {number:05}",) for number in range(FILMS)]
    doubled = "select locator from video group by location_row, locator having count(*) > 1"
    assert query(node, doubled) == []
    assert rows(node) == FILMS
    half_written = (
        "select count(*) from video where duration is null or fields = '' or work_row not in"
        " (select row from work where shown and fields <> '')"
    )
    assert query(node, half_written) == [(0,)]
    assert query(node, "select count(*) from library_work") == [(FILMS,)]
    assert query(node, "select count(*) from video_text_word") == [(FILMS,)]
    again = node.json("storage", "scan", "Disk", "--wait")["counts"]
    assert (again["added"], again["updated"], again["removed"]) == (0, 0, 0)
    states = query(node, "select distinct state from job where name = 'scan'")
    assert states == [("done",)]
    time.sleep(0.5)
    assert set(media_children()) <= before
