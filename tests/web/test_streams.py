"""Streams as the API and signed addresses answer them, on memory adapters."""

import base64
import json
from datetime import timedelta
from types import SimpleNamespace

import pytest

from adapters.memory.storage import MemoryStorage
from app.api import streams
from app.api.fast_streams import FastStreams
from app.usecases.federation.authentication import Authenticate
from app.usecases.federation.keys import RevokeKey
from app.usecases.library.signed_urls import (
    LinkRefused,
    OpenSignedStream,
    SignStreamUrl,
    StreamSubjects,
)
from app.usecases.library.streaming import OpenStream, StreamHeaders
from app.usecases.people.users import ChangePassword, CreateUser, Deactivate
from domain.federation.audit import CLI
from domain.federation.connection import Connection, ConnectionInactive, Direction
from domain.library.storage_location import StorageLocation, StorageType
from domain.library.video import Video, VideoNotFound
from domain.library.work import Work
from ports.byte_body import WatchedBody
from ports.library.catalogue import EVERYTHING
from ports.library.storage import ObjectChanged, ObjectInfo

from .conftest import LimitFigures

BYTES = bytes(range(256)) * 4


class RemoteStorage(MemoryStorage):
    """A remote storage: what it says of an object may be out of date once, or be refused."""

    outdated: ObjectInfo | None = None
    refuse: Exception | None = None

    def stat(self, locator):
        if self.refuse:
            raise self.refuse
        found, self.outdated = self.outdated, None
        return found or super().stat(locator)


@pytest.fixture(params=["flask", "fast"])
def make(request, make_node, storages):
    """Build a node with streams, a film and what tests need of it."""

    def build(accel_prefix="", **options):
        node = make_node(**options)
        authenticate = Authenticate(
            node.credentials, node.unit_of_work, node.secrets, node.clock, node.new_id, True
        )  # fmt: skip
        subjects = StreamSubjects(node.credentials, authenticate)
        open_stream = OpenStream(
            node.catalogue, storages, node.read_only, node.audit_trail, node.clock, accel_prefix
        )
        open_signed = OpenSignedStream(node.secrets, node.clock, subjects, open_stream)
        node.app.register_blueprint(
            streams.blueprint(
                open_stream=open_stream, open_signed=open_signed, subjects=subjects,
                limits=node.limits,
            )
        )  # fmt: skip
        if request.param == "fast" and not accel_prefix:
            node.lines = []
            node.app.wsgi_app = FastStreams(
                node.app.wsgi_app, guard=node.guard, open_stream=open_stream, open_signed=open_signed,
                subjects=subjects, limits=node.limits, addresses=node.guard.addresses,
                line=lambda event, **members: node.lines.append(members),
            )  # fmt: skip
        node.sign = SignStreamUrl(
            node.secrets, node.clock, node.catalogue, subjects, timedelta(hours=6)
        )
        node.open_stream, node.subjects = open_stream, subjects
        node.storage = storages.at("/films")
        node.storage.objects["Metropolis.mp4"] = BYTES
        node.shelf_of_film = node.shelf()
        node.film_video = node.film(node.shelf_of_film, "Metropolis").video
        return node

    return build


@pytest.fixture
def node(make):
    return make()


