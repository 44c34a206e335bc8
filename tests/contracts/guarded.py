"""The node's own client for other machines, as storages are given it."""

from adapters.http.addresses import AddressRules
from adapters.http.dial import Dialer
from adapters.http.documents import Documents
from adapters.http.outbound import Outbound
from adapters.http.pool import Pool

LOOPBACK = ("127.0.0.0/8",)


def guarded_client(*, allowed=LOOPBACK, timeout_s=10.0, max_bytes=16 * 1024 * 1024):
    """Return the client for bytes and the one for documents."""
    dialer = Dialer(
        AddressRules(allowed),
        connect_timeout_s=2.0,
        require_https=False,
        networks_setting="storage.allowed_networks",
    )
    outbound = Outbound(dialer, Pool(), first_byte_timeout_s=timeout_s)
    return outbound, Documents(outbound, timeout_s=timeout_s, max_bytes=max_bytes)
