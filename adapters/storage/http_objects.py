"""Objects that an HTTP origin keeps: their sizes, and spans that are exactly what was asked for.

What a peer, a bucket, a Jellyfin server and a plain web server have in common. Breaks are mended by
asking for the rest of the very same bytes; an origin that is down costs nobody time.
"""

import re
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from adapters.storage.breaker import Breaker
from domain.errors import BadUpstream
from ports.byte_body import ByteBody, SocketBody
from ports.federation.peers import PeerSlow, PeerUnreachable
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
MAX_SKIPPED = 8 * 1024 * 1024
MAX_REDIRECTS = 5
RESUME_WAITS_S = (0.1, 0.3, 0.6, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)  # a restart of the origin fits in
_ETAG = re.compile(r'"([\x21\x23-\x7e]{1,200})"')
_DATED = re.compile(r"t([0-9]{1,12})-[0-9]{1,18}", re.ASCII)
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", re.ASCII)
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_NO_HEAD = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED})
_MOVED = frozenset({301, 302, 303, 307, 308})


class OriginClosed(StorageUnreachable):
    """The origin, or this node's own settings, do not let a request through: no use in retrying."""

    code = "storage.closed"
    title = "The source may not be read at the moment"


@dataclass(frozen=True, slots=True)
class Asked:
    """Where an object is, and what goes along with a request for it."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


Locate = Callable[[str, str], Asked]
"""Returns where to ask for an object: (method, locator). May raise OriginClosed."""


class HttpObjects:
    """Reads objects of one origin; safe to share between threads.

    Args:
        locate: is asked for each request anew.
        origins: the guarded client.
        who: what the origin is called in sentences.
        plain_web: any web server: it may lack HEAD, ranges and strong ETags (size and time of
            change stand in for one), and may redirect. Every hop is checked as the first is, and
            takes no credentials along.
    """

    def __init__(
        self,
        locate: Locate,
        origins: Origins,
        *,
        who: str = "the server",
        plain_web: bool = False,
        breaker: Breaker | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._locate, self._origins, self._who = locate, origins, who
        self._plain_web = plain_web
        self._breaker = breaker or Breaker()
        self._monotonic, self._sleep = monotonic, sleep
        self._stats: dict[str, tuple[ObjectInfo, float]] = {}

    def stat(self, locator: str) -> ObjectInfo:
        """Return size and ETag, at most a minute old; see ReadableStorage."""
        known = self._stats.get(locator)
        if known is not None and self._monotonic() < known[1]:
            return known[0]
        info = self._look(locator)
        if len(self._stats) >= MAX_STATS:
            self._stats.clear()
        self._stats[locator] = (info, self._monotonic() + STAT_S)
        return info

    def open(self, locator: str, *, start: int, length: int, etag: str | None) -> ByteBody:
        """Open a span; see ReadableStorage."""
        body = self._span(locator, start, length, etag, self.fetch)
        if etag is not None:
            body.resume = lambda received: self._resume(
                locator, start + received, length - received, etag
            )
        return body

    def fetch(self, method: str, locator: str, headers: Mapping[str, str]) -> OriginAnswer:
        """Ask, unless the origin rests after failures; whoever gets a body closes it."""
        if not self._breaker.lets_through():
            raise OriginUnreachable(f"{self._who} did not answer lately; it is tried again soon")
        try:
            answer = self._ask(method, locator, headers)
        except StorageUnreachable as exc:
            if isinstance(exc.__cause__, PeerUnreachable):
                self._breaker.record(success=False)
            raise
        except BadUpstream:
            self._breaker.record(success=False)
            raise
        self._breaker.record(success=True)
        return answer

    def refusal(self, status: int) -> Exception:
        """Return the error that a status stands for."""
        if status in _GONE:
            return ObjectNotFound()
        if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return ObjectChanged()
        if status in _REFUSED:
            return OriginClosed(f"{self._who} does not let this node in")
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500:
            return OriginUnreachable(f"{self._who} answers with status {status}")
        return BadUpstream(f"{self._who} answers with status {status}")

    def _look(self, locator: str) -> ObjectInfo:
        answer = self.fetch("HEAD", locator, {})
        if self._plain_web:
            says_ranges = answer.headers.get("accept-ranges", "").lower() == "bytes"
            if answer.status in _NO_HEAD or (answer.status == HTTPStatus.OK and not says_ranges):
                return self._look_by_first_byte(locator)
        if answer.status != HTTPStatus.OK:
            raise self.refusal(answer.status)
        return ObjectInfo(self._length(answer.headers), self._tag(answer.headers))

    def _look_by_first_byte(self, locator: str) -> ObjectInfo:
        """Ask for one byte: the only way to know whether an origin sends ranges."""
        answer = self.fetch("GET", locator, {"Range": "bytes=0-0"})
        if answer.body is None:
            if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return ObjectInfo(0, None)  # nothing in it
            raise self.refusal(answer.status)
        answer.body.close()
        if answer.status != HTTPStatus.PARTIAL_CONTENT:
            size = self._length(answer.headers)
            return ObjectInfo(size, self._tag(answer.headers), ranges=False)
        span = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
        if span is None or span[3] == "*" or (int(span[1]), int(span[2])) != (0, 0):
            raise BadUpstream(f"{self._who} sends other bytes than were asked for")
        return ObjectInfo(int(span[3]), self._tag(answer.headers, size=int(span[3])))

    def _resume(self, locator: str, start: int, length: int, etag: str) -> SocketBody:
        for wait in RESUME_WAITS_S:
            try:
                return self._span(locator, start, length, etag, self._ask)
            except OriginClosed:
                raise
            except StorageUnreachable:
                self._sleep(wait)
        return self._span(locator, start, length, etag, self._ask)

    def _span(
        self,
        locator: str,
        start: int,
        length: int,
        etag: str | None,
        ask: Callable[[str, str, Mapping[str, str]], OriginAnswer],
    ) -> SocketBody:
        asked = {"Range": f"bytes={start}-{start + length - 1}"}
        if etag is not None:
            asked["If-Range"] = _condition(etag)
        answer = ask("GET", locator, asked)
        body = answer.body
        if body is None:
            self._stats.pop(locator, None)
            raise self.refusal(answer.status)
        try:
            return self._checked(answer, body, start, length, etag)
        except BaseException:
            body.close()
            self._stats.pop(locator, None)
            raise

    def _checked(
        self, answer: OriginAnswer, body: SocketBody, start: int, length: int, etag: str | None
    ) -> SocketBody:
        """Refuse an answer that is not exactly the span of the very object that was asked for."""
        partial_answer = answer.status == HTTPStatus.PARTIAL_CONTENT
        span = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
        size = int(span[3]) if partial_answer and span and span[3] != "*" else None
        said = self._tag(answer.headers, size=size) if size or not partial_answer else None
        if etag is not None and said is not None and said != etag:
            raise ObjectChanged
        if partial_answer:
            if span is None or (int(span[1]), int(span[2])) != (start, start + length - 1):
                raise BadUpstream(f"{self._who} sends other bytes than were asked for")
        elif etag is not None and said != etag:
            raise ObjectChanged  # the whole instead of a range: If-Range says it is another object
        elif start != 0 or body.length != length:
            if not self._plain_web:
                raise ObjectChanged
            return _part_of(body, start, length)
        if body.length != length:
            raise BadUpstream(f"{self._who} sends more or fewer bytes than were asked for")
        return body

    def _ask(self, method: str, locator: str, headers: Mapping[str, str]) -> OriginAnswer:
        asked = self._locate(method, locator)
        url, sent = asked.url, {**asked.headers, **headers}
        try:
            answer = self._origins.fetch(method, url, headers=sent)
            for _ in range(MAX_REDIRECTS):
                if not self._plain_web or answer.status not in _MOVED:
                    return answer
                onward = urljoin(url, answer.headers.get("location", ""))
                if urlsplit(onward)[:2] != urlsplit(url)[:2]:
                    sent = dict(headers)
                url = onward
                answer = self._origins.fetch(method, url, headers=sent)
        except PeerSlow as exc:
            raise OriginSlow(str(exc)) from exc
        except PeerUnreachable as exc:
            raise OriginUnreachable(str(exc)) from exc
        if self._plain_web and answer.status in _MOVED:
            raise BadUpstream(f"{self._who} redirects again and again")
        return answer

    def _length(self, headers: Mapping[str, str]) -> int:
        size = headers.get("content-length", "")
        if not size.isascii() or not size.isdecimal():
            raise BadUpstream(f"{self._who} does not say how long the video is")
        return int(size)

    def _tag(self, headers: Mapping[str, str], *, size: int | None = None) -> str | None:
        """Return a strong ETag without its quotes; a weak one does not tell bytes apart."""
        found = _ETAG.fullmatch(headers.get("etag", ""))
        if found is not None:
            return found[1]
        if not self._plain_web:
            return None
        changed = _epoch(headers.get("last-modified", ""))
        length = headers.get("content-length", "") if size is None else str(size)
        return f"t{changed}-{length}" if changed is not None and length.isdecimal() else None


def _part_of(body: SocketBody, start: int, length: int) -> SocketBody:
    """Return a span of a body that holds the whole object, by reading past what lies before it."""
    if start > MAX_SKIPPED:
        raise BadUpstream("the server does not send parts of files")
    if start + length > body.length:
        raise ObjectChanged
    whole, prefix = body.length, body.prefix
    sock, release = body.hand_over()
    try:
        _skip(sock, start - len(prefix))
    except BaseException:
        sock.close()
        raise
    at_end = start + length == whole

    def give_back(_sock: socket.socket, reusable: bool) -> None:
        if release is not None:
            release(sock, reusable and at_end)

    rest = prefix[start : start + length]
    return SocketBody(sock, length=length, prefix=rest, release=give_back)


def _skip(sock: socket.socket, left: int) -> None:
    while left > 0:
        try:
            piece = sock.recv(min(65_536, left))
        except OSError as exc:
            raise OriginUnreachable("the connection broke") from exc
        if not piece:
            raise OriginUnreachable("the connection broke")
        left -= len(piece)


def _condition(etag: str) -> str:
    dated = _DATED.fullmatch(etag)
    return f'"{etag}"' if dated is None else formatdate(int(dated[1]), usegmt=True)


def _epoch(date: str) -> int | None:
    try:
        return max(0, int(parsedate_to_datetime(date).timestamp())) if date else None
    except (ValueError, TypeError, OverflowError):
        return None
