"""Opening connections: the only place of the node that does so for outbound requests."""

import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from threading import Thread
from urllib.parse import urlsplit

from adapters.http.addresses import AddressRules
from adapters.http.deadline import Deadline
from ports.federation.peers import AddressForbidden, PeerSlow, PeerUnreachable

# Above 1024, where other services listen that a request could be made to talk to.
_BAD_PORTS = frozenset(
    {1719, 1720, 1723, 2049, 3306, 3659, 4045, 4190, 5060, 5061, 5432, 6000, 6379, 6566, 6665}
    | {6666, 6667, 6668, 6669, 6679, 6697, 10080, 11211, 27017}
)
_WEB_PORTS = frozenset({80, 443})

Resolve = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port: what a connection belongs to."""

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """The value of the Host field."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = {"http": 80, "https": 443}[self.scheme]
        return host if self.port == default else f"{host}:{self.port}"


def origin_of(url: str) -> Origin:
    """Return the origin of an absolute URL.

    Raises:
        AddressForbidden: another scheme than http(s), no host, or a port of another service.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise AddressForbidden("its URL cannot be read") from exc
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise AddressForbidden("its URL is not one of http or https")
    port = {"http": 80, "https": 443}[parts.scheme] if port is None else port
    if (port < 1024 and port not in _WEB_PORTS) or port in _BAD_PORTS:
        raise AddressForbidden(f"port {port} is not one that nodes are served on")
    return Origin(parts.scheme, parts.hostname, port)


def resolve(host: str, port: int) -> Sequence[str]:
    """Ask the system for a host's addresses, in the order to try them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


class Dialer:
    """Connects to origins: resolves once, checks every address, and connects to a checked one.

    The name is never resolved a second time, so a name that changes its mind leads nowhere.
    ``networks_setting`` and ``https_setting`` are what refusals tell the reader to look at.
    """

    def __init__(
        self,
        rules: AddressRules,
        *,
        connect_timeout_s: float,
        require_https: bool,
        resolve: Resolve = resolve,
        tls: ssl.SSLContext | None = None,
        networks_setting: str = "FEDERATION_ALLOWED_NETWORKS",
        https_setting: str = "FEDERATION_REQUIRE_HTTPS",
    ) -> None:
        self._networks_setting, self._https_setting = networks_setting, https_setting
        self._rules, self._resolve = rules, resolve
        self._connect_timeout_s, self._require_https = connect_timeout_s, require_https
        self._given_tls = tls

    def dial(self, origin: Origin, deadline: Deadline) -> socket.socket:
        """Return a connected socket, with TLS verified for https.

        Raises:
            AddressForbidden: none of its addresses is allowed, or http where https is required.
            PeerUnreachable: naming what failed.
        """
        if self._require_https and origin.scheme != "https":
            raise AddressForbidden(f"https is required ({self._https_setting} is on)")
        sock = self._connect(origin, deadline)
        if origin.scheme == "http":
            return sock
        try:
            sock.settimeout(deadline.left(self._connect_timeout_s))
            return self._tls.wrap_socket(sock, server_hostname=origin.host)
        except ssl.SSLCertVerificationError as exc:
            sock.close()
            reason = f"its certificate is not valid ({exc.verify_message})"
            raise PeerUnreachable(reason) from exc
        except OSError as exc:
            sock.close()
            raise PeerUnreachable("it does not speak TLS") from exc
        except BaseException:
            sock.close()
            raise

    def _connect(self, origin: Origin, deadline: Deadline) -> socket.socket:
        addresses = [a for a in self._addresses(origin, deadline) if self._rules.permits(a)]
        if not addresses:
            raise AddressForbidden(
                f"its address is private or special; {self._networks_setting} lets one through"
            )
        reason: OSError | None = None
        for address in addresses[:4]:
            sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            try:
                sock.settimeout(deadline.left(self._connect_timeout_s))
                sock.connect((address, origin.port))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError as exc:
                sock.close()
                reason = exc
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        failure = PeerSlow if isinstance(reason, TimeoutError) else PeerUnreachable
        raise failure(_words(reason)) from reason

    def _addresses(self, origin: Origin, deadline: Deadline) -> Sequence[str]:
        try:
            return [str(ip_address(origin.host))]
        except ValueError:
            pass  # a name; or a number in an odd form, which the system reads as it connects
        answer: Future[Sequence[str]] = Future()
        # The system's resolver has no time limit of its own, and must not hold up the exit.
        Thread(target=self._answer, args=(answer, origin), daemon=True).start()
        try:
            return answer.result(deadline.left(self._connect_timeout_s))
        except FutureTimeout as exc:
            raise PeerSlow("its name was not resolved in time") from exc
        except (OSError, UnicodeError) as exc:
            raise PeerUnreachable("its name cannot be resolved") from exc

    def _answer(self, answer: Future[Sequence[str]], origin: Origin) -> None:
        try:
            answer.set_result(self._resolve(origin.host, origin.port))
        except BaseException as exc:  # noqa: BLE001 - raised in the thread that waits
            answer.set_exception(exc)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or ssl.create_default_context()


def _words(error: OSError | None) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, TimeoutError):
        return "the connection was not answered in time"
    return "no connection could be made"
