"""Streams from elsewhere: other nodes, a front server, and the short way past Flask."""

from types import SimpleNamespace

import pytest

from app.usecases.library.streaming import StreamHeaders, Viewer
from domain.federation.audit import CLI
from domain.federation.connection import Connection, ConnectionInactive, Direction
from domain.library.storage_location import StorageLocation, StorageType
from domain.library.video import Video
from domain.library.work import Work
from ports.library.catalogue import EVERYTHING
from ports.library.storage import ObjectChanged, ObjectInfo
from tests.web.streams.conftest import BYTES, RemoteStorage, entries


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
        viewer = Viewer(
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
