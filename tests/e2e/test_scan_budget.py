"""A thousand films on a web server: what a scan reads of them stays within its budget."""

import html
import re

import pytest
import requests
from nodes import copy_film

from app.browser.words import size
from tests.nginx import Nginx, films_of

pytestmark = pytest.mark.slow

FILMS, HEADLESS = 950, 50
BUDGET = 256 * 1024
PASSWORD = "correct horse battery"
SIZE = 8 * 1024 * 1024


@pytest.fixture(scope="module")
def served(tmp_path_factory, film):
    """A web server with films that have a header and films that only pretend to."""
    root = tmp_path_factory.mktemp("films")
    for number in range(FILMS):
        path = root / f"Film {number:04}.mp4"
        copy_film(film, path, mark=number.to_bytes(64, "big"))
        with path.open("r+b") as file:
            file.truncate(SIZE)
    for number in range(HEADLESS):
        with (root / f"Odd {number:04}.mpg").open("wb") as file:
            file.write(b"\x00\x00\x01\xba" + number.to_bytes(64, "big"))
            file.truncate(SIZE)
    home = tmp_path_factory.mktemp("nginx")
    nginx = Nginx(home / "server", films_of(root, at="/films/"))
    yield nginx, home / "server" / "access.log"
    nginx.close()


def sent(log):
    """Return the bytes of bodies that the server sent for each film, by its path."""
    bytes_sent = {}
    for line in log.read_text().splitlines():
        asked, said = line.split('"')[1], line.split('"')[2]
        path, count = asked.split(" ")[1], int(said.split()[1])
        if not path.endswith("/"):
            bytes_sent[path] = bytes_sent.get(path, 0) + count
    return bytes_sent


def page_of_location(node):
    session = requests.Session()
    form = session.get(f"{node.url}/sign-in", timeout=10).text
    token = re.search(r'name="csrf[^"]*" value="([^"]+)"', form)
    field = re.search(r'name="(csrf[^"]*)"', form)
    answer = session.post(
        f"{node.url}/sign-in",
        data={"username": "admin", "password": PASSWORD, field[1]: token[1]},
        headers={"Origin": node.url},
        timeout=10,
    )
    assert answer.ok, answer.text
    listing = session.get(f"{node.url}/admin/locations", timeout=10).text
    (path,) = set(re.findall(r'href="(/admin/locations/[0-9a-f-]{36})"', listing))
    return html.unescape(session.get(node.url + path, timeout=10).text)


def test_a_scan_of_a_thousand_remote_files_stays_within_its_budget(make_node, served):
    nginx, log = served
    node = make_node(
        "budget",
        VELOUR__STORAGE__ALLOWED_NETWORKS="127.0.0.1/32",
        VELOUR__STORAGE__PROBE_BYTES=str(BUDGET),
    )
    node.add_admin(PASSWORD)
    node.flask("library", "create", "Films")
    node.flask(
        *("storage", "add", "Web", "--type", "web", "--library", "Films"),
        *("--option", f"url={nginx.url}/films/"),
    )
    result = node.json("storage", "scan", "Web", "--wait")
    assert result["counts"]["found"] == FILMS + HEADLESS
    assert result["counts"]["added"] >= FILMS
    bytes_sent = sent(log)
    assert len(bytes_sent) == FILMS + HEADLESS
    assert max(bytes_sent.values()) <= BUDGET
    (place,) = node.json("storage", "list")["items"]
    read = place["last_scan"]["bytes_read"]
    assert sum(bytes_sent.values()) <= read <= (FILMS + HEADLESS) * BUDGET

    node.start()
    shown = re.search(r"<dt>Read for it</dt><dd>([^<]+)</dd>", page_of_location(node))
    assert shown[1] == size(read)

    again = node.json("storage", "scan", "Web", "--wait")
    assert again["counts"]["updated"] == 0
    (place,) = node.json("storage", "list")["items"]
    assert place["last_scan"]["bytes_read"] == 0
