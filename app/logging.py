"""Logs: one line per event, JSON for machines or text for people, without secrets.

Every line of a request carries its id, which is also in ``X-Request-Id``. One line tells of each
request: its path without the query, and with the secret part of signed links left out.
"""

import logging
import os
import re
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any, Literal, TextIO, cast

import orjson
import structlog
from flask import Flask, Response, g, has_request_context, request
from structlog.typing import Processor

from app.api.problems import Malformed

RequestLine = Callable[..., None]
"""Writes one line: an event's name and its members."""

_KEY = re.compile(r"(vlr_(?:peer|app|client)_)[0-9A-Za-z]+")
_SIGNED_LINK = re.compile(r"/(s|cdn)/[^/\s\"']+")
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',]+")
_SECRET_NAMES = frozenset(
    {"authorization", "x-api-key", "cookie", "set-cookie", "password", "api_key", "key_text"}
)
_MAX_PATH = 300
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def redact(text: str) -> str:
    """Return ``text`` with keys, bearer credentials and signed links made unreadable."""
    if "vlr_" in text:
        text = _KEY.sub(r"\1[redacted]", text)
    if "/s/" in text or "/cdn/" in text:
        text = _SIGNED_LINK.sub(r"/\1/[redacted]", text)
    if "earer" in text or "asic" in text or "EARER" in text:
        text = _BEARER.sub(r"\1 [redacted]", text)
    return text


def setup_logging(
    level: Literal["debug", "info", "warning", "error"],
    form: Literal["json", "text"],
    stream: TextIO | None = None,
) -> RequestLine:
    """Send structlog's and the standard library's events to ``stream`` in one shape.

    Args:
        level: the least that is written.
        form: JSON lines, or text for people.
        stream: standard error unless given.

    Returns:
        The quick way to write the line of a request, for ``init_app``.
    """
    out = stream or cast(TextIO, _StandardError())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _with_request_id,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _without_secrets,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer(serializer=_to_json)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_logger_name,
                structlog.stdlib.PositionalArgumentsFormatter(),
                *shared,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(_LEVELS[level])
    # Libraries that say more than an operator wants to read, some of it with addresses and keys.
    for chatty in ("urllib3", "botocore", "boto3", "werkzeug", "alembic", "huey"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, _LEVELS[level]))
    line = structlog.wrap_logger(
        structlog.WriteLogger(out),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
    ).bind()
    return cast(RequestLine, line.info)


def init_app(app: Flask, line: RequestLine | None = None) -> None:
    """Give every request of ``app`` an id and a line. Register before all other hooks.

    The hooks take the objects behind ``g`` and ``request`` once: each look through the proxies
    costs a microsecond, and these lines run on every request.

    Args:
        app: the application.
        line: writes the line; what ``setup_logging`` returned. Otherwise structlog as it is set.
    """
    log = structlog.get_logger("app.requests")

    @app.before_request
    def begin() -> None:
        here, asked = g._get_current_object(), request._get_current_object()  # type: ignore[attr-defined] # noqa: SLF001
        here.started = time.perf_counter()
        here.request_id = os.urandom(8).hex()
        environ = asked.environ
        if "HTTP_HOST" not in environ and environ.get("SERVER_PROTOCOL", "").endswith("1.1"):
            raise Malformed("the header Host is missing", field="Host")

    @app.after_request
    def end(response: Response) -> Response:
        here, asked = g._get_current_object(), request._get_current_object()  # type: ignore[attr-defined] # noqa: SLF001
        if "request_id" not in here:
            begin()  # a hook before ours failed
        response.headers.add("X-Request-Id", here.request_id)
        caller = here.get("principal")
        write = line or log.info
        write(
            "request",
            request_id=here.request_id,
            method=asked.method[:20],
            path=redact(asked.path[:_MAX_PATH]),
            status=response.status_code,
            ms=round((time.perf_counter() - here.started) * 1000, 2),
            who=caller.actor.name if caller is not None else None,
            address=here.get("client_address") or asked.remote_addr,
        )
        return response


class _StandardError:
    """Standard error as it is when something is written, not when logging was set up."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def _with_request_id(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    if has_request_context() and "request_id" in g:
        event["request_id"] = g.request_id
    return event


def _to_json(event: Any, **_options: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _without_secrets(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for name, value in event.items():
        if name.lower() in _SECRET_NAMES:
            event[name] = "[redacted]"
        elif isinstance(value, str):
            event[name] = redact(value)
        elif value is not None and not isinstance(value, int | float) and name != "exc_info":
            event[name] = redact(str(value)) if not name.startswith("_") else value
    return event
