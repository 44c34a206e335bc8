"""``kill -9`` at random moments of a sync: nothing is lost, nothing doubled, the sync completes."""

import random
import signal
import subprocess
import time

import pytest
import requests
from nodes import ROOT, copy_film

TITLES = [f"Film {n:03}" for n in range(1, 251)]
KILLS = 15


@pytest.fixture(scope="module")
def pair(make_node, film, tmp_path_factory):
    north = make_node("north")
    south = make_node("south", VELOUR__FEDERATION__SYNC_PAGE_SIZE="20")
    films = tmp_path_factory.mktemp("films")
    for title in TITLES:
        copy_film(film, films / f"{title}.mp4", mark=title.encode())
    north.add_admin("a long password")
    north.add_library("Shared", films)
    north.start()
    key = north.grant("south", "Shared", "read", "stream", "metadata")
    south.add_admin("a long password")
    south.flask("connection", "add", "north", "--url", north.url, "--key-stdin", stdin=key)
    return north, south


def kill_a_command(south, delay_s):
    process = subprocess.Popen(
        south.command("storage", "scan", "north", "--wait", "--json"),
        cwd=ROOT,
        env=south.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(delay_s)
    process.send_signal(signal.SIGKILL)
    process.wait()


def kill_a_server(south, delay_s):
    south.start()
    south.flask("storage", "scan", "north")
    time.sleep(delay_s)
    south.kill()


def test_a_sync_that_is_killed_again_and_again_ends_with_every_work_once(pair):
    _, south = pair
    dice = random.Random(20)
    for number in range(KILLS):
        if number % 3 == 2:
            kill_a_server(south, dice.uniform(0.0, 0.8))
        else:
            kill_a_command(south, dice.uniform(0.3, 2.2))

    result = south.json("storage", "scan", "north", "--wait")

    assert result["success"], result
    assert result["counts"]["found"] == 250
    again = south.json("storage", "scan", "north", "--wait")
    counts = again["counts"]
    assert (counts["added"], counts["updated"], counts["removed"], counts["failed"]) == (0, 0, 0, 0)
    south.start()
    made = south.json("key", "create", "reader", "--kind", "app", "--scope", "read")
    assert sorted(titles(south, made["key"])) == TITLES


def titles(node, key):

    found, page = [], 1
    while True:
        answer = requests.get(
            f"{node.url}/api/v1/works",
            params={"page": page, "per_page": 200},
            headers={"Authorization": f"Bearer {key}"},
        ).json()
        found += [work["title"] for work in answer["works"]]
        if page >= answer["pagination"]["total_pages"]:
            return found
        page += 1