@pytest.fixture
def ask(node):
    key = node.key("stream", libraries=[node.shelf_of_film])

    def run(method="GET", **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return node.client.open(
            f"/api/v1/videos/{node.film_video.id}/stream",
            method=method, headers={"Authorization": f"Bearer {key}", **headers},
        )  # fmt: skip

    return run


def entries(node, action):
    return [row.entry for row in node.audit_reader.iter_chain() if row.entry.action == action]


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


# ---------------------------------------------------------------------------- signed addresses


@pytest.fixture
def ann(node, password_hasher):
    create = CreateUser(node.unit_of_work, password_hasher, node.clock, node.new_id)
    create(
        username="root", email="root@example.org", password="correct horse", admin=True, actor=CLI
    )
    return create(
        username="ann", email="ann@example.org", password="correct horse", admin=False, actor=CLI
    )


@pytest.fixture
def link(node, ann):
    return node.sign(video_id=node.film_video.id, subject=f"user:{ann.id}", purpose="player")


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


# ---------------------------------------------------------------------------- remote videos


@pytest.fixture
def remote(node, storages):
    """A film of a peer."""
    now = node.clock.now()
    connection = Connection(
        id=node.new_id(), name="peer", direction=Direction.OUTBOUND, created_at=now, changed_at=now,
        remote_url="https://peer.example",
    )  # fmt: skip
    connection.approve(at=now)
    location = StorageLocation(
        id=node.new_id(), name="peer", storage_type=StorageType.VELOUR, library_id=node.shelf_of_film.library.id,
        created_at=now, connection_id=connection.id,
    )  # fmt: skip
    work = Work(id=node.new_id(), title="Theirs", created_at=now, updated_at=now)
    video = Video(
        id=node.new_id(), work_id=work.id, location_id=location.id, filename="theirs.mp4", locator="their-id",
        file_size=len(BYTES), signature="1", created_at=now, updated_at=now,
    )  # fmt: skip
    with node.unit_of_work() as tx:
        tx.connections.add(connection, b"sealed", b"digest")
        tx.locations.add(location)
        tx.scans.add([(work, video)])
        tx.commit()
    storage = storages.by_path[f"peer:{connection.id}"] = RemoteStorage({"their-id": BYTES})

    def open_(**headers):
        viewer = SimpleNamespace(
            subject="user:x", actor=CLI, still_allowed=lambda: True, every_request=False
        )
        return node.open_stream(EVERYTHING, video.id, StreamHeaders(**headers), viewer)

    return SimpleNamespace(open=open_, storage=storage, connection=connection)


def test_a_remote_object_that_changed_is_looked_at_again(remote):
    remote.storage.outdated = ObjectInfo(5, "old")
    answer = remote.open(range="bytes=-3")
    assert b"".join(answer.body) == BYTES[-3:]
    assert (
        "Content-Range",
        f"bytes {len(BYTES) - 3}-{len(BYTES) - 1}/{len(BYTES)}",
    ) in answer.headers


def test_a_remote_object_that_keeps_changing_is_given_up(remote, monkeypatch):
    def changed(self, *args, **options):
        raise ObjectChanged

    monkeypatch.setattr(RemoteStorage, "open", changed)
    with pytest.raises(ObjectChanged):
        remote.open()


def test_an_object_without_a_tag_has_none_and_no_range_is_sure_of_it(remote, monkeypatch):
    monkeypatch.setattr("adapters.memory.storage._etag", lambda data: None)
    answer = remote.open(range="bytes=0-1", if_range='"x"')
    assert answer.status == 200
    assert "ETag" not in dict(answer.headers)


def test_a_suspended_source_is_unavailable_and_nobody_s_fault(remote, node):
    remote.storage.refuse = ConnectionInactive("the connection is suspended", state="suspended")
    with pytest.raises(Exception, match="suspended") as raised:
        remote.open(method="HEAD")
    assert raised.value.code == "source.inactive"


def test_a_running_stream_stops_when_its_source_is_suspended(remote, node):
    body = remote.open().body
    assert body.permit.holds()
    with node.unit_of_work() as tx:
        connection = tx.connections.get(remote.connection.id)
        connection.suspend(at=node.clock.now())
        tx.connections.save(connection)
        tx.commit()
    assert not body.permit.holds()


def test_an_edited_location_is_read_again(node, ask, storages):
    assert ask().data == BYTES
    storages.at("/elsewhere").objects["Metropolis.mp4"] = b"moved"
    with node.unit_of_work() as tx:
        location = tx.locations.get(node.shelf_of_film.location.id)
        location.options = {"path": "/elsewhere"}
        tx.locations.save(location)
        tx.commit()
    assert ask().data == b"moved"
    assert storages.forgotten == [location.id]


# ---------------------------------------------------------------------------- a front server


def test_a_front_server_is_told_where_a_local_file_is(make):
    node = make(accel_prefix="/_files/")
    with node.unit_of_work() as tx:
        video = tx.videos.get(node.film_video.id)
        video.locator = "a b/ü?#%.mp4"
        tx.scans.update([video])
        tx.commit()
    node.storage.objects["a b/ü?#%.mp4"] = BYTES
    key = node.key("stream", libraries=[node.shelf_of_film])
    answer = node.client.get(
        f"/api/v1/videos/{node.film_video.id}/stream",
        headers={"Authorization": f"Bearer {key}", "Range": "bytes=0-1"},
    )
    assert answer.status_code == 200
    assert answer.data == b""
    location = f"/_files/{node.shelf_of_film.location.id}/"
    assert answer.headers["X-Accel-Redirect"] == location + "a%20b/%C3%BC%3F%23%25.mp4"
    assert len(entries(node, "video.stream")) == 1


def test_a_front_server_is_not_told_of_a_file_that_is_not_there(make):
    node = make(accel_prefix="/_files/")
    node.storage.objects.clear()
    key = node.key("stream", libraries=[node.shelf_of_film])
    answer = node.client.get(
        f"/api/v1/videos/{node.film_video.id}/stream", headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 404
    assert "X-Accel-Redirect" not in answer.headers


# ---------------------------------------------------------------------------- the short way


@pytest.mark.parametrize("make", ["fast"], indirect=True)
def test_plain_requests_pass_flask_by_and_leave_a_line_without_the_token(node, ask, link):
    node.app.before_request_funcs[None].append(lambda: pytest.fail("Flask was entered"))
    assert ask(Range="bytes=0-1").status_code == 206
    node.client.set_cookie("session", "x")
    answer = node.client.get(link, headers={"Range": "bytes=0-1"})
    assert answer.status_code == 206
    first, second = node.lines
    assert first["who"].startswith("peer:")
    assert second["path"] == "/s/[redacted]/Metropolis.mp4"
    assert second["request_id"] == answer.headers["X-Request-Id"]


@pytest.mark.parametrize("make", ["fast"], indirect=True)
@pytest.mark.parametrize(
    "odd",
    [{"query_string": "key=1"}, {"cookie": "a"}, {"method": "HEAD"}, {"headers": {"If-Match": '"x"'}}],
)  # fmt: skip
def test_whatever_is_unusual_goes_on_to_flask(node, odd):
    entered = []
    node.app.before_request_funcs[None].append(lambda: entered.append(1))
    key = node.key("stream", libraries=[node.shelf_of_film])
    odd = {"method": "GET", **odd}
    headers = {"Authorization": f"Bearer {key}", **odd.pop("headers", {})}
    if odd.pop("cookie", None):
        node.client.set_cookie("session", "x")
    node.client.open(f"/api/v1/videos/{node.film_video.id}/stream", headers=headers, **odd)
    assert entered == [1]


@pytest.mark.parametrize(
    "path",
    [
        "/s/",
        "/s/a",
        "/s/a/b/c",
        "/api/v1/videos/x/stream",
        "/api/v1/videos//stream",
        f"/api/v1/videos/{'z' * 36}/stream",
    ],
)
def test_odd_addresses_are_not_found_or_refused(node, path):
    key = node.key("stream", libraries=[node.shelf_of_film])
    answer = node.client.get(path, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code in {403, 404}
    assert answer.content_type == "application/problem+json"
