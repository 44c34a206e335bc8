"""The short way to a stream, in front of Flask.

A player asks for a film in thousands of ranges, and Flask's share of each answer costs more than
moving the bytes. What is plain is answered here: a good key or a good signed address, and bytes to
send. Everything else, each error first of all, goes on to Flask as if nothing had happened.
"""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from app.api.addresses import ClientAddresses
from app.api.auth import API_ROOT, Guard, bearer_key
from app.api.streams import viewer_of
from app.limits import Limits
from app.logging import RequestLine, redact
from app.usecases.library.signed_urls import OpenSignedStream, StreamSubjects
from app.usecases.library.streaming import OpenStream, StreamAnswer, StreamHeaders
from domain.federation.api_key import Scope
from domain.ids import VideoId

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_VIDEOS = f"{API_ROOT}/videos/"
_STATUS = {200: "200 OK", 206: "206 Partial Content", 307: "307 Temporary Redirect"}
_UUID_CHARS = 36

Fields = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Answered:
    """A stream that is open, with what only this layer knows of it."""

    answer: StreamAnswer
    fields: Fields
    who: str | None = None


class FastStreams:
    """A WSGI application around Flask's.

    Args:
        inner: answers what is not plain.
        line: writes the line of a request.
    """

    def __init__(
        self,
        inner: "WSGIApplication",
        *,
        guard: Guard,
        open_stream: OpenStream,
        open_signed: OpenSignedStream,
        subjects: StreamSubjects,
        limits: Limits,
        addresses: ClientAddresses,
        line: RequestLine,
    ) -> None:
        self._inner, self._guard, self._limits, self._line = inner, guard, limits, line
        self._open_stream, self._open_signed = open_stream, open_signed
        self._subjects, self._addresses = subjects, addresses

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer a plain request for a stream, or let Flask do it."""
        path: str = environ["PATH_INFO"]
        if not path.startswith(("/s/", _VIDEOS)) or not _is_plain(environ):
            return self._inner(environ, start_response)
        started = time.perf_counter()
        address = self._addresses.of(
            environ.get("REMOTE_ADDR"), environ.get("HTTP_X_FORWARDED_FOR")
        )
        try:
            found = self._answer(path, environ, address)
        except Exception:  # noqa: BLE001 - Flask meets it again, and answers and logs it
            found = None
        if found is None or (found.answer.body is None and found.answer.status != 307):
            return self._inner(environ, start_response)
        request_id = os.urandom(8).hex()
        self._line(
            "request",
            request_id=request_id,
            method="GET",
            path=redact(path),
            status=found.answer.status,
            ms=round((time.perf_counter() - started) * 1000, 2),
            who=found.who,
            address=address,
        )
        fields = [*found.answer.headers, *found.fields, ("X-Request-Id", request_id)]
        start_response(_STATUS[found.answer.status], fields)
        return () if found.answer.body is None else found.answer.body

    def _answer(self, path: str, environ: "WSGIEnvironment", address: str) -> _Answered | None:
        parts = path.split("/")
        if path.startswith("/s/"):
            if len(parts) != 4:
                return None
            answer = self._open_signed(token=parts[2], headers=_headers(environ), address=address)
            return _Answered(answer, [])
        if "HTTP_COOKIE" in environ:
            return None  # perhaps a session beside the key, and two credentials are refused
        if len(parts) != 6 or parts[5] != "stream" or len(parts[4]) != _UUID_CHARS:
            return None
        try:
            video_id = VideoId(UUID(parts[4]))
        except ValueError:
            return None
        text = bearer_key(environ.get("HTTP_AUTHORIZATION"), environ.get("HTTP_X_API_KEY"))
        if text is None:
            return None
        return self._with_key(text, video_id, environ, address)

    def _with_key(
        self, text: str, video_id: VideoId, environ: "WSGIEnvironment", address: str
    ) -> _Answered | None:
        caller = self._guard.authenticate(key_text=text, address=address)
        if Scope.STREAM not in caller.scopes:
            return None
        principal = self._guard.principal_of(caller, address)
        allowance = self._limits.admit_stream(principal.limit_id, video_id.hex)
        if allowance.exceeded:
            return None
        answer = self._open_stream(
            caller.visibility, video_id, _headers(environ), viewer_of(principal, self._subjects)
        )
        fields = [*allowance.headers().items(), ("Vary", "Authorization, Cookie")]
        return _Answered(answer, fields, principal.actor.name)


def _is_plain(environ: "WSGIEnvironment") -> bool:
    """Tell whether nothing about a request needs a second look."""
    return (
        environ["REQUEST_METHOD"] == "GET"
        and not environ.get("QUERY_STRING")
        and "HTTP_HOST" in environ
    )


def _headers(environ: "WSGIEnvironment") -> StreamHeaders:
    return StreamHeaders(
        range=environ.get("HTTP_RANGE"),
        if_range=environ.get("HTTP_IF_RANGE"),
        if_match=environ.get("HTTP_IF_MATCH"),
        if_none_match=environ.get("HTTP_IF_NONE_MATCH"),
    )
