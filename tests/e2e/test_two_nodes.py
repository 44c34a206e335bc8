"""Two nodes as two processes: one shares a library, the other reads and plays it."""

import hashlib
import json
import random
import threading
import time

import pytest
import requests
from nodes import copy_film

SHARED = [f"Film {n:03} ({1970 + n % 50})" for n in range(1, 251)]
PRIVATE = [f"Secret {n}" for n in range(1, 4)]


@pytest.fixture(scope="module")
def pair(make_node, film, big_film, tmp_path_factory):
    """A shares 250 works and one large film, and keeps three to itself; B has read what it may."""
    north, south = make_node("north"), make_node("south")
    films = tmp_path_factory.mktemp("films")
    for folder, names in (("shared", SHARED), ("private", PRIVATE)):
        (films / folder).mkdir()
        for name in names:
            copy_film(film, films / folder / f"{name}.mp4", mark=name.encode())
    large = films / "shared" / f"{SHARED[0]}.mp4"
    large.write_bytes(big_film.read_bytes())
    north.add_admin("a long password")
    assert north.add_library("Shared", films / "shared")["counts"]["added"] == 250
    assert north.add_library("Private", films / "private")["counts"]["added"] == 3
    north.start()
    key = north.grant("south", "Shared", "read", "stream", "metadata")
    south.add_admin("a long password")
    result = south.connect("north", north, key)
    assert result["success"], result
    assert result["counts"]["added"] == 250
    south.start()
    return north, south, key, large


def reader(node, library=None):
    """A session of a program of the node's own people."""
    extra = ("--library", library) if library else ()
    made = node.json(
        *("key", "create", "reader", "--kind", "app"),
        *("--scope", "read", "--scope", "stream", "--scope", "metadata", *extra),
    )
    session = requests.Session()
    session.trust_env = False
    session.headers["Authorization"] = f"Bearer {made['key']}"
    return session


def all_works(session, node):
    """Walk the numbered pages to the end."""
    works, page = [], 1
    while True:
        body = session.get(
            f"{node.url}/api/v1/works", params={"page": page, "per_page": 100}
        ).json()
        works += body["works"]
        if page >= body["pagination"]["total_pages"]:
            assert body["pagination"]["total_count"] == len(works)
            return works
        page += 1


def test_the_second_node_lists_what_is_shared_and_nothing_else(pair):
    north, south, key, _ = pair
    session = reader(south)

    works = all_works(session, south)

    assert sorted(w["title"] for w in works) == [f"Film {n:03}" for n in range(1, 251)]
    for query in ("Secret", "secret 1"):
        found = session.get(f"{south.url}/api/v1/videos/search", params={"query": query}).json()
        assert found["videos"] == []
    peer = requests.Session()
    peer.trust_env = False
    peer.headers["Authorization"] = f"Bearer {key}"
    assert peer.get(f"{north.url}/api/v1/instance").json()["total_works"] == 250
    secret = next(w for w in all_works(reader(north), north) if w["title"].startswith("Secret"))
    video = secret["videos"][0]["id"]
    for path in (f"works/{secret['id']}", f"videos/{video}", f"videos/{video}/stream"):
        assert peer.get(f"{north.url}/api/v1/{path}").status_code == 404


def test_a_second_sync_of_an_unchanged_peer_changes_nothing(pair):
    _, south, _, _ = pair
    counts = south.json("storage", "scan", "north", "--wait")["counts"]
    assert (counts["added"], counts["updated"], counts["removed"]) == (0, 0, 0)


def test_a_film_streams_through_byte_identical_in_full_and_at_100_ranges(pair):
    _, south, _, large = pair
    session = reader(south)
    work = session.get(f"{south.url}/api/v1/works", params={"per_page": 1}).json()["works"][0]
    url = f"{south.url}/api/v1/videos/{work['videos'][0]['id']}/stream"
    content = large.read_bytes()

    whole = session.get(url)
    assert whole.status_code == 200
    assert hashlib.sha256(whole.content).digest() == hashlib.sha256(content).digest()
    dice = random.Random(1)
    for _ in range(100):
        start = dice.randrange(len(content))
        end = min(start + dice.randrange(1, 1 << 20), len(content) - 1)
        part = session.get(url, headers={"Range": f"bytes={start}-{end}"})
        assert part.status_code == 206
        assert part.headers["Content-Range"] == f"bytes {start}-{end}/{len(content)}"
        assert part.content == content[start : end + 1]


def test_the_first_node_dies_mid_film_and_the_download_resumes_to_the_same_bytes(pair):
    north, south, _, large = pair
    session = reader(south)
    work = session.get(f"{south.url}/api/v1/works", params={"per_page": 1}).json()["works"][0]
    url = f"{south.url}/api/v1/videos/{work['videos'][0]['id']}/stream"
    content = large.read_bytes()
    received, etag, killed = bytearray(), None, False
    deadline = time.monotonic() + 90
    while len(received) < len(content):
        assert time.monotonic() < deadline, f"{len(received)} of {len(content)} bytes"
        headers = {"Range": f"bytes={len(received)}-"} | ({"If-Range": etag} if etag else {})
        try:
            with session.get(url, headers=headers, stream=True, timeout=20) as answer:
                if answer.status_code != 206:
                    time.sleep(0.3)
                    continue
                etag = answer.headers["ETag"]
                for piece in answer.iter_content(64 << 10):
                    received += piece
                    if not killed and len(received) > 4 << 20:
                        killed = True
                        north.kill()
                        threading.Timer(2, north.start).start()
                        time.sleep(0.5)
        except requests.RequestException:
            time.sleep(0.3)
    assert killed
    assert hashlib.sha256(received).digest() == hashlib.sha256(content).digest()
    time.sleep(2)  # the restart ends before the fixture stops the node


def test_suspending_on_the_first_node_is_felt_at_once_and_undone_without_pairing(pair):
    north, south, _, _ = pair
    north.flask("connection", "suspend", "south")

    refused = south_scan(south)
    assert refused["success"] is False
    assert "suspended" in refused["message"]

    north.flask("connection", "resume", "south")
    assert south_scan(south)["success"] is True
    assert len(all_works(reader(south), south)) == 250


def test_a_revoked_key_is_dead_on_the_next_request(pair):
    north = pair[0]
    key = north.grant("another", "Shared", "read")
    headers = {"Authorization": f"Bearer {key}"}
    assert requests.get(f"{north.url}/api/v1/ping", headers=headers).status_code == 200
    north.flask("key", "revoke", "another")
    answer = requests.get(f"{north.url}/api/v1/ping", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def south_scan(south):
    """Scan the peer; the object is printed whether or not it worked."""
    done = south.run("storage", "scan", "north", "--wait", "--json")
    assert done.returncode in (0, 1)
    return json.loads(done.stdout)
