"""Errors as ``application/problem+json`` (RFC 9457), in one place.

Only this module knows which status a family of errors has. Under ``/api``, ``/.well-known``,
``/health``, ``/s``, ``/cdn`` and ``/resource-api`` every error is a problem document, those of the
web framework included; elsewhere the same facts are shown as a page.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g, has_request_context, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect

from domain import errors
from ports.library.catalogue import CursorInvalid
from ports.library.storage import OriginSlow, OriginUnreachable

log = structlog.get_logger("app.problems")

MEDIA_TYPE = "application/problem+json"
MAX_BODY_BYTES = 1024 * 1024
_MACHINE_PATHS = ("/api/", "/.well-known/", "/health/", "/s/", "/cdn/", "/resource-api/")


class Malformed(errors.Invalid):
    """A part of the request cannot be read: a parameter, a header, the body."""

    code = "request.malformed"
    title = "The request cannot be read"


class PreconditionMissing(errors.Invalid):
    """A change without If-Match could overwrite somebody else's."""

    code = "precondition.missing"
    title = "Say with If-Match which state you read"


class PreconditionFailed(errors.StaleWrite):
    """If-Match names another state than the present one."""

    code = "precondition.failed"
    title = "It changed since it was read"


class NotJson(errors.Invalid):
    """The body has another media type than JSON."""

    code = "media-type.not-json"
    title = "The body must be JSON"


# The first match counts, so exceptions from a family's rule stand before it.
STATUS: Mapping[type[errors.DomainError], HTTPStatus] = {
    Malformed: HTTPStatus.BAD_REQUEST,
    CursorInvalid: HTTPStatus.BAD_REQUEST,
    NotJson: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    PreconditionMissing: HTTPStatus.PRECONDITION_REQUIRED,
    PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    errors.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.Limited: HTTPStatus.TOO_MANY_REQUESTS,
    errors.BadUpstream: HTTPStatus.BAD_GATEWAY,
    OriginSlow: HTTPStatus.GATEWAY_TIMEOUT,
    OriginUnreachable: HTTPStatus.BAD_GATEWAY,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.OutOfSpace: HTTPStatus.INSUFFICIENT_STORAGE,
}

# Codes of what the web framework refuses by itself.
HTTP_CODES: Mapping[int, str] = {
    400: "request.malformed",
    401: "credentials.invalid",
    403: "access.forbidden",
    404: "thing.not-found",
    405: "method.not-allowed",
    406: "answer.not-acceptable",
    408: "request.timeout",
    413: "request.too-large",
    414: "address.too-long",
    415: "media-type.unsupported",
    416: "range.not-satisfiable",
    429: "rate.limited",
    431: "headers.too-large",
    500: "internal",
    503: "dependency.unavailable",
}
# Werkzeug's own sentences can quote what was sent; these never do.
_HTTP_DETAILS: Mapping[int, str] = {
    400: "The request cannot be read.",
    404: "There is nothing at this address.",
    405: "That method is not allowed here.",
    413: "The body of the request is too large.",
    414: "The address is too long.",
    415: "The body of the request has an unsupported media type.",
    500: "Something went wrong. The request id finds it in the server's log.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What went wrong, before it becomes a document or a page."""

    status: int
    code: str
    title: str
    detail: str
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)

    def document(self, *, request_id: str, instance: str) -> bytes:
        """Write the problem document. ``error`` is the short text for simple clients."""
        body: dict[str, Any] = {
            "type": f"/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "error": self.detail,
            "code": self.code,
            "instance": instance,
            "request_id": request_id,
        }
        if self.errors:
            body["errors"] = list(self.errors)
        return orjson.dumps({**self.context, **body})


ErrorPage = Callable[[Problem], ResponseReturnValue]
"""Shows a problem to a person. The status and the headers are set on what it returns."""


