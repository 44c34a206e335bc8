"""Logs: one line per event, JSON for machines or text for people, without secrets.

Every line of a request carries its id, which is also in ``X-Request-Id``. One line tells of each
request: its path without the query, and with the secret part of signed links left out.
"""

import logging
import os
import re
import sys
import time
from collections.abc import MutableMapping
from typing import Any, Literal, TextIO

import orjson
import structlog
from flask import Flask, Response, g, request
from structlog.typing import Processor

from app.api.problems import Malformed

log = structlog.get_logger("app.requests")

_KEY = re.compile(r"(vlr_(?:peer|app|client)_)[0-9A-Za-z]+")
_SIGNED_LINK = re.compile(r"/s/[^/\s\"']+")
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
    if "/s/" in text:
        text = _SIGNED_LINK.sub("/s/[redacted]", text)
    if "earer" in text or "asic" in text or "EARER" in text:
        text = _BEARER.sub(r"\1 [redacted]", text)
    return text


def setup_logging(
    level: Literal["debug", "info", "warning", "error"],
    form: Literal["json", "text"],
    stream: TextIO | None = None,
) -> None:
    """Send structlog's and the standard library's events to ``stream`` in one shape.

    Args:
        level: the least that is written.
        form: JSON lines, or text for people.
        stream: standard error unless given.
    """
    out = stream or sys.stderr
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
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


def init_app(app: Flask) -> None:
    """Give every request of ``app`` an id and a line. Register before all other hooks."""

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        g.request_id = os.urandom(8).hex()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        if "HTTP_HOST" not in request.environ and request.environ.get(
            "SERVER_PROTOCOL", ""
        ).endswith("1.1"):
            raise Malformed("the header Host is missing", field="Host")

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.request_id
        caller = g.get("principal")
        log.info(
            "request",
            method=request.method[:20],
            path=request.path[:_MAX_PATH],
            status=response.status_code,
            ms=round((time.perf_counter() - g.started) * 1000, 2),
            who=caller.actor.name if caller is not None else None,
            address=g.get("client_address") or request.remote_addr,
        )
        return response


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
