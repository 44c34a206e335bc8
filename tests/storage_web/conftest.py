"""Web locations over real sockets, on servers that answer byte by byte as a test says."""

import contextlib

import pytest

from adapters.http.addresses import AddressRules
from adapters.http.dial import Dialer
from adapters.http.documents import Documents
from adapters.http.outbound import Outbound
from adapters.http.pool import Pool
from adapters.storage.http_objects import Asked, HttpObjects
from adapters.storage.web.reach import Client, Reach
from adapters.storage.web.storage import WebStorage
from ports.library.storage import FoundObject, UnreadableObject
from tests.federation.servers import RawServer
from tests.storage_web.plain import Plain

LOOPBACK = ("127.0.0.1/32",)


@pytest.fixture
def make_client():
    pools = []

    def make(*, allowed=LOOPBACK, page_s=2.0, max_page_bytes=1024 * 1024, first_byte_s=1.0, **more):
        dialer = Dialer(
            AddressRules(allowed),
            connect_timeout_s=1.0,
            require_https=False,
            networks_setting="storage.allowed_networks",
            **more,
        )
        pools.append(Pool())
        outbound = Outbound(dialer, pools[-1], first_byte_timeout_s=first_byte_s)
        return Client(outbound, Documents(outbound, timeout_s=page_s, max_bytes=max_page_bytes))

    yield make
    for pool in pools:
        pool.close()


@pytest.fixture
def make_web(make_client):
    """Make the storage of an address; what is not one of its own options is the client's."""

    def make(url, *, shape=None, depth=10, max_objects=1000, authorization="", now=None, **client):
        more = {} if now is None else {"monotonic": lambda: now[0]}
        return WebStorage(
            url,
            Reach(url, make_client(**client), make_client(**{**client, "allowed": ()})),
            shape=shape,
            authorization=authorization,
            depth=depth,
            max_objects=max_objects,
            sleep=lambda _: None,
            **more,
        )

    return make


@pytest.fixture
def serve():
    with contextlib.ExitStack() as stack:
        yield lambda answer: stack.enter_context(RawServer(answer))


@pytest.fixture
def plain():
    return Plain()


@pytest.fixture
def objects(make_client):
    def make(**options):
        return HttpObjects(
            lambda _method, url: Asked(url, options.get("headers", {})),
            make_client().origins,
            who="the server",
            plain_web=True,
            sleep=lambda _: None,
            **{name: value for name, value in options.items() if name != "headers"},
        )

    return make


def films(items):
    return {item.name: item for item in items if isinstance(item, FoundObject)}


def problems(items):
    return {item.name: item.reason for item in items if isinstance(item, UnreadableObject)}
