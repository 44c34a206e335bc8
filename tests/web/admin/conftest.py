import re
import shutil
from html import unescape

import pytest
from dependency_injector import providers

from adapters.memory.crypto import MemoryPasswordHasher
from app import create_app
from app.settings import load_settings
from domain.federation.audit import CLI
from domain.library.description import EpisodeMark
from domain.library.series import series_of
from domain.library.video import MediaFacts, Video
from domain.library.work import Work

PASSWORD = "correct horse battery"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Visitor:
    """A browser at a node's pages."""

    def __init__(self, app):
        self._client = app.test_client()

    def get(self, path):
        return self._client.get(path)

    def token(self, path):
        return _TOKEN.search(self.get(path).text)[1]

    def post(self, path, /, *, at=None, **data):
        """Send a form with the token of the page ``at``; the form's own page unless said."""
        return self._client.post(path, data={**data, "csrf_token": self.token(at or path)})

    def post_without_token(self, path, /, **data):
        return self._client.post(path, data=data)

    def sign_in(self, name):
        answer = self.post("/sign-in", username=name, password=PASSWORD)
        assert answer.status_code in {302, 303}
        return self

    def said(self, answer):
        """Return the texts of the notices on the page that ``answer`` leads to."""
        page = self.get(answer.headers["Location"]) if answer.status_code == 303 else answer
        return " ".join(notices(page))


def notices(page):
    found = re.findall(r'class="notice [^>]*>(.*?)</div>', page.text, re.DOTALL)
    return [words(text) for text in found]


def words(html):
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


class Node:
    """A whole node on its own SQLite, with an admin (ann) and a viewer (ben)."""

    def __init__(self, data_dir, films, storages=None):
        self.films = films

        def override(container):
            container.hasher.override(providers.Object(MemoryPasswordHasher()))
            if storages is not None:
                container.storages.override(providers.Object(storages))

        self.app = create_app(
            load_settings(
                {
                    "VELOUR_DATA_DIR": str(data_dir),
                    "VELOUR__LIMITS__ENABLED": "false",
                    "VELOUR__LIBRARY__GROWING_SECONDS": "0",
                    "VELOUR__MEDIA__THUMBNAILS": "false",
                    "FEDERATION_ALLOWED_NETWORKS": "127.0.0.0/8",
                    "FEDERATION_REQUIRE_HTTPS": "false",
                }
            ),
            override=override,
        )
        self.container = self.app.extensions["velour"]

    def make_people(self):
        for name in ("ann", "ben"):
            self.container.create_user()(
                username=name, email=f"{name}@example.org", password=PASSWORD, actor=CLI
            )

    def visitor(self, name=None):
        return Visitor(self.app).sign_in(name) if name else Visitor(self.app)

    def rows(self):
        """Return a unit of work that reads."""
        return self.container.read_only()

    def person(self, name):
        with self.rows() as tx:
            return tx.users.find(name)

    def library(self, name="Films"):
        return self.container.create_library()(name=name, actor=CLI)

    def location(self, name="disk", library=None):
        library = library or self.library()
        return self.container.add_location()(
            name=name, storage_type="local", library=str(library.id),
            options={"path": str(self.films)}, actor=CLI,
        )  # fmt: skip

    def put_films(self, location, count):
        """Write films into the catalogue that are not on the disk."""
        now, new_id = self.container.clock().now(), self.container.new_id()
        pairs = []
        for number in range(count):
            work = Work(id=new_id(), title=f"Film {number}", created_at=now, updated_at=now)
            video = Video(
                id=new_id(), work_id=work.id, location_id=location.id, filename=f"{number}.mp4",
                locator=f"{number}.mp4", file_size=1000, signature="1", created_at=now,
                updated_at=now, facts=MediaFacts(duration=60.0, container="mp4"),
            )  # fmt: skip
            pairs.append((work, video))
        with self.container.unit_of_work() as tx:
            tx.scans.add(pairs)
            tx.commit()

    def film(self, location, title="Metropolis", *, filename="", videos=1, **fields):
        """Write one film into the catalogue; return its videos."""
        now, new_id = self.container.clock().now(), self.container.new_id()
        work = Work(id=new_id(), title=title, created_at=now, updated_at=now, **fields)
        made = [
            Video(
                id=new_id(), work_id=work.id, location_id=location.id,
                filename=filename or f"{title} {number}.mp4", locator=f"{work.id}/{number}.mp4",
                file_size=1000, signature="1", created_at=now, updated_at=now,
                facts=MediaFacts(duration=60.0, container="mp4"),
            )
            for number in range(videos)
        ]  # fmt: skip
        with self.container.unit_of_work() as tx:
            tx.scans.add([(work, made[0])])
            tx.scans.add([(None, video) for video in made[1:]])
            tx.commit()
        return made

    def film_of_series(self, title="The Train", series="Rails", season=1, episode=1):
        """Write an episode and its series into the catalogue; return its video."""
        now, new_id = self.container.clock().now(), self.container.new_id()
        made = series_of(
            EpisodeMark(series=series, season=season, episode=episode), new_id(), at=now
        )
        with self.container.unit_of_work() as tx:
            tx.series.add(made)
            tx.commit()
        place = self.location(name=f"disk of {title}", library=self.library(f"Films of {title}"))
        return self.film(place, title, series_id=made.id, season=season, episode=episode)[0]

    def work(self, work_id):
        with self.rows() as tx:
            return tx.works.get(work_id)

    def scan(self, location):
        job = self.container.request_scan()(location_id=location.id, actor=CLI, ring=False)
        return self.container.run_job_here()(job.id)

    def key(self, name="north", kind="peer", libraries=(), **options):
        return self.container.issue_key()(
            name=name, kind=kind, scopes=("read", "stream"),
            libraries=[str(one.id) for one in libraries], actor=CLI, **options,
        )  # fmt: skip

    def outbound(self, name="south", url="http://127.0.0.1:8999"):
        text = self.key(name=f"key of {name}")[1]
        return self.container.add_connection()(name=name, url=url, key=text, actor=CLI)

    def inbound(self, name="guest"):
        key, text = self.key(name=name)
        self.container.authenticate()(key_text=text, address="203.0.113.7")
        with self.rows() as tx:
            return tx.connections.find_by_key(key.id)

    def connection(self, connection):
        with self.rows() as tx:
            return tx.connections.get(connection.id)

    def actions(self, limit=10):
        """Return the newest actions of the audit trail, the last first."""
        reader = self.container.audit_reader()
        return [row.entry.action for row in reader.page(before=None, limit=limit)]

    def close(self):
        self.container.media().close()
        self.container.engine().dispose()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A data directory with two people, to copy."""
    data = tmp_path_factory.mktemp("prepared") / "data"
    node = Node(data, data)
    node.make_people()
    node.close()
    return data


@pytest.fixture
def make_node(prepared, tmp_path):
    films = tmp_path / "films"
    films.mkdir()
    made = []

    def make(**options):
        data = tmp_path / f"data{len(made)}"
        shutil.copytree(prepared, data)
        made.append(Node(data, films, **options))
        return made[-1]

    yield make
    for node in made:
        node.close()


@pytest.fixture
def node(make_node):
    return make_node()


@pytest.fixture
def admin(node):
    return node.visitor("ann")
