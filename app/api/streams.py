"""The bytes of videos: with credentials below the API, or by a signed address."""

from uuid import UUID

from flask import Blueprint, Response, g, request

from app.api.auth import API_ROOT, Principal, client_address, principal
from app.api.operation import Operation, operation
from app.api.problems import Problem, respond
from app.limits import Limits
from app.usecases.library.signed_urls import OpenSignedStream, StreamSubjects
from app.usecases.library.streaming import OpenStream, StreamAnswer, StreamHeaders, Viewer
from domain.federation.api_key import Scope
from domain.ids import VideoId

_REFUSED = {
    412: ("precondition.failed", "The file is not the one that If-Match names"),
    416: ("range.not-satisfiable", "The range lies outside the file"),
}


class StreamViews:
    """Views; one instance answers all requests."""

    def __init__(
        self,
        *,
        open_stream: OpenStream,
        open_signed: OpenSignedStream,
        subjects: StreamSubjects,
        limits: Limits,
    ) -> None:
        self._open_stream, self._open_signed = open_stream, open_signed
        self._subjects, self._limits = subjects, limits

    @operation(
        Operation(
            summary="Stream a video, or a part of it",
            scope=Scope.STREAM,
            limit="",
            action="",
            media_type="*/*",
            statuses={
                206: "the range that was asked for",
                304: "the file is the one you have",
                307: "the file is at another address for a while, which needs no key: send none",
                404: "no such video, as far as the key sees",
                412: "the file is not the one that If-Match names",
                416: "the range lies outside the file",
                502: "the other server does not answer, or answers nonsense",
                503: "the disk does not answer",
                504: "the other server does not answer in time",
            },
        )
    )
    def stream(self, video_id: UUID) -> Response:
        """Send bytes to whoever has the scope."""
        caller = principal()
        if not caller.actor.name.startswith("user:"):
            g.allowance = self._limits.admit_stream(caller.limit_id, video_id.hex)
            g.allowance.require()
        answer = self._open_stream(
            caller.visibility, VideoId(video_id), _headers(), viewer_of(caller, self._subjects)
        )
        return _response(answer)

    def signed(self, token: str, filename: str) -> Response:
        """Send bytes to whoever holds a good address; the name at its end is for players."""
        del filename
        return _response(
            self._open_signed(token=token, headers=_headers(), address=client_address())
        )


def viewer_of(caller: Principal, subjects: StreamSubjects) -> Viewer:
    """Return whoever makes a request as somebody who watches."""
    is_person = caller.actor.name.startswith("user:")
    subject = caller.actor.name if is_person else f"key:{UUID(caller.limit_id)}"
    return Viewer(
        subject=subject,
        actor=caller.actor,
        still_allowed=lambda: subjects.is_good(subject, version=None),
        every_request=not is_person,
        may_be_redirected=not is_person and not caller.is_peer,
    )


def blueprint(
    *,
    open_stream: OpenStream,
    open_signed: OpenSignedStream,
    subjects: StreamSubjects,
    limits: Limits,
) -> Blueprint:
    """Build the routes of streams."""
    views = StreamViews(
        open_stream=open_stream, open_signed=open_signed, subjects=subjects, limits=limits
    )
    routes = Blueprint("streams", __name__)
    routes.add_url_rule(f"{API_ROOT}/videos/<uuid:video_id>/stream", view_func=views.stream)
    routes.add_url_rule("/s/<token>/<filename>", view_func=views.signed)
    return routes


def _headers() -> StreamHeaders:
    found = request.headers
    return StreamHeaders(
        method=request.method,
        range=found.get("Range"),
        if_range=found.get("If-Range"),
        if_match=found.get("If-Match"),
        if_none_match=found.get("If-None-Match"),
    )


def _response(answer: StreamAnswer) -> Response:
    """Hand the body to the server as it is: what the server knows, it sends without copying."""
    if answer.status in _REFUSED:
        code, title = _REFUSED[answer.status]
        g.problem_code = code
        problem = Problem(
            status=answer.status,
            code=code,
            title=title,
            detail=f"{title}.",
            headers=dict(answer.headers),
        )
        response = respond(problem)
        response.headers.update(dict(answer.headers))
        return response
    return Response(
        answer.body if answer.body is not None else (),
        answer.status,
        list(answer.headers),
        direct_passthrough=answer.body is not None,
    )
