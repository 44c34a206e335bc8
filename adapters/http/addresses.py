"""Which addresses may be contacted: our own table.

The standard library's ``is_private`` and ``is_global`` are wrong for several ranges before Python
3.11.10, and differ between versions; so nothing here asks them.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

DENIED_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
)  # fmt: skip
GLOBAL_V6 = IPv6Network("2000::/3")
DENIED_V6 = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
# Reachable only by a setting that names (part of) exactly this block, never by a wider one.
BY_NAME_ONLY: tuple[Network, ...] = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4",
        "::/128", "::1/128", "fe80::/10", "ff00::/8",
    )
)  # fmt: skip
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = IPv6Network("::/96")
_V4_BITS = 2**32 - 1


class AddressRules:
    """The table, and what ``FEDERATION_ALLOWED_NETWORKS`` lets through besides.

    Args:
        allowed: CIDR blocks.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._allowed = tuple(ip_network(text, strict=False) for text in allowed)

    def permits(self, text: str) -> bool:
        """Tell whether the address may be contacted; zone ids (``fe80::1%eth0``) are dropped."""
        try:
            address = ip_address(text.partition("%")[0])
        except ValueError:
            return False
        # An IPv6 form that carries an IPv4 address reaches that one: both must be allowed. Only
        # the mapped form is a plain way of writing the other.
        if isinstance(address, IPv6Address):
            if address.ipv4_mapped is not None:
                return self._permits(address.ipv4_mapped)
            return self._permits(address) and all(map(self._permits, carried(address)))
        return self._permits(address)

    def _permits(self, address: Address) -> bool:
        named = [net for net in self._allowed if address in net]
        for block in BY_NAME_ONLY:
            if address in block:
                return any(_within(net, block) for net in named)
        return bool(named) or _is_public(address)


def carried(address: IPv6Address) -> list[IPv4Address]:
    """Return the IPv4 addresses that an IPv6 address of a transition scheme leads to."""
    number = int(address)
    if address in _COMPATIBLE and number > 1:
        return [IPv4Address(number & _V4_BITS)]
    if any(address in net for net in _NAT64):
        return [IPv4Address(number & _V4_BITS)]
    if address.sixtofour is not None:
        return [address.sixtofour]
    if address.teredo is not None:
        return list(address.teredo)
    return []


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in net for net in DENIED_V4)
    return address in GLOBAL_V6 and not any(address in net for net in DENIED_V6)


def _within(inner: Network, outer: Network) -> bool:
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)
