"""A fake server in each version, and storages that read it through the guarded client."""

import pytest

from adapters.http.addresses import AddressRules
from adapters.http.dial import Dialer
from adapters.http.documents import Documents
from adapters.http.outbound import Outbound
from adapters.http.pool import Pool
from adapters.storage.jellyfin.session import Credentials
from adapters.storage.jellyfin.storage import JellyfinStorage
from tests.jellyfin.described import VERSIONS
from tests.jellyfin.fake import API_KEY, FakeJellyfin, Running

KEY = Credentials(api_key=API_KEY)
READER = Credentials(username="reader", password="let me in")


class Never:
    """A clock in which everything kept for a while is old at the next look."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 100.0
        return self.now


def make_client(*, allowed=("127.0.0.0/8",), max_bytes=16 * 1024 * 1024, page_s=5.0):
    dialer = Dialer(
        AddressRules(allowed),
        connect_timeout_s=1,
        require_https=False,
        networks_setting="storage.allowed_networks",
        https_setting="storage.require_https",
    )
    outbound = Outbound(dialer, Pool(), first_byte_timeout_s=3)
    return outbound, Documents(outbound, timeout_s=page_s, max_bytes=max_bytes)


@pytest.fixture
def make_storage():
    made = []

    def make(url, credentials=KEY, *, client=None, **options):
        outbound, documents = client or make_client()
        made.append(outbound)
        return JellyfinStorage(
            url,
            credentials,
            device_id="velour-test",
            documents=documents,
            origins=outbound,
            sleep=lambda _: None,
            **options,
        )

    yield make
    for outbound in made:
        outbound.close()


@pytest.fixture(params=VERSIONS)
def fake(request):
    fake = FakeJellyfin(request.param)
    yield fake
    assert fake.faults == []


@pytest.fixture
def server(fake):
    running = Running(fake)
    yield running
    running.stop()


@pytest.fixture
def storage(server, make_storage):
    return make_storage(server.url)
