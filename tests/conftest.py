from datetime import UTC, datetime, timedelta

import pytest

from adapters.memory.audit import MemoryAuditReader, MemoryAuditTrail
from adapters.memory.catalogue import MemoryCatalogue
from adapters.memory.credentials import MemoryCredentials
from adapters.memory.crypto import MemoryPasswordHasher, MemorySecretBox, MemorySecrets
from adapters.memory.database import MemoryDatabase
from adapters.memory.media import (
    MemoryArtist,
    MemoryAssetStore,
    MemoryMediaProbe,
    MemoryNameGuesser,
    MemorySubtitleReader,
    MemoryThumbnailer,
)
from adapters.memory.peers import MemoryPeers
from adapters.memory.storage import MemoryStorages
from adapters.memory.unit_of_work import MemoryUnitOfWork
from adapters.system.ids import new_uuid7
from tests.buckets import running_store
from tests.servers import absent


class FrozenClock:
    """A clock that moves only when told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def forward(self, **delta: float) -> None:
        self.time += timedelta(**delta)


@pytest.fixture
def clock():
    return FrozenClock()


@pytest.fixture
def new_id():
    return new_uuid7


@pytest.fixture
def database():
    """The in-memory tables of this test."""
    return MemoryDatabase(new_uuid7)


@pytest.fixture
def unit_of_work(database):
    """A factory: ``with unit_of_work() as tx``."""
    return lambda: MemoryUnitOfWork(database)


@pytest.fixture
def read_only(database):
    """A factory of units of work that only read."""
    return lambda: MemoryUnitOfWork(database, read_only=True)


@pytest.fixture
def catalogue(database):
    return MemoryCatalogue(database)


@pytest.fixture
def credentials(database):
    return MemoryCredentials(database)


@pytest.fixture
def audit_trail(database):
    return MemoryAuditTrail(database)


@pytest.fixture
def audit_reader(database):
    return MemoryAuditReader(database)


@pytest.fixture
def storages():
    return MemoryStorages()


@pytest.fixture
def probe():
    return MemoryMediaProbe()


@pytest.fixture
def thumbnailer():
    return MemoryThumbnailer()


@pytest.fixture
def artist():
    return MemoryArtist()


@pytest.fixture
def subtitle_reader():
    return MemorySubtitleReader()


@pytest.fixture
def names():
    return MemoryNameGuesser()


@pytest.fixture
def assets():
    return MemoryAssetStore()


@pytest.fixture
def password_hasher():
    return MemoryPasswordHasher()


@pytest.fixture
def secrets():
    return MemorySecrets()


@pytest.fixture
def secret_box():
    return MemorySecretBox()


@pytest.fixture
def peers():
    return MemoryPeers()


@pytest.fixture(scope="session")
def s3_store(tmp_path_factory):
    """A real store that speaks S3."""
    try:
        with running_store(tmp_path_factory.mktemp("store")) as store:
            yield store
    except FileNotFoundError as exc:
        absent("s3", str(exc))