def of_error(exc: errors.DomainError) -> Problem:
    """Describe an error of the domain or of a port."""
    status = next((s for family, s in STATUS.items() if isinstance(exc, family)), None)
    if status is None:
        return of_status(500)
    headers: dict[str, str] = {}
    if isinstance(exc, errors.Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(exc, errors.Limited | errors.Unavailable):
        headers["Retry-After"] = str(exc.retry_after_s)
    faults: list[Mapping[str, str]] = []
    if isinstance(exc, errors.Invalid):
        if exc.field:
            faults = [{"field": exc.field, "detail": str(exc)}]
        elif status == HTTPStatus.UNPROCESSABLE_ENTITY:
            faults = [{"field": "", "detail": str(exc)}]
    return Problem(
        status=status,
        code=exc.code,
        title=exc.title,
        detail=str(exc),
        errors=faults,
        headers=headers,
        context=exc.context,
    )


def of_status(status: int, headers: Mapping[str, str] = {}) -> Problem:
    """Describe an error that has nothing but an HTTP status."""
    known = {s.value: s.phrase for s in HTTPStatus}
    phrase = known.get(status, "Error")
    code = HTTP_CODES.get(status, f"http.{status}")
    return Problem(
        status=status,
        code=code,
        title=phrase,
        detail=_HTTP_DETAILS.get(status, f"{phrase}."),
        headers=headers,
    )


def init_app(app: Flask, *, page: ErrorPage | None = None) -> None:
    """Answer every error of ``app``; ``page`` shows those outside the API to people."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    show = page or _plain_page

    def answer(problem: Problem) -> ResponseReturnValue:
        g.problem_code = problem.code
        if is_machine_path(request.path):
            response = respond(problem)
        else:
            response = app.make_response(show(problem))
            response.status_code = problem.status
        response.headers.update(dict(problem.headers))
        return response

    def domain_error(exc: errors.DomainError) -> ResponseReturnValue:
        return answer(of_error(exc))

    def validation_error(exc: ValidationError) -> ResponseReturnValue:
        faults = [
            {"field": ".".join(map(str, fault["loc"])), "detail": fault["msg"]}
            for fault in exc.errors(include_url=False, include_input=False, include_context=False)
        ]
        return answer(
            Problem(
                status=422,
                code=errors.Invalid.code,
                title=errors.Invalid.title,
                detail=f"{faults[0]['field']}: {faults[0]['detail']}",
                errors=faults,
            )
        )

    def http_error(exc: HTTPException) -> ResponseReturnValue:
        if isinstance(exc, RequestRedirect) or (exc.code or 500) < 400:
            return exc.get_response()
        headers = {}
        if isinstance(exc, MethodNotAllowed) and exc.valid_methods:
            headers["Allow"] = ", ".join(sorted(exc.valid_methods))
        if exc.code == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        return answer(of_status(exc.code or 500, headers))

    def bug(exc: Exception) -> ResponseReturnValue:
        log.error("request.failed", exc_info=exc)
        return answer(of_status(500))

    app.register_error_handler(errors.DomainError, domain_error)
    app.register_error_handler(ValidationError, validation_error)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, bug)


def is_machine_path(path: str) -> bool:
    """Tell whether errors at ``path`` are read by programs."""
    return path.startswith(_MACHINE_PATHS) or path == "/api"


def respond(problem: Problem) -> Response:
    """Make the response of a problem document."""
    body = problem.document(request_id=request_id(), instance=request.path)
    response = Response(body, problem.status, content_type=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response


def request_id() -> str:
    """Return the id of the running request; empty outside one."""
    return str(g.get("request_id", "")) if has_request_context() else ""


def all_errors() -> list[type[errors.DomainError]]:
    """Return every public error class that is loaded, ordered by code."""
    found: dict[str, type[errors.DomainError]] = {}
    waiting: list[type[errors.DomainError]] = [errors.DomainError]
    while waiting:
        kind = waiting.pop()
        found.setdefault(kind.code, kind)
        waiting += kind.__subclasses__()
    return [found[code] for code in sorted(found)]


def _plain_page(problem: Problem) -> ResponseReturnValue:
    # Titles are constants of the code and details never carry markup; still nothing is trusted.
    text = re.sub(r"[<>&\"']", "", f"{problem.status} {problem.title}. {problem.detail}")
    return Response(f"<!doctype html><title>{text}</title><p>{text}</p>", mimetype="text/html")
