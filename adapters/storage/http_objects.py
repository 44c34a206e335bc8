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

from adapters.storage.breaker import Breaker
from adapters.storage.redirects import follow, origin
from domain.errors import BadUpstream
from ports.byte_body import BodyTruncated, ByteBody, SocketBody
from ports.federation.peers import AddressForbidden, PeerSlow, PeerUnreachable
from ports.library.storage import (
    SKIPPED_BYTES,
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
SKIP_S = 30.0  # for reading past what was not asked for, all in all
MAX_BREAKERS = 1000
RESUME_WAITS_S = (0.1, 0.3, 0.6, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)  # a restart of the origin fits in
_ETAG = re.compile(r'"([\x21\x23-\x7e]{1,200})"')
_DATED = re.compile(r"t([0-9]{1,12})-[0-9]{1,18}", re.ASCII)
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", re.ASCII)
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


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
        plain_web: any web servers: they may lack HEAD, ranges and strong ETags (size and time of
            change stand in for one), may redirect (every hop is checked as the first is, and takes
            no credentials along to another origin), and each fails for itself alone.
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
        self._breaker = breaker or Breaker(monotonic=monotonic)
        self._breakers: dict[object, Breaker] = {}
        self._monotonic, self._sleep = monotonic, sleep
        self._stats: dict[str, tuple[ObjectInfo, float]] = {}

    def stat(self, locator: str) -> ObjectInfo:
        """Return size and ETag, at most a minute old; see ReadableStorage."""
        known = self._stats.get(locator)
        if known is not None and self._monotonic() < known[1]:
            return known[0]
        info = self._look(locator)
        self._remember(locator, info)
        return info

    def measure(self, locator: str) -> ObjectInfo:
        """Return size and ETag as they are now; whether the origin sends ranges is not looked at.

        Raises as ``stat`` does.
        """
        answer = self._head(locator)
        if answer is not None:
            return ObjectInfo(self._length(answer.headers), self._tag(answer.headers))
        return self._look_by_first_byte(locator)

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
        breaker = self._breaker_of(locator)
        if not breaker.lets_through():
            raise OriginUnreachable(f"{self._who} did not answer lately; it is tried again soon")
        try:
            answer = self._ask(method, locator, headers)
        except StorageUnreachable as exc:
            if isinstance(exc.__cause__, PeerUnreachable) and not self._is_harmless(exc):
                breaker.record(success=False)
            raise
        except BadUpstream:
            # On the web this says something of one object, not of its server.
            breaker.record(success=self._plain_web)
            raise
        breaker.record(success=True)
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
        if not self._plain_web:
            answer = self.fetch("HEAD", locator, {})
            if answer.status != HTTPStatus.OK:
                raise self.refusal(answer.status)
            return ObjectInfo(self._length(answer.headers), self._tag(answer.headers))
        head = self._head(locator)
        says = head.headers.get("accept-ranges", "").lower() if head is not None else ""
        if head is None or says not in {"bytes", "none"}:
            return self._look_by_first_byte(locator)
        size, tag = self._length(head.headers), self._tag(head.headers)
        return ObjectInfo(size, tag, ranges=says == "bytes")

    def _head(self, locator: str) -> OriginAnswer | None:
        """Return the answer to HEAD, or None where it says less than a GET would."""
        try:
            answer = self.fetch("HEAD", locator, {})
        except BadUpstream:
            return None
        packed = answer.headers.get("content-encoding", "identity").lower() != "identity"
        measured = answer.headers.get("content-length", "").isdecimal()
        return answer if answer.status == HTTPStatus.OK and measured and not packed else None

    def _look_by_first_byte(self, locator: str) -> ObjectInfo:
        """Ask for one byte: the only way to know whether an origin sends ranges."""
        answer = self.fetch("GET", locator, {"Range": "bytes=0-0"})
        if answer.body is None:
            if answer.status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                return ObjectInfo(0, None)  # nothing in it
            raise self.refusal(answer.status)
        if answer.status != HTTPStatus.PARTIAL_CONTENT:
            answer.body.close()
            size = self._length(answer.headers)
            return ObjectInfo(size, self._tag(answer.headers), ranges=False)
        _read_one_byte(answer.body)
        span = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
        if span is None or (int(span[1]), int(span[2])) != (0, 0):
            raise BadUpstream(f"{self._who} sends other bytes than were asked for")
        size = self._length({"content-length": span[3]})
        return ObjectInfo(size, self._tag(answer.headers, size=size))

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
            if self._plain_web:
                self._check_size(locator, answer, body)
            return self._checked(answer, body, start, length, etag)
        except BaseException as exc:
            body.close()
            self._stats.pop(locator, None)
            if self._plain_web and isinstance(exc, ObjectChanged):
                self._learn(locator, answer, etag)
            raise

    def _check_size(self, locator: str, answer: OriginAnswer, body: SocketBody) -> None:
        """Refuse an object of another size than ``stat`` said: tags may be missing on the web."""
        known = self._stats.get(locator)
        span = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
        total = str(body.length) if answer.status == HTTPStatus.OK else span and span[3]
        if known is not None and total and total not in {"*", str(known[0].size_bytes)}:
            raise ObjectChanged

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

    def _learn(self, locator: str, answer: OriginAnswer, etag: str | None) -> None:
        """Believe the answer rather than HEAD: the next try then asks for what is really there."""
        span = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
        is_part = answer.status == HTTPStatus.PARTIAL_CONTENT
        total = span[3] if is_part and span else answer.headers.get("content-length", "")
        if not total.isdecimal():
            return
        tag = self._tag(answer.headers, size=int(total))
        # A whole instead of a part: of the same object only from an origin without ranges.
        ranges = is_part or tag is None or tag != etag
        self._remember(locator, ObjectInfo(int(total), tag, ranges=ranges))

    def _remember(self, locator: str, info: ObjectInfo) -> None:
        if len(self._stats) >= MAX_STATS:
            self._stats.clear()
        self._stats[locator] = (info, self._monotonic() + STAT_S)

    def _breaker_of(self, locator: str) -> Breaker:
        """Return the breaker of the object's server: on the web, there may be many."""
        if not self._plain_web:
            return self._breaker
        server = origin(self._locate("HEAD", locator).url)
        if len(self._breakers) >= MAX_BREAKERS:
            self._breakers.clear()
        return self._breakers.setdefault(server, Breaker(monotonic=self._monotonic))

    def _is_harmless(self, exc: StorageUnreachable) -> bool:
        """Tell whether a failure took no time: its address was refused before anything was sent."""
        return self._plain_web and isinstance(exc.__cause__, AddressForbidden)

    def _ask(self, method: str, locator: str, headers: Mapping[str, str]) -> OriginAnswer:
        asked = self._locate(method, locator)

        def ask(url: str, at_home: bool) -> OriginAnswer:
            sent = {**asked.headers, **headers} if at_home else headers
            return self._origins.fetch(method, url, headers=sent)

        try:
            if self._plain_web:
                return follow(asked.url, ask, who=self._who)
            return ask(asked.url, True)
        except PeerSlow as exc:
            raise OriginSlow(str(exc)) from exc
        except PeerUnreachable as exc:
            raise OriginUnreachable(str(exc)) from exc

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
    if start > SKIPPED_BYTES:
        raise ObjectChanged("the server sends files only whole, from their first byte on")
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
    """Read past bytes; a server that drips them is not waited for."""
    patience, deadline = sock.gettimeout(), time.monotonic() + SKIP_S
    while left > 0:
        try:
            sock.settimeout(max(0.001, deadline - time.monotonic()))
            piece = sock.recv(min(65_536, left))
        except TimeoutError as exc:
            raise OriginSlow("the beginning of the file took too long") from exc
        except OSError as exc:
            raise OriginUnreachable("the connection broke") from exc
        if not piece:
            raise OriginUnreachable("the connection broke")
        left -= len(piece)
    sock.settimeout(patience)


def _read_one_byte(body: SocketBody) -> None:
    """Read a body of one byte, so that its connection can be kept; another is let go of."""
    try:
        if body.length == 1:
            b"".join(body)
    except BodyTruncated as exc:
        raise OriginUnreachable("the connection broke") from exc
    finally:
        body.close()


def _condition(etag: str) -> str:
    dated = _DATED.fullmatch(etag)
    return f'"{etag}"' if dated is None else formatdate(int(dated[1]), usegmt=True)


def _epoch(date: str) -> int | None:
    try:
        return max(0, int(parsedate_to_datetime(date).timestamp())) if date else None
    except (ValueError, TypeError, OverflowError):
        return None
