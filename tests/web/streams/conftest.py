"""Streams as the API and signed addresses answer them, on memory adapters."""

from datetime import timedelta

import pytest

from adapters.memory.storage import MemoryStorage
from app.api import streams
from app.api.fast_streams import FastStreams
from app.usecases.federation.authentication import Authenticate
from app.usecases.library.signed_urls import (
    OpenSignedStream,
    SignStreamUrl,
    StreamSubjects,
)
from app.usecases.library.streaming import OpenStream
from app.usecases.people.users import CreateUser
from domain.federation.audit import CLI
from ports.library.storage import ObjectInfo

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
