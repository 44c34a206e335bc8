"""gunicorn's threaded worker, with streams taken off its threads.

A request is answered by a pool thread as usual. Where the application returns a body of
``ports.byte_body`` the thread writes the header, moves what fits at once and hands the rest to the
worker's one ``Streamer``; the connection comes back to the keep-alive poller when the body is out.
Any other answer goes the way of the parent class.

This reaches into gunicorn (``TConn``, ``finish_request``, ``method_queue``, ``_keepalive_after``,
``_cap_keepalive``): its version is pinned, and tests/e2e runs the worker for real.
"""

import json
import socket
import ssl
import time
from concurrent import futures
from dataclasses import dataclass
from typing import Any

from gunicorn.http import wsgi
from gunicorn.http.errors import InvalidHeader

from adapters.server.patience import PatientWorker
from adapters.server.streamer import Streamer
from adapters.server.transfers import FileTransfer, SinkGone, SourceBroken, Transfer, Wants
from ports.byte_body import FileBody, SocketBody, WatchedBody

_DRAIN_S = 5.0
_BODIES = (WatchedBody, FileBody, SocketBody)


class _Mark:
    """What a request left behind, instead of whether its connection may be kept."""


_STREAMING = _Mark()  # the streamer has the connection
_CUT = _Mark()  # a body stayed short: the client must see that


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """What the streamer of a worker may use."""

    max_streams: int
    stall_timeout_s: float
    graceful_timeout_s: float
    send_buffer_bytes: int = 0


class _Kept:
    """The future of a request that is over: what ``finish_request`` asks of one."""

    def __init__(self, *, keepalive: bool) -> None:
        self._keepalive = keepalive

    def cancelled(self) -> bool:
        return False

    def result(self) -> bool:
        return self._keepalive


class StreamWorker(PatientWorker):
    """Threads for requests, one epoll thread for bytes."""

    def run(self) -> None:
        """Serve until told to stop; then let streams finish, and cut what is left."""
        options: StreamOptions = self.app.stream_options
        self._options = options
        self._streamer = Streamer(
            max_streams=options.max_streams, stall_timeout_s=options.stall_timeout_s
        )
        self._streamer.start()
        try:
            super().run()
        finally:
            self._streamer.stop()

    def _cap_keepalive(self, deadline: float) -> None:
        """Begin to stop: called once, when no new connection is accepted any more."""
        super()._cap_keepalive(deadline)
        for listener in self.sockets:
            listener.close()  # refuse at once what would wait in the backlog for nobody
        self._streamer.drain(self._options.graceful_timeout_s)

    def finish_request(self, conn: Any, fs: "futures.Future[object] | _Kept") -> None:
        """Leave alone what the streamer has; reset what stayed short; the parent does the rest."""
        vars(conn).pop("request_by", None)
        mark = None if fs.cancelled() else _result(fs)
        if mark is _STREAMING:
            return
        if mark is _CUT:
            self.reset(conn)
        elif mark:
            super().finish_request(conn, fs)
        else:
            self.let_end(conn)

    def _keepalive_after(self, conn: Any, keepalive: object) -> object:
        if isinstance(keepalive, _Mark) or not keepalive:
            return keepalive
        return _drained(conn)

    def handle_request(self, req: Any, conn: Any) -> object:
        """Run the application and send its answer."""
        if req.version >= (1, 1) and sum(name == "HOST" for name, _ in req.headers) != 1:
            raise InvalidHeader("HOST", req)
        resp, environ = wsgi.create(req, conn.sock, conn.client, conn.server, self.cfg)
        environ["wsgi.multithread"] = True
        self.nr += 1
        if (
            not self.alive
            or not self.cfg.keepalive
            or len(self.keepalived_conns) >= self.max_keepalived
        ):
            resp.force_close()
        answer = self.wsgi(environ, resp.start_response)
        if resp._omits_body and isinstance(answer, _BODIES):  # noqa: SLF001 - HEAD, 204 and 304
            answer.close()
            answer = ()
        stream = _stream(answer, resp)
        if stream is not None and not isinstance(conn.sock, ssl.SSLSocket):
            return self._send_stream(stream, req, resp, conn)
        return self._send_plain(answer, resp)

    def _send_plain(self, answer: Any, resp: Any) -> object:
        try:
            if isinstance(answer, wsgi.FileWrapper):
                resp.write_file(answer)
            else:
                for item in answer:
                    resp.write(item)
                if _is_short(resp):
                    return _CUT
            resp.close()
        except OSError:
            raise
        except Exception:
            if not resp.headers_sent:
                raise
            self.log.exception("An answer broke off")
            return _CUT
        finally:
            if hasattr(answer, "close"):
                answer.close()
        return not resp.should_close()

    def _send_stream(self, stream: WatchedBody, req: Any, resp: Any, conn: Any) -> object:
        if not self._streamer.admit():
            stream.close()
            return self._send_plain([_busy(resp)], self._busy_response(req, resp, conn))
        if not _drained(conn):
            resp.force_close()
        keepalive = not resp.should_close()
        transfer = self._transfer(stream, conn, keepalive=keepalive)
        try:
            prefix = stream.body.prefix if isinstance(stream.body, SocketBody) else b""
            conn.sock.sendall(_header(resp) + prefix, socket.MSG_MORE)
            conn.sock.setblocking(False)
            transfer.wants = transfer.advance() if transfer.pool_may_begin else Wants.SINK
        except SourceBroken:
            self._streamer.add_broken(transfer)
        except (OSError, SinkGone):
            self._streamer.settle(transfer)
            return _CUT
        except BaseException:
            self._streamer.settle(transfer)
            raise
        else:
            if transfer.wants is Wants.NOTHING:
                self._streamer.settle(transfer)
                return keepalive
            self._streamer.add(transfer)
        return _STREAMING

    def _transfer(self, stream: WatchedBody, conn: Any, *, keepalive: bool) -> Transfer:
        def ended(complete: bool) -> None:
            self.method_queue.defer(self._after_stream, conn, complete, keepalive)

        if self._options.send_buffer_bytes:
            conn.sock.setsockopt(
                socket.SOL_SOCKET, socket.SO_SNDBUF, self._options.send_buffer_bytes
            )
        body = stream.body
        if isinstance(body, FileBody):
            return FileTransfer(conn.sock, stream, body, ended)
        assert isinstance(body, SocketBody)  # noqa: S101 - for the type checker; see _stream
        copied = isinstance(body.sock, ssl.SSLSocket)
        return self._streamer.socket_transfer(conn.sock, stream, body, ended, copied=copied)

    def _after_stream(self, conn: Any, complete: bool, keepalive: bool) -> None:
        """Take the connection back, on the main thread."""
        if not complete:
            self.reset(conn)
        elif keepalive:
            super().finish_request(conn, _Kept(keepalive=True))
        else:
            self.let_end(conn)

    def _busy_response(self, req: Any, refused: Any, conn: Any) -> Any:
        body = _busy(refused)
        resp = wsgi.Response(req, conn.sock, self.cfg)
        resp.start_response(
            "503 Service Unavailable",
            [
                ("Content-Type", "application/problem+json"),
                ("Content-Length", str(len(body))),
                ("Cache-Control", "no-store"),
                ("Retry-After", "30"),
            ],
        )
        if refused.should_close():
            resp.force_close()
        return resp


