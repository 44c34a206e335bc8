"""Sending objects to stores: bytes, through the guarded client."""

from collections.abc import Mapping
from contextlib import closing

from adapters.http.deadline import Deadline
from adapters.http.outbound import Outbound
from ports.federation.peers import LimitReached
from ports.outbound import WebDocument

MAX_SENT = 16 * 1024 * 1024
MAX_ANSWER = 8 * 1024 * 1024
_SLOWEST = 64 * 1024  # bytes a second


class Writes:
    """Requests with a body.

    Args:
        outbound: the guarded client.
        timeout_s: for one that carries nothing; one that does has more, at 64 KiB a second.
    """

    def __init__(self, outbound: Outbound, *, timeout_s: float) -> None:
        self._outbound, self._timeout_s = outbound, timeout_s

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes
    ) -> WebDocument:
        """See WebWrites."""
        deadline = Deadline(self._timeout_s + len(content) / _SLOWEST)
        asked = {**headers, "Accept-Encoding": "identity"}
        exchange = self._outbound.exchange(
            method, url, asked, deadline, content=content, max_content=MAX_SENT
        )
        answer = bytearray()
        with closing(self._outbound.read(exchange, deadline)) as pieces:
            for piece in pieces:
                answer += piece
                if len(answer) > MAX_ANSWER:
                    raise LimitReached(f"limit_reached: an answer of more than {MAX_ANSWER} bytes")
        return WebDocument(exchange.head.status, exchange.head.headers, answer, url)
