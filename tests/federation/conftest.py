"""Peers, the client that reads them, and what a test may change of it."""

import contextlib
from datetime import UTC, datetime

import pytest

from adapters.http.addresses import AddressRules
from adapters.http.dial import Dialer
from adapters.http.documents import Documents
from adapters.http.outbound import Outbound
from adapters.http.peers import HttpPeers
from adapters.http.pool import Pool
from tests.federation.servers import RawServer

LOOPBACK = ("127.0.0.0/8", "::1/128")


class StillClock:
    def now(self):
        return datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def make_outbound():
    pools = []

    def make(*, allowed=LOOPBACK, connect_s=1.0, first_byte_s=1.0, https=False, **options):
        dialer = Dialer(
            AddressRules(allowed), connect_timeout_s=connect_s, require_https=https, **options
        )
        pools.append(Pool())
        return Outbound(dialer, pools[-1], first_byte_timeout_s=first_byte_s)

    yield make
    for pool in pools:
        pool.close()


@pytest.fixture
def make_peers(make_outbound):
    def make(*, page_s=2.0, max_page_bytes=1024 * 1024, max_record_bytes=64 * 1024, **options):
        documents = Documents(make_outbound(**options), timeout_s=page_s, max_bytes=max_page_bytes)
        return HttpPeers(documents, StillClock(), max_record_bytes=max_record_bytes)

    return make


@pytest.fixture
def serve():
    with contextlib.ExitStack() as stack:
        yield lambda answer: stack.enter_context(RawServer(answer))
