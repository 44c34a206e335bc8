"""Streams from an origin that sends objects only whole, from their first byte on."""

import pytest

from ports.library import storage as port
from ports.library.storage import ObjectInfo
from tests.web.streams.conftest import BYTES, RemoteStorage

REACH = 500


class WholeOnly(RemoteStorage):
    """It reads past the first bytes, but not past more than REACH of them."""

    def stat(self, locator):
        info = super().stat(locator)
        return ObjectInfo(info.size_bytes, info.etag, ranges=False)

    def open(self, locator, *, start, length, etag):
        assert start <= REACH
        return super().open(locator, start=start, length=length, etag=etag)


@pytest.fixture(autouse=True)
def origin(node, storages, monkeypatch):
    monkeypatch.setattr(port, "SKIPPED_BYTES", REACH)
    storages.by_path["/films"] = WholeOnly(dict(node.storage.objects))


@pytest.mark.parametrize(("header", "first", "last"), [("bytes=0-1", 0, 1), ("bytes=500-509", 500, 509), ("bytes=100-", 100, len(BYTES) - 1)])  # fmt: skip
def test_a_part_within_reach_is_sent_as_one(ask, header, first, last):
    answer = ask(Range=header)
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(BYTES)}"
    assert answer.data == BYTES[first : last + 1]


@pytest.mark.parametrize("header", ["bytes=501-509", "bytes=-10", "bytes=0-", None])
def test_everything_else_is_the_whole_and_says_so(ask, header):
    answer = ask(**({"Range": header} if header else {}))
    assert (answer.status_code, answer.data) == (200, BYTES)
    assert answer.headers["Accept-Ranges"] == "none"
    assert answer.headers["Content-Length"] == str(len(BYTES))
    assert "Content-Range" not in answer.headers


def test_head_says_the_same(ask):
    answer = ask(method="HEAD", Range="bytes=0-1")
    assert answer.status_code == 200
    assert answer.headers["Accept-Ranges"] == "none"
    assert answer.headers["Content-Length"] == str(len(BYTES))


def test_a_range_past_the_end_is_still_refused(ask):
    assert ask(Range="bytes=99999-").status_code == 416
