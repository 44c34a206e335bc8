import re
import shutil
from dataclasses import replace

import pytest
from dependency_injector import providers

from adapters.memory.crypto import MemoryPasswordHasher
from app import create_app
from app.settings import load_settings
from domain.federation.audit import CLI
from domain.library.series import Series
from domain.library.storage_location import StorageLocation, StorageType
from domain.library.video import Availability, MediaFacts, Video
from domain.library.work import Work
from tests.conftest import FrozenClock

PASSWORD = "correct horse battery"
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


class Visitor:
    """A browser, seen from its requests."""

    def __init__(self, site, address="192.0.2.1"):
        self.site, self._address = site, address
        self.client = site.app.test_client()

    def get(self, path, **options):
        return self.client.get(path, base_url=self.site.url, buffered=True, **self._from(options))

    def token(self, path):
        return _TOKEN.search(self.get(path).text)[1]

    def post(self, path, /, *, at=None, headers=None, **data):
        """Send a form with the token of the page ``at``; the form's own page unless said."""
        return self.post_bare(path, headers=headers, csrf_token=self.token(at or path), **data)

    def post_bare(self, path, /, *, headers=None, **data):
        options = self._from({"headers": headers or {}})
        return self.client.post(path, data=data, base_url=self.site.url, **options)

    def sign_in(self, name="ann", password=PASSWORD, at="/sign-in"):
        return self.post(at, username=name, password=password)

    @property
    def cookie(self):
        """The session's cookie as the browser has it, or None."""
        host = self.site.url.partition("://")[2]
        return self.client.get_cookie(self.site.cookie, domain=host)

    def _from(self, options):
        return {"environ_overrides": {"REMOTE_ADDR": self._address}, **options}


class Site:
    """A whole node at an address, with a clock that stands still."""

    def __init__(self, data_dir, url="http://films.test", **settings):
        self.url = url
        self.cookie = "__Host-velour" if url.startswith("https") else "velour"
        self.clock = FrozenClock()

        def override(container):
            container.hasher.override(providers.Object(MemoryPasswordHasher()))
            container.clock.override(providers.Object(self.clock))

        areas = {"RESOURCES_ENABLED": "true"}
        environ = {"VELOUR_DATA_DIR": str(data_dir), "VELOUR_BASE_URL": url, **areas, **settings}
        self.app = create_app(load_settings(environ), override=override)
        self.container = self.app.extensions["velour"]

    def make_people(self):
        for name in ("ann", "ben"):
            self.container.create_user()(
                username=name, email=f"{name}@example.org", password=PASSWORD, actor=CLI
            )

    def person(self, name):
        with self.container.read_only() as tx:
            return tx.users.find(name)

    def stranger(self, **options):
        return Visitor(self, **options)

    def visitor(self, name):
        visitor = Visitor(self)
        assert visitor.sign_in(name).status_code == 303
        return visitor

    def location(self, name="disk"):
        now, new_id = self.clock.now(), self.container.new_id()
        library = self.container.create_library()(name=f"Films of {name}", actor=CLI)
        location = StorageLocation(
            id=new_id(), name=name, storage_type=StorageType.LOCAL, library_id=library.id,
            created_at=now, options={"path": "/films"},
        )  # fmt: skip
        with self.container.unit_of_work() as tx:
            tx.locations.add(location)
            tx.commit()
        return location

    def film(self, title="Metropolis", *, location=None, offline=False, filename="", **fields):
        """Put a film into the catalogue; return its video."""
        location = location or self.location(name=f"disk of {title[:20]}")
        now, new_id = self.clock.now(), self.container.new_id()
        work = Work(id=new_id(), title=title, created_at=now, updated_at=now, **fields)
        video = Video(
            id=new_id(), work_id=work.id, location_id=location.id,
            filename=filename or "film.mp4", locator=str(new_id()), file_size=1000, signature="1",
            created_at=now, updated_at=now,
            facts=MediaFacts(duration=6000.0, width=1920, height=1080, container="mp4"),
            availability=Availability.OFFLINE if offline else Availability.AVAILABLE,
        )  # fmt: skip
        with self.container.unit_of_work() as tx:
            tx.scans.add([(work, video)])
            tx.commit()
        return video

    def series(self, title="Rails", **fields):
        """Put a series into the catalogue."""
        now = self.clock.now()
        series = Series(
            id=self.container.new_id()(), title=title, created_at=now, updated_at=now, **fields
        )
        with self.container.unit_of_work() as tx:
            tx.series.add(series)
            tx.commit()
        return series

    def episode(self, series, season, number, title="", **fields):
        """Put an episode into the catalogue; return its video."""
        place = self.place = getattr(self, "place", None) or self.location("disk of episodes")
        return self.film(
            title or f"Episode {season}-{number}", location=place, series_id=series.id,
            season=season, episode=number, **fields,
        )  # fmt: skip

    def change_video(self, video, **values):
        with self.container.unit_of_work() as tx:
            tx.scans.update([replace(tx.videos.get(video.id), **values)])
            tx.commit()

    def close(self):
        self.container.media().close()
        self.container.engine().dispose()


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """Two data directories to copy: one without people, one with ann (admin) and ben (viewer)."""
    data = tmp_path_factory.mktemp("prepared")
    empty = Site(data / "empty")
    empty.close()
    shutil.copytree(data / "empty", data / "people")
    with_people = Site(data / "people")
    with_people.make_people()
    with_people.close()
    return data


@pytest.fixture
def make_site(prepared, tmp_path):
    made = []

    def make(url="http://films.test", *, people=True, **settings):
        data = tmp_path / f"data{len(made)}"
        shutil.copytree(prepared / ("people" if people else "empty"), data)
        made.append(Site(data, url, **settings))
        return made[-1]

    yield make
    for site in made:
        site.close()


@pytest.fixture
def site(make_site):
    return make_site()


@pytest.fixture
def ann(site):
    return site.visitor("ann")


@pytest.fixture
def ben(site):
    return site.visitor("ben")
