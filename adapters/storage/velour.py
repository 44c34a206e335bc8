"""Another node as a storage location: its bytes, by its API, with the key it gave us."""

import re
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import quote

from adapters.storage.breaker import Breaker
from domain.errors import BadUpstream, Forbidden
from ports.byte_body import ByteBody, SocketBody
from ports.crypto import SealBroken
from ports.federation.peers import PeerAccess, PeerSlow, PeerUnreachable
from ports.library.storage import (
    ObjectChanged,
    ObjectInfo,
    ObjectNotFound,
    OriginSlow,
    OriginUnreachable,
    StorageUnreachable,
)
from ports.outbound import OriginAnswer, Origins

STAT_S = 60.0
MAX_STATS = 10_000
RESUME_WAITS_S = (0.1, 0.3, 0.6, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)  # a restart of the peer fits in
_ETAG = re.compile(r'"([\x21\x23-\x7e]{1,200})"')
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})", re.ASCII)
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class PeerClosed(StorageUnreachable):
    """The peer, or this node's own settings, do not let a request through: no use in retrying."""

    code = "storage.closed"
    title = "The other node may not be read at the moment"


class VelourStorage:
    """Reads videos of one peer; a locator is the peer's id of a video.

    Args:
        access: reads base URL and key of the present state, for each request anew; so suspending
            or revoking the connection counts at once.
        origins: the guarded client.
    """

    def __init__(
        self,
        access: Callable[[], PeerAccess],
        origins: Origins,
        *,
        breaker: Breaker | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._access, self._origins = access, origins
        self._breaker = breaker or Breaker()
        self._monotonic, self._sleep = monotonic, sleep
        self._stats: dict[str, tuple[ObjectInfo, float]] = {}

    def check(self) -> str:
        """Return that the peer answers; see the port."""
        answer = self._guarded("GET", "/ping", {})
        if answer.body is None:
            raise _error(answer.status)
        answer.body.close()
        return "the node answers"

    def stat(self, locator: str) -> ObjectInfo:
        """Return size and ETag, at most a minute old; see the port."""
        known = self._stats.get(locator)
        if known is not None and self._monotonic() < known[1]:
            return known[0]
        answer = self._guarded("HEAD", _path(locator), {})
        if answer.status != HTTPStatus.OK:
            raise _error(answer.status)
        size = answer.headers.get("content-length", "")
        if not size.isascii() or not size.isdecimal():
            raise BadUpstream("the peer does not say how long the video is")
        info = ObjectInfo(int(size), _etag(answer.headers))
        if len(self._stats) >= MAX_STATS:
            self._stats.clear()
        self._stats[locator] = (info, self._monotonic() + STAT_S)
        return info

    def open(self, locator: str, *, start: int, length: int, etag: str | None) -> ByteBody:
        """Open a span; see the port. A break is mended by asking for the rest of the same bytes."""
        body = self._checked(locator, start, length, etag, self._guarded)
        if etag is not None:
            body.resume = lambda received: self._resume(
                locator, start + received, length - received, etag
            )
        return body

    def _resume(self, locator: str, start: int, length: int, etag: str) -> SocketBody:
        for wait in RESUME_WAITS_S:
            try:
                return self._checked(locator, start, length, etag, self._ask)
            except PeerClosed:
                raise
            except StorageUnreachable:
                self._sleep(wait)
        return self._checked(locator, start, length, etag, self._ask)

    def _checked(
        self,
        locator: str,
        start: int,
        length: int,
        etag: str | None,
        ask: Callable[[str, str, Mapping[str, str]], OriginAnswer],
    ) -> SocketBody:
        asked = {"Range": f"bytes={start}-{start + length - 1}"}
        if etag is not None:
            asked["If-Range"] = f'"{etag}"'
        answer = ask("GET", _path(locator), asked)
        body = answer.body
        if body is None:
            self._stats.pop(locator, None)
            raise _error(answer.status)
        try:
            _check_span(answer, body, start, length, etag)
        except BaseException:
            body.close()
            self._stats.pop(locator, None)
            raise
        return body

    def _guarded(self, method: str, path: str, headers: Mapping[str, str]) -> OriginAnswer:
        if not self._breaker.lets_through():
            raise OriginUnreachable("the peer did not answer lately; it is tried again soon")
        try:
            answer = self._ask(method, path, headers)
        except StorageUnreachable as exc:
            if isinstance(exc.__cause__, PeerUnreachable):
                self._breaker.record(success=False)
            raise
        except BadUpstream:
            self._breaker.record(success=False)
            raise
        self._breaker.record(success=True)
        return answer

    def _ask(self, method: str, path: str, headers: Mapping[str, str]) -> OriginAnswer:
        try:
            access = self._access()
        except (Forbidden, SealBroken) as exc:
            raise PeerClosed(str(exc)) from exc
        asked = {**headers, "Authorization": f"Bearer {access.api_key}"}
        try:
            return self._origins.fetch(method, f"{access.base_url}/api/v1{path}", headers=asked)
        except PeerSlow as exc:
            raise OriginSlow(str(exc)) from exc
        except PeerUnreachable as exc:
            raise OriginUnreachable(str(exc)) from exc


def _path(locator: str) -> str:
    return f"/videos/{quote(locator, safe='')}/stream"


def _check_span(
    answer: OriginAnswer, body: SocketBody, start: int, length: int, etag: str | None
) -> None:
    """Refuse an answer that is not exactly the span of the very object that was asked for."""
    said = _etag(answer.headers)
    if etag is not None and said is not None and said != etag:
        raise ObjectChanged
    if answer.status == HTTPStatus.PARTIAL_CONTENT:
        span = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
        if span is None or (int(span[1]), int(span[2])) != (start, start + length - 1):
            raise BadUpstream("the peer sends other bytes than were asked for")
    elif start != 0 or (etag is not None and said != etag):
        raise ObjectChanged  # the whole instead of a range: If-Range says it is another object
    if body.length != length:
        raise BadUpstream("the peer sends more or fewer bytes than were asked for")


def _error(status: int) -> Exception:
    if status in _GONE:
        return ObjectNotFound()
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return ObjectChanged()
    if status in _REFUSED:
        return PeerClosed("the peer does not let this node in")
    if status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500:
        return OriginUnreachable(f"the peer answers with status {status}")
    return BadUpstream(f"the peer answers with status {status}")


def _etag(headers: Mapping[str, str]) -> str | None:
    """Return a strong ETag without its quotes; a weak one does not tell bytes apart."""
    found = _ETAG.fullmatch(headers.get("etag", ""))
    return found[1] if found else None
