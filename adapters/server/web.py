"""The web process: gunicorn with our worker, on a socket that the supervisor opened.

Started as ``python -m adapters.server.web OPTIONS``, the options being a ``WebOptions`` in JSON.
"""

import contextlib
import importlib
import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger

from adapters.server.process import end_with_parent, raise_descriptor_limit
from adapters.server.worker import StreamOptions, StreamWorker

_KEEPALIVE_S = 75
_IDLE_CONNECTIONS = 2000
_GRACE_S = 5  # what gunicorn waits beyond the streams' own end
_MAX_HEADERS, _MAX_HEADER_BYTES, _MAX_REQUEST_LINE = 64, 8190, 4094
_HANG_S = 60  # a worker whose main loop stands still for so long is replaced


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """What the supervisor tells the web process."""

    application: str  # module:name of a WSGI application
    listener_fd: int
    ready_fd: int  # a byte is written here when a worker is ready
    workers: int
    threads: int
    max_streams: int
    stall_timeout_s: float
    graceful_timeout_s: float
    send_buffer_bytes: int
    trusted_proxies: tuple[str, ...]

    def to_json(self) -> str:
        """Write the options down for ``main``."""
        return json.dumps(asdict(self))


class QuietLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's log without what clients can fill it with."""

    def exception(self, msg: str, *args: object, **kwargs: object) -> None:
        """Write an error with its traceback; a client's time-out or reset is none."""
        if msg == "Socket error processing request.":
            self.debug("A client stalled or went away.")
        else:
            super().exception(msg, *args, **kwargs)


class SupervisedArbiter(Arbiter):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's master; Ctrl-C reaches the whole group, and the supervisor says what follows."""

    def handle_int(self) -> None:
        """Wait for the supervisor's SIGTERM."""


class WebServer(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn, configured from ``WebOptions`` alone: no files, no command line, no environment."""

    def __init__(self, options: WebOptions) -> None:
        self._web = options
        self.stream_options = StreamOptions(
            max_streams=options.max_streams,
            stall_timeout_s=options.stall_timeout_s,
            graceful_timeout_s=options.graceful_timeout_s,
            send_buffer_bytes=options.send_buffer_bytes,
        )
        super().__init__()

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        web = self._web
        values: dict[str, object] = {
            "bind": [f"fd://{web.listener_fd}"],
            "worker_class": StreamWorker,
            "workers": web.workers,
            "threads": web.threads,
            "worker_connections": web.max_streams + _IDLE_CONNECTIONS,
            "backlog": 2048,
            "timeout": _HANG_S,
            "keepalive": _KEEPALIVE_S,
            "graceful_timeout": int(web.graceful_timeout_s) + _GRACE_S,
            "limit_request_line": _MAX_REQUEST_LINE,
            "limit_request_fields": _MAX_HEADERS,
            "limit_request_field_size": _MAX_HEADER_BYTES,
            "forwarded_allow_ips": ",".join(web.trusted_proxies) or "",
            "forwarder_headers": "",
            "loglevel": "warning",
            "logger_class": QuietLogger,
            "control_socket_disable": True,
            "post_fork": _post_fork,
            "post_worker_init": self._tell_ready,
        }
        for name, value in values.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Any]:
        """Import the application, in each worker anew."""
        module, _, name = self._web.application.partition(":")
        application: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return application

    def run(self) -> None:
        """Serve until told to stop."""
        SupervisedArbiter(self).run()

    def _tell_ready(self, _worker: object) -> None:
        with contextlib.suppress(BlockingIOError):  # nobody reads after the first
            os.write(self._web.ready_fd, b"r")


def _post_fork(_server: object, _worker: object) -> None:
    end_with_parent()


def main(text: str) -> None:
    """Run until told to stop."""
    values = json.loads(text)
    values["trusted_proxies"] = tuple(values["trusted_proxies"])
    raise_descriptor_limit()
    WebServer(WebOptions(**values)).run()


if __name__ == "__main__":
    main(sys.argv[1])
