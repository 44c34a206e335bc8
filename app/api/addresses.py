"""Where a request comes from."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address


class ClientAddresses:
    """Finds a request's client address.

    ``X-Forwarded-For`` is believed only from the proxies of the settings, and of its entries only
    the last that is no such proxy: everything before it is what the client says of itself.
    """

    def __init__(self, trusted_proxies: Sequence[str] = ()) -> None:
        self._trusted: list[IPv4Network | IPv6Network] = [ip_network(p) for p in trusted_proxies]

    def of(self, remote_addr: str | None, forwarded_for: str | None) -> str:
        """Return the client's address, or the connection's where no proxy is trusted.

        Args:
            remote_addr: the other end of the connection.
            forwarded_for: the header ``X-Forwarded-For``, all its lines joined with commas.
        """
        address = remote_addr or ""
        if not self._trusted or not self._is_trusted(address):
            return address
        for entry in reversed((forwarded_for or "").split(",")):
            candidate = entry.strip().strip("[]")
            if _parse(candidate) is None:
                return address
            address = candidate
            if not self._is_trusted(address):
                return address
        return address

    def _is_trusted(self, text: str) -> bool:
        address = _parse(text)
        return address is not None and any(address in network for network in self._trusted)


def prefix(address: str) -> str:
    """Return the block that limits count ``address`` under: /24 of IPv4, /64 of IPv6."""
    parsed = _parse(address)
    if parsed is None:
        return "unknown"
    length = 24 if parsed.version == 4 else 64
    return str(ip_network(f"{parsed}/{length}", strict=False))


def _parse(text: str) -> Address | None:
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return mapped or parsed
