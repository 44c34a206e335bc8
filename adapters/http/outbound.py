"""The one guarded client of the node: everything it asks of other machines goes through here.

No redirects, no proxies or netrc of the environment, certificates verified, every address
checked, every wait bounded by a total time.
"""

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

from adapters.http import wire
from adapters.http.deadline import Deadline
from adapters.http.dial import Dialer, Origin, origin_of
from adapters.http.pool import Pool
from ports.byte_body import SocketBody
from ports.federation.peers import PeerMisbehaves, PeerUnreachable
from ports.outbound import OriginAnswer

USER_AGENT = "Velour"
MAX_TEXT = 8192
STALL_S = 60.0


@dataclass(frozen=True, slots=True)
class Exchange:
    """An answer whose body is still on its socket."""

    origin: Origin
    sock: socket.socket
    head: wire.Head


class Outbound:
    """Requests over kept connections.

    Args:
        dialer: opens connections.
        pool: keeps them.
        first_byte_timeout_s: from the request to the end of the answer's header.
    """

    def __init__(self, dialer: Dialer, pool: Pool, *, first_byte_timeout_s: float) -> None:
        self._dialer, self._pool = dialer, pool
        self._first_byte_timeout_s = first_byte_timeout_s

    def fetch(self, method: str, url: str, *, headers: Mapping[str, str]) -> OriginAnswer:
        """Ask for media; see the port."""
        deadline = Deadline(3 * self._first_byte_timeout_s)
        asked = {**headers, "Accept-Encoding": "identity"}
        exchange = self.exchange(method, url, asked, deadline)
        head = exchange.head
        if method == "GET" and head.status in {200, 206}:
            return OriginAnswer(head.status, head.headers, self._body(exchange))
        text = self._beginning(exchange, deadline)
        return OriginAnswer(head.status, head.headers, None, text)

    def exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        deadline: Deadline,
        *,
        content: bytes = b"",
        max_content: int = wire.MAX_CONTENT,
    ) -> Exchange:
        """Send a request and read the header of its answer.

        A kept connection that turns out to be closed is replaced by a new one, once; a POST gets
        a new one at once, since nobody knows whether it was acted on when a kept one breaks.
        """
        origin = origin_of(url)
        asked = {"User-Agent": USER_AGENT, **headers}
        request = wire.Request(origin, method, _target(url), asked, content, max_content)
        kept = self._pool.take(origin) if method != "POST" else None
        if kept is not None:
            try:
                return self._ask(kept, request, deadline)
            except wire.Stale:
                pass
        sock = self._dialer.dial(origin, deadline)
        try:
            return self._ask(sock, request, deadline)
        except wire.Stale as exc:
            raise PeerUnreachable("it closed the connection") from exc

    def read(self, exchange: Exchange, deadline: Deadline) -> "BodyReader":
        """Return the body as it is sent; whoever asks closes it."""
        release = partial(self._release, exchange.origin, exchange.head.keep_alive)
        if exchange.head.length is None and not exchange.head.chunked:
            exchange.sock.close()
            raise PeerMisbehaves("its answer has no length")
        return BodyReader(exchange, deadline, release)

    def close(self) -> None:
        """Close the connections that are kept."""
        self._pool.close()

    def _ask(self, sock: socket.socket, request: wire.Request, deadline: Deadline) -> Exchange:
        try:
            wire.send_request(sock, request, deadline)
            header_time = Deadline(deadline.left(self._first_byte_timeout_s))
            head = wire.read_head(sock, request.method, header_time)
        except BaseException:
            sock.close()
            raise
        return Exchange(request.origin, sock, head)

    def _body(self, exchange: Exchange) -> SocketBody:
        head = exchange.head
        if head.headers.get("content-encoding", "identity").lower() != "identity":
            exchange.sock.close()
            raise PeerMisbehaves("its answer is packed (Content-Encoding), and parts of it are not")
        if head.chunked or head.length is None:
            exchange.sock.close()
            raise PeerMisbehaves("its answer has no length, so a cut one would look whole")
        exchange.sock.settimeout(STALL_S)
        return SocketBody(
            exchange.sock,
            length=head.length,
            prefix=head.rest,
            release=partial(self._release, exchange.origin, head.keep_alive),
        )

    def _beginning(self, exchange: Exchange, deadline: Deadline) -> bytes:
        text = b""
        with closing(self.read(exchange, deadline)) as pieces:
            for piece in pieces:
                text += piece
                if len(text) > MAX_TEXT:
                    break
        return text[:MAX_TEXT]

    def _release(
        self, origin: Origin, keep_alive: bool, sock: socket.socket, reusable: bool
    ) -> None:
        if reusable and keep_alive:
            self._pool.give(origin, sock)
        else:
            sock.close()


class BodyReader:
    """Yields the bytes of a body; the connection is kept only if the end was reached."""

    def __init__(
        self,
        exchange: Exchange,
        deadline: Deadline,
        release: Callable[[socket.socket, bool], None],
    ) -> None:
        self._sock: socket.socket | None = exchange.sock
        self._release, self._pieces = release, _pieces(exchange, deadline)

    def __iter__(self) -> "BodyReader":
        return self

    def __next__(self) -> bytes:
        try:
            return next(self._pieces)
        except StopIteration:
            self._finish(reusable=True)
            raise

    def close(self) -> None:
        """Let go of the connection. Closing twice is not an error."""
        self._finish(reusable=False)

    def _finish(self, *, reusable: bool) -> None:
        sock, self._sock = self._sock, None
        if sock is not None:
            self._release(sock, reusable)


def _pieces(exchange: Exchange, deadline: Deadline) -> Iterator[bytes]:
    head, sock = exchange.head, exchange.sock
    if head.chunked:
        return wire.read_chunked(sock, head.rest, deadline)
    return wire.read_sized(sock, head.rest, head.length or 0, deadline)


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