def _result(future: "futures.Future[object] | _Kept") -> object:
    try:
        return future.result()
    except Exception:  # noqa: BLE001 - the parent class looks at it again and handles it
        return None


def _drained(conn: Any) -> bool:
    """Read away what is left of the request's body, within reason."""
    if not any(
        name in {"CONTENT-LENGTH", "TRANSFER-ENCODING"} for name, _ in conn.parser.mesg.headers
    ):
        return True
    return bool(conn.parser.finish_body(deadline=time.monotonic() + _DRAIN_S))


def _stream(answer: object, resp: Any) -> WatchedBody | None:
    """Return the answer as something the streamer can move, or None."""
    if isinstance(answer, (FileBody, SocketBody)):
        answer = WatchedBody(answer, permit=None, done=None)
    movable = isinstance(answer, WatchedBody) and isinstance(answer.body, (FileBody, SocketBody))
    if not isinstance(answer, WatchedBody) or not movable:
        return None
    return answer if resp.response_length == answer.length else None


def _is_short(resp: Any) -> bool:
    return (
        resp.response_length is not None
        and not resp._omits_body  # noqa: SLF001 - as above
        and resp.sent < resp.response_length
    )


def _header(resp: Any) -> bytes:
    lines = resp.default_headers()
    lines.extend(f"{name}: {value}\r\n" for name, value in resp.headers)
    lines.append("\r\n")
    resp.headers_sent = True
    return "".join(lines).encode("latin-1")


def _busy(refused: Any) -> bytes:
    """Write the problem document of a refused stream."""
    request_id = next((v for k, v in refused.headers if k.lower() == "x-request-id"), "")
    problem = {
        "type": "/problems/streams.full",
        "title": "Too many streams run at the moment",
        "status": 503,
        "detail": "Every place for a stream is taken. Try again in half a minute.",
        "error": "streams.full",
        "request_id": request_id,
    }
    return json.dumps(problem).encode()
