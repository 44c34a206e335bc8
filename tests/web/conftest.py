from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from flask import Flask

from adapters.memory.counters import MemoryCounters
from adapters.sql.upgrade import upgrade_to_head
from app import create_app
from app import logging as app_logging
from app.api import editing, library, node, openapi, problems
from app.api.addresses import ClientAddresses
from app.api.auth import Guard
from app.limits import LimitFigures, Limits
from app.settings import load_settings
from app.usecases.federation.authentication import Authenticate
from app.usecases.federation.keys import IssueKey, RevokeKey
from app.usecases.library.editing import EditWork
from app.usecases.library.scan_memo import ScanMemo
from domain.federation.audit import CLI
from domain.library.storage_location import Library, StorageLocation, StorageType
from domain.library.video import MediaFacts, Video
from domain.library.work import Work


@dataclass(slots=True, kw_only=True)
class Shelf:
    """A library with its location, for tests that put films on it."""

    library: Library
    location: StorageLocation


class Node:
    """A node with its API on memory adapters, and what a test does to it."""

    def __init__(self, fixtures, *, figures=None, federation_enabled=True, trusted_proxies=()):
        self.__dict__.update(vars(fixtures))
        self.signed_in = None
        self.pictures = {}
        self.is_ready = True
        self.app = self._build(
            figures or LimitFigures(
                requests_per_hour=100_000, streams_per_hour=1000, key_failures_per_minute=1000,
                sign_in_failures=5, sign_in_window_s=900,
            ),
            federation_enabled,
            trusted_proxies,
        )  # fmt: skip
        self.client = self.app.test_client()

    def _build(self, figures, federation_enabled, trusted_proxies):
        app = Flask("node")
        app.testing = False
        app_logging.init_app(app)
        problems.init_app(app)
        self.limits = Limits(MemoryCounters(), figures)
        self.guard = Guard(
            authenticate=Authenticate(
                self.credentials, self.unit_of_work, self.secrets, self.clock, self.new_id,
                federation_enabled,
            ),
            session_user=lambda: self.signed_in,
            addresses=ClientAddresses(trusted_proxies),
            limits=self.limits,
            audit=self.audit_trail,
            clock=self.clock,
            federation_enabled=federation_enabled,
        )  # fmt: skip
        self.guard.init_app(app)
        app.register_blueprint(
            library.blueprint(
                catalogue=self.catalogue,
                read_picture=lambda target: self.pictures.get(target.video_id),
                clock=self.clock,
                node=library.NodeNames(name="Films", description="Ours", version="1.0.0"),
            )
        )
        app.register_blueprint(
            editing.blueprint(
                catalogue=self.catalogue, read_only=self.read_only,
                edit_work=EditWork(self.unit_of_work, self.clock, ScanMemo(self.assets)),
            )
        )  # fmt: skip
        app.register_blueprint(
            node.blueprint(
                identity=FakeIdentity(),
                description=node.NodeDescription(
                    name="Films", version="1.0.0", base_url="https://films.example", links={"terms": ""},
                    federation_enabled=federation_enabled,
                ),
                is_ready=lambda: self.is_ready,
            )
        )  # fmt: skip
        app.register_blueprint(openapi.blueprint(title="Velour", version="1.0.0"))
        return app

    def shelf(self, name="Films"):
        with self.unit_of_work() as tx:
            shelf = Library(id=self.new_id(), name=name, created_at=self.clock.now())
            location = StorageLocation(
                id=self.new_id(), name=f"{name} disk", storage_type=StorageType.LOCAL,
                library_id=shelf.id, created_at=self.clock.now(), options={"path": "/films"},
            )  # fmt: skip
            tx.libraries.add(shelf)
            tx.locations.add(location)
            tx.commit()
        return Shelf(library=shelf, location=location)

    def film(self, shelf, title, **fields):
        now = self.clock.now()
        work = Work(id=self.new_id(), title=title, created_at=now, updated_at=now, **fields)
        video = Video(
            id=self.new_id(), work_id=work.id, location_id=shelf.location.id,
            filename=f"{title}.mp4", locator=f"{title}.mp4", file_size=1000, signature=title,
            created_at=now, updated_at=now, facts=MediaFacts(duration=60.0, container="mp4"),
        )  # fmt: skip
        with self.unit_of_work() as tx:
            tx.scans.add([(work, video)])
            tx.commit()
        return SimpleNamespace(work=work, video=video)

    def issue(self, *scopes, kind="peer", libraries=(), **options):
        issue_key = IssueKey(self.unit_of_work, self.secrets, self.clock, self.new_id)
        return issue_key(
            name=options.pop("name", f"key {self.new_id()}"), kind=kind, scopes=scopes or ("read",),
            libraries=options.pop("library_names", [str(one.library.id) for one in libraries]),
            actor=CLI, **options,
        )  # fmt: skip

    def key(self, *scopes, **options):
        """Return the text of a new key."""
        return self.issue(*scopes, **options)[1]

    def revoke(self, key):
        RevokeKey(self.unit_of_work, self.clock)(key_id=key.id, actor=CLI)

    def get(self, path, key=None, *, method="GET", **options):
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        return self.client.open(path, method=method, headers=headers, **options)


class FakeIdentity:
    instance_id = "01900000-0000-7000-8000-000000000001"

    def public_jwk(self):
        return {"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "one"}


FIXTURES = (
    "database", "unit_of_work", "read_only", "catalogue", "credentials", "audit_trail", "audit_reader",
    "secrets", "clock", "new_id", "assets",
)  # fmt: skip


@pytest.fixture
def make_node(request):
    fixtures = SimpleNamespace(**{name: request.getfixturevalue(name) for name in FIXTURES})
    return lambda **options: Node(fixtures, **options)


@pytest.fixture
def home(make_node):
    return make_node()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An application with one person, one library and one file."""
    films, data = tmp_path_factory.mktemp("films"), tmp_path_factory.mktemp("data")
    (films / "Metropolis.mp4").write_bytes(bytes(range(256)) * 40)
    app = create_app(
        load_settings({"VELOUR_DATA_DIR": str(data), "VELOUR__LIMITS__ENABLED": "false"})
    )
    container = app.extensions["velour"]
    upgrade_to_head(container.engine())
    container.create_user()(
        username="ann", email="ann@example.org", password="correct horse", actor=CLI
    )
    library = container.create_library()(name="Films", actor=CLI)
    location = container.add_location()(
        name="disk", storage_type="local", library="Films", options={"path": str(films)}, actor=CLI
    )
    now, new_id = container.clock().now(), container.new_id()
    work = Work(id=new_id(), title="Metropolis", created_at=now, updated_at=now)
    video = Video(
        id=new_id(), work_id=work.id, location_id=location.id, filename="Metropolis.mp4",
        locator="Metropolis.mp4", file_size=10_240, signature="1", created_at=now, updated_at=now,
    )  # fmt: skip
    with container.unit_of_work() as tx:
        tx.scans.add([(work, video)])
        tx.commit()
    app.work, app.video, app.shelf = work, video, library
    yield app
    container.engine().dispose()


def issue(whole, *scopes, kind="peer", libraries=("Films",), **options):
    issue_key = whole.extensions["velour"].issue_key()
    return issue_key(
        name=f"{kind} {' '.join(scopes)}", kind=kind, scopes=scopes, libraries=libraries, actor=CLI, **options
    )[1]  # fmt: skip
