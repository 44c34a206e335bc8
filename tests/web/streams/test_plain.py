"""Streams as the API and signed addresses answer them, on memory adapters."""

import pytest

from app.limits import LimitFigures
from tests.web.streams.conftest import BYTES, entries


def test_a_whole_video_has_its_length_type_and_a_strong_tag(ask):
    answer = ask()
    assert answer.status_code == 200
    assert answer.data == BYTES
    assert answer.headers["Content-Length"] == str(len(BYTES))
    assert answer.headers["Content-Type"] == "video/mp4"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["ETag"].startswith('"')
    assert answer.headers["Content-Disposition"] == "inline; filename*=UTF-8''Metropolis.mp4"
    assert answer.headers["Cache-Control"].startswith("private")


def test_a_range_is_answered_in_part(ask):
    answer = ask(Range="bytes=10-19")
    assert answer.status_code == 206
    assert answer.data == BYTES[10:20]
    assert answer.headers["Content-Range"] == f"bytes 10-19/{len(BYTES)}"
    assert (
        ask(Range=f"bytes=-{10**30}").headers["Content-Range"]
        == f"bytes 0-{len(BYTES) - 1}/{len(BYTES)}"
    )


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "bytes=5-1", "items=0-1", "bytes=x"])
def test_other_ranges_are_answered_with_the_whole(ask, header):
    answer = ask(Range=header)
    assert (answer.status_code, answer.data) == (200, BYTES)


def test_a_range_past_the_end_is_a_problem_that_names_the_size(ask):
    answer = ask(Range="bytes=99999-")
    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(BYTES)}"
    assert answer.content_type == "application/problem+json"
    assert answer.json["code"] == "range.not-satisfiable"


def test_head_answers_with_the_full_length_whatever_the_range(ask):
    answer = ask(method="HEAD", Range="bytes=0-1")
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(BYTES))
    assert "Content-Range" not in answer.headers
    assert answer.headers["ETag"] == ask().headers["ETag"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_conditions_decide_before_bytes_do(ask, method):
    tag = ask().headers["ETag"]
    known = ask(method=method, If_None_Match=f'"x", W/{tag}')
    assert (known.status_code, known.data, known.headers["ETag"]) == (304, b"", tag)
    assert ask(method=method, If_Match='"x"').status_code == 412
    assert ask(method=method, If_Match=tag).status_code == 200


def test_a_range_of_another_object_is_answered_with_the_whole(ask):
    tag = ask().headers["ETag"]
    assert ask(Range="bytes=0-1", If_Range=tag).status_code == 206
    assert ask(Range="bytes=0-1", If_Range='"x"').status_code == 200
    assert ask(Range="bytes=0-1", If_Range=f"W/{tag}").status_code == 200
    assert ask(Range="bytes=0-1", If_Range="Wed, 21 Oct 2015 07:28:00 GMT").status_code == 200


def test_an_empty_file_has_an_empty_body_and_no_ranges(node, ask):
    node.storage.objects["Metropolis.mp4"] = b""
    assert (ask().status_code, ask().data) == (200, b"")
    assert ask(Range="bytes=0-").status_code == 416


def test_who_may_not_see_a_video_gets_404_and_without_scope_403(node):
    other = node.key("stream", libraries=[node.shelf("Other")])
    reader = node.key("read", libraries=[node.shelf_of_film])
    path = f"/api/v1/videos/{node.film_video.id}/stream"
    assert node.client.get(path).status_code == 401
    assert node.client.get(path, headers={"Authorization": f"Bearer {other}"}).status_code == 404
    assert node.client.get(path, headers={"Authorization": f"Bearer {reader}"}).status_code == 403


def test_an_unreachable_disk_is_503_and_a_lost_file_404(node, ask):
    node.storage.unreachable = "the disk is not there"
    assert ask().status_code == 503
    assert ask().headers["Retry-After"]
    node.storage.unreachable = ""
    del node.storage.objects["Metropolis.mp4"]
    assert ask().status_code == 404


def test_each_request_of_a_peer_is_in_the_audit_trail_with_its_bytes(node, ask):
    for header in ("bytes=0-99", "bytes=0-9"):
        answer = ask(Range=header)
        assert answer.data
        answer.close()
    found = entries(node, "video.stream")
    assert [entry.bytes_sent for entry in found] == [100, 10]
    assert {entry.target for entry in found} == {f"video:{node.film_video.id}"}
    assert all(entry.actor.startswith("peer:") for entry in found)


def test_a_playback_counts_once_however_often_it_seeks(make):
    figures = LimitFigures(
        requests_per_hour=3, streams_per_hour=1, key_failures_per_minute=1000,
        sign_in_failures=5, sign_in_window_s=900,
    )  # fmt: skip
    node = make(figures=figures)
    second = node.film(node.shelf_of_film, "Nosferatu").video
    key = node.key("stream", libraries=[node.shelf_of_film])
    headers = {"Authorization": f"Bearer {key}", "Range": "bytes=0-1"}
    path = f"/api/v1/videos/{node.film_video.id}/stream"
    assert {node.client.get(path, headers=headers).status_code for _ in range(20)} == {206}
    refused = node.client.get(f"/api/v1/videos/{second.id}/stream", headers=headers)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"]


@pytest.mark.parametrize(
    ("filename", "container", "expected"),
    [
        ("a.webm", "matroska", "video/webm"), ("a.mkv", None, "video/x-matroska"), ("a.html", None, "application/octet-stream"),
        ("a.svg", "mp4", "video/mp4"), ("A.MP4", None, "video/mp4"), ("noname", None, "application/octet-stream"),
    ],
)  # fmt: skip
def test_the_type_never_invites_a_browser_to_run_it(node, ask, filename, container, expected):
    with node.unit_of_work() as tx:
        video = tx.videos.get(node.film_video.id)
        video.filename = filename
        video.facts = type(video.facts)(container=container)
        tx.scans.update([video])
        tx.commit()
    assert ask().headers["Content-Type"] == expected


def test_names_in_headers_are_encoded(node, ask):
    with node.unit_of_work() as tx:
        video = tx.videos.get(node.film_video.id)
        video.filename = 'Ünïcode "quoted"; x=\u2028.mp4'
        tx.scans.update([video])
        tx.commit()
    disposition = ask().headers["Content-Disposition"]
    assert disposition.isascii()
    assert disposition.count('"') == disposition.count("\r") == 0
    assert disposition.count(";") == 1
