"""Who is sent to the store that keeps a film, and who gets it from this node."""

import pytest

from adapters.memory.storage import MemoryStorage
from domain.federation.api_key import KeyKind
from tests.web.streams.conftest import BYTES, entries


class RedirectingStorage(MemoryStorage):
    """Has addresses to give away while ``allows``."""

    allows = True

    def redirect_url(self, locator, *, expires_s):
        return f"https://store.example/{locator}?for={expires_s}" if self.allows else None


@pytest.fixture
def bucket(node, storages):
    """The film lies in a store that has addresses to give away."""
    storage = RedirectingStorage({"Metropolis.mp4": BYTES})
    storages.by_path["/films"] = storage
    return storage


@pytest.fixture
def ask(node):
    key = node.key("stream", kind=KeyKind.APP, libraries=[node.shelf_of_film])
    path = f"/api/v1/videos/{node.film_video.id}/stream"
    return lambda method="GET", **headers: node.get(path, key, method=method, headers=headers)


def test_an_app_is_sent_to_the_store_for_a_while(bucket, ask, node):
    answer = ask(Range="bytes=0-9")
    assert answer.status_code == 307
    assert answer.data == b""
    assert answer.headers["Location"] == "https://store.example/Metropolis.mp4?for=3600"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Length"] == "0"
    assert "ETag" not in answer.headers
    (entry,) = entries(node, "video.stream")
    assert entry.bytes_sent is None


def test_each_redirect_counts_once(bucket, ask, node):
    assert [ask().headers["RateLimit-Remaining"] for _ in range(2)] == ["999", "999"]
    assert len(entries(node, "video.stream")) == 2


def test_a_location_that_does_not_allow_it_sends_the_bytes(bucket, ask):
    bucket.allows = False
    assert (ask().status_code, ask().data) == (200, BYTES)


def test_what_a_film_is_like_is_answered_here(bucket, ask):
    answer = ask("HEAD")
    assert answer.status_code == 200
    assert answer.headers["Content-Length"] == str(len(BYTES))


def test_a_peer_gets_the_bytes_from_this_node(bucket, node):
    key = node.key("stream", kind=KeyKind.PEER, libraries=[node.shelf_of_film])
    answer = node.get(f"/api/v1/videos/{node.film_video.id}/stream", key)
    assert (answer.status_code, answer.data) == (200, BYTES)


def test_a_page_plays_from_this_node(bucket, node, link):
    answer = node.client.get(link)
    assert (answer.status_code, answer.data) == (200, BYTES)


def test_a_signed_address_of_an_app_is_answered_here(bucket, node):
    key, _ = node.issue("stream", kind=KeyKind.APP, libraries=[node.shelf_of_film])
    link = node.sign(video_id=node.film_video.id, subject=f"key:{key.id}", purpose="player")
    assert node.client.get(link).data == BYTES


def test_who_may_not_see_the_film_learns_no_address(bucket, node):
    key = node.key("stream", kind=KeyKind.APP, libraries=[node.shelf("Other")])
    answer = node.get(f"/api/v1/videos/{node.film_video.id}/stream", key)
    assert answer.status_code == 404
    assert "Location" not in answer.headers
