"""A thousand films on another machine: what a scan may cost, and what an outage may not take."""

import json
import sqlite3

import pytest
from nodes import copy_film

from tests.films import age, make_film
from tests.nginx import Nginx, films_of

FILMS = 1000
BUDGET = 256 * 1024  # for one film; the default is 4 MiB


@pytest.fixture(scope="module")
def place(make_node, tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    film = make_film(folder / "Film 0000.mp4", seconds=4, width=320, height=180)
    for number in range(1, FILMS):
        copy_film(film, folder / f"Film {number:04}.mp4", mark=number.to_bytes(64, "big"))
    age(*folder.iterdir())
    nginx = Nginx(tmp_path_factory.mktemp("nginx"), films_of(folder))
    node = make_node(
        "far",
        VELOUR__STORAGE__ALLOWED_NETWORKS="127.0.0.1/32",
        VELOUR__STORAGE__PROBE_BYTES=str(BUDGET),
    )
    node.flask("db", "upgrade")
    node.flask("library", "create", "Films")
    node.flask(
        *("storage", "add", "Far", "--type", "web", "--library", "Films"),
        *("--option", f"url={nginx.url}/"),
    )
    yield node, folder, nginx
    nginx.close()


def last_scan(node):
    with sqlite3.connect(node.data_dir / "velour.db") as database:
        return json.loads(database.execute("select last_scan from storage_location").fetchone()[0])


def states(node):
    with sqlite3.connect(node.data_dir / "velour.db") as database:
        query = "select availability, count(*) from video group by availability"
        return dict(database.execute(query).fetchall())


@pytest.mark.slow
def test_a_thousand_films_cost_their_budget_at_most_and_outlive_an_outage(place):
    node, folder, nginx = place
    counts = node.json("storage", "scan", "Far", "--wait")["counts"]
    assert (counts["added"], counts["failed"]) == (FILMS, 0)
    first = last_scan(node)
    assert first["probed"] == FILMS
    assert 0 < first["bytes_read"] <= FILMS * BUDGET

    node.json("storage", "scan", "Far", "--wait")
    assert last_scan(node)["bytes_read"] == 0

    for number in range(400):
        (folder / f"Film {number:04}.mp4").unlink()
    held = node.json("storage", "scan", "Far", "--wait")
    assert (held["held"], held["counts"]["removed"], held["counts"]["missing"]) == (True, 0, 400)
    assert states(node) == {"available": 600, "offline": 400}

    nginx.close()
    away = node.run("storage", "scan", "Far", "--wait", "--json")
    assert away.returncode == 1
    assert json.loads(away.stdout)["counts"]["removed"] == 0
    assert states(node) == {"offline": FILMS}
