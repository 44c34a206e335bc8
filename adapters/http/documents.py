"""Documents of other machines: ``requests`` on top of the guarded client."""

import io
from collections.abc import Mapping
from typing import Any

import requests
import urllib3
from requests.adapters import BaseAdapter

from adapters.http.deadline import Deadline
from adapters.http.outbound import BodyReader, Outbound
from ports.federation.peers import LimitReached, PeerMisbehaves
from ports.outbound import WebDocument

_CODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})
_PIECE = 65_536


class Documents:
    """Fetches documents with a cap on their decoded bytes and on the whole time they take."""

    def __init__(self, outbound: Outbound, *, timeout_s: float, max_bytes: int) -> None:
        self._timeout_s, self._max_bytes = timeout_s, max_bytes
        self._session = requests.Session()
        self._session.trust_env = False  # no proxies and no netrc of the environment
        self._session.adapters.clear()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, GuardedAdapter(outbound))

    def get(
        self, url: str, *, headers: Mapping[str, str], max_bytes: int | None = None
    ) -> WebDocument:
        """See WebDocuments."""
        return self._exchange("GET", url, headers, None, max_bytes or self._max_bytes)

    def post(self, url: str, *, headers: Mapping[str, str], content: bytes) -> WebDocument:
        """See WebDocuments."""
        return self._exchange("POST", url, headers, content, self._max_bytes)

    def _exchange(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        content: bytes | None,
        max_bytes: int,
    ) -> WebDocument:
        try:
            answer = self._session.request(
                method,
                url,
                headers={**headers, "Accept-Encoding": "gzip, deflate"},
                data=content,
                allow_redirects=False,
                stream=True,
                timeout=self._timeout_s,
            )
            with answer:
                return WebDocument(
                    answer.status_code,
                    {name.lower(): value for name, value in answer.headers.items()},
                    _read(answer, max_bytes),
                    url,
                )
        except (requests.RequestException, urllib3.exceptions.HTTPError) as exc:
            raise PeerMisbehaves("its answer cannot be decoded") from exc


def _read(answer: requests.Response, max_bytes: int) -> bytearray:
    content = bytearray()
    for piece in answer.iter_content(_PIECE):
        content += piece
        if len(content) > max_bytes:
            raise LimitReached(f"limit_reached: a page of more than {max_bytes} bytes")
    return content


class GuardedAdapter(BaseAdapter):
    """Transport of ``requests`` that opens no connection itself."""

    def __init__(self, outbound: Outbound) -> None:
        super().__init__()
        self._outbound = outbound

    def send(  # noqa: PLR0917 - as the base class has it
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002
        timeout: Any = None,
        verify: Any = True,  # noqa: ARG002
        cert: Any = None,  # noqa: ARG002
        proxies: Any = None,  # noqa: ARG002
    ) -> requests.Response:
        """Exchange one request; ``timeout`` is the total time of header and body in seconds.

        The other options of ``requests`` have no effect: what they would choose is fixed.
        """
        deadline = Deadline(timeout)
        headers = {
            str(name): str(value)
            for name, value in request.headers.items()
            if name.lower() != "content-length"  # written with the body itself
        }
        body = request.body or b""
        exchange = self._outbound.exchange(
            str(request.method),
            str(request.url),
            headers,
            deadline,
            content=body.encode() if isinstance(body, str) else bytes(body),
        )
        head = exchange.head
        answer = _Body(self._outbound.read(exchange, deadline))
        if head.headers.get("content-encoding", "").lower() not in _CODINGS:
            answer.close()
            raise PeerMisbehaves("its answer is in an encoding that was not asked for")
        framing = {"transfer-encoding", "content-length"}
        fields = {name: text for name, text in head.headers.items() if name not in framing}
        response = requests.Response()
        response.status_code = head.status
        response.headers.update(fields)
        response.url, response.request = str(request.url), request
        response.raw = urllib3.HTTPResponse(
            body=answer, headers=fields, status=head.status, preload_content=False
        )
        return response

    def close(self) -> None:
        """Nothing to let go of: connections belong to the client below."""


class _Body(io.RawIOBase):
    """A generator of bytes as a file."""

    def __init__(self, pieces: BodyReader) -> None:
        super().__init__()
        self._pieces, self._rest = pieces, b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        if not self._rest:
            self._rest = next(self._pieces, b"")
        size = min(len(view), len(self._rest))
        view[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size

    def close(self) -> None:
        if not self.closed:
            self._pieces.close()
        super().close()
