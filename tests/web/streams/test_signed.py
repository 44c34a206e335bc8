"""Signed addresses: who may use them, and when they end."""

import base64
import json
from types import SimpleNamespace

import pytest

from app.usecases.federation.keys import RevokeKey
from app.usecases.library.signed_urls import (
    LinkRefused,
)
from app.usecases.library.streaming import StreamHeaders
from app.usecases.people.users import ChangePassword, Deactivate
from domain.federation.audit import CLI
from domain.library.video import VideoNotFound
from ports.byte_body import WatchedBody
from ports.library.catalogue import EVERYTHING
from tests.web.streams.conftest import BYTES, entries


def test_a_signed_address_plays_without_other_credentials(node, link):
    assert link.endswith("/Metropolis.mp4")
    answer = node.client.get(link, headers={"Range": "bytes=1-2"})
    assert (answer.status_code, answer.data) == (206, BYTES[1:3])
    assert node.client.head(link).headers["Content-Length"] == str(len(BYTES))


def test_every_changed_character_of_a_token_is_refused_alike(node, link):
    token = link.split("/")[2]
    bodies = set()
    for at in range(0, len(token), 3):
        forged = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        answer = node.client.get(f"/s/{forged}/x.mp4")
        assert answer.status_code == 403
        bodies.add((answer.json["code"], answer.json["detail"]))
    for forged in ("x", "%00", "A" * 500, token[:-4], token + "AAAA", "é"):
        answer = node.client.get(f"/s/{forged}/x.mp4")
        assert answer.status_code == 403
        bodies.add((answer.json["code"], answer.json["detail"]))
    assert len(bodies) == 1


def test_an_address_ends_with_its_time(node, link):
    node.clock.forward(hours=5, minutes=59)
    assert node.client.get(link).status_code == 200
    node.clock.forward(minutes=2)
    assert node.client.get(link).status_code == 403


def test_an_address_ends_with_its_person(node, link, ann):
    Deactivate(node.unit_of_work, node.clock)(user_id=ann.id, actor=CLI)
    assert node.client.get(link).status_code == 403
    with pytest.raises(LinkRefused):
        node.sign(video_id=node.film_video.id, subject=f"user:{ann.id}", purpose="player")


def test_an_address_ends_with_a_new_password(node, link, ann, password_hasher):
    change = ChangePassword(node.unit_of_work, password_hasher, node.clock)
    change(user_id=ann.id, password="another horse", actor=CLI)
    assert node.client.get(link).status_code == 403


def test_an_address_of_a_key_sees_what_the_key_sees_and_ends_with_it(node):
    key, _ = node.issue("stream", kind="app")
    link = node.sign(video_id=node.film_video.id, subject=f"key:{key.id}", purpose="export")
    assert node.client.get(link).status_code == 200
    RevokeKey(node.unit_of_work, node.clock)(key_id=key.id, actor=CLI)
    assert node.client.get(link).status_code == 403


def test_an_address_of_a_key_needs_the_scope_and_a_key_that_exists(node):
    reader, _ = node.issue("read", kind="app")
    for key_id in (reader.id, node.new_id()):
        link = node.sign(video_id=node.film_video.id, subject=f"key:{key_id}", purpose="export")
        assert node.client.get(link).status_code == 403


def test_nobody_gets_an_address_of_what_is_not_there(node, ann):
    with pytest.raises(VideoNotFound):
        node.sign(video_id=node.new_id(), subject=f"user:{ann.id}", purpose="player")


def test_a_running_stream_of_a_signed_address_stops_with_its_person(node, ann):
    _, viewer = node.subjects.viewer(f"user:{ann.id}", version=ann.version, address="192.0.2.1")
    assert viewer.still_allowed()
    Deactivate(node.unit_of_work, node.clock)(user_id=ann.id, actor=CLI)
    assert not viewer.still_allowed()


def test_a_playback_of_a_person_is_noted_once(node, link):
    for _ in range(5):
        node.client.get(link, headers={"Range": "bytes=0-1"}).close()
    assert len(entries(node, "video.play")) == 1


def test_problems_of_signed_addresses_are_documents(node):
    answer = node.client.get("/s/x/y.mp4")
    assert json.loads(answer.data)["request_id"]


# ---------------------------------------------------------------------------- running streams


def test_a_running_stream_stops_when_its_key_is_revoked(node):
    key, _ = node.issue("stream", libraries=[node.shelf_of_film])
    seen_by, viewer = node.subjects.viewer(f"key:{key.id}", version=0, address="192.0.2.1")
    body = node.open_stream(seen_by, node.film_video.id, StreamHeaders(), viewer).body
    assert isinstance(body, WatchedBody)
    assert body.permit.holds()
    RevokeKey(node.unit_of_work, node.clock)(key_id=key.id, actor=CLI)
    assert not body.permit.holds()
    body.close()


def test_without_a_viewer_nothing_is_watched_or_noted(node):
    body = node.open_stream(EVERYTHING, node.film_video.id, StreamHeaders()).body
    node.open_stream._note(
        SimpleNamespace(target=SimpleNamespace(video_id=node.film_video.id)), None, 0
    )
    assert body.permit is None
    body.close()
    assert entries(node, "video.stream") == entries(node, "video.play") == []


@pytest.mark.parametrize("make", ["flask"], indirect=True)
def test_what_is_kept_in_memory_is_bounded(node):
    for _ in range(1100):
        node.open_stream._note(
            SimpleNamespace(target=SimpleNamespace(video_id=node.new_id())),
            SimpleNamespace(subject="user:x", actor=CLI, every_request=False),
            None,
        )
    assert len(node.open_stream._plays._values) <= 1024


@pytest.mark.parametrize("make", ["flask"], indirect=True)
def test_a_token_of_another_form_is_refused_even_if_signed(node, secrets):
    for message in (b"\x02" + bytes(60), b"", b"\x01"):
        token = base64.urlsafe_b64encode(message + secrets.sign("stream-url", message)).decode()
        assert node.client.get(f"/s/{token.rstrip('=')}/x").status_code == 403
