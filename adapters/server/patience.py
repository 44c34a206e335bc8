"""gunicorn's threaded worker, patient with slow clients at nobody's expense.

A request is collected by the main loop and given to a thread when it is here; an answered
connection lingers in the loop until the client has read the end. The parent class has a thread, or
the loop itself, wait for the client at both ends, so that a few slow ones hold up everybody.
For plain connections: TLS ends in front of this server.
"""

import contextlib
import os
import re
import signal
import socket
import struct
import time
from collections import deque
from typing import Any

from gunicorn.workers import gthread

_READ_S, _WRITE_S = 15, 30
_LINGER_S = 2.0
_REQUEST_S = 20.0  # for a whole request with a small body, from its first byte
_RECEIVE_BYTES = 16 * 1024
_HEAD_BYTES = 64 * 1024  # a longer head is for the parser to refuse
_BODY_BYTES = 256 * 1024  # a longer body is read by the thread
_BODY_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,6})[ \t]*\r\n", re.IGNORECASE)
_RESET = struct.pack("ii", 1, 0)


class PatientWorker(gthread.ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Takes requests in, and lets connections go."""

    def init_process(self) -> None:
        """Start up in the new process, and serve."""
        self._closing: deque[Any] = deque()
        super().init_process()

    def init_signals(self) -> None:
        """Leave Ctrl-C, which reaches the whole group, to the supervisor."""
        super().init_signals()
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def accept(self, listener: Any) -> None:
        """Take a connection; whoever sends nothing, or slowly, holds no thread."""
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        self.nr_conns += 1
        # A thread that reads a long body or writes an answer is not held for longer than this.
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _seconds(_READ_S))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _seconds(_WRITE_S))
        conn = gthread.TConn(self.cfg, client, address, listener.getsockname())
        conn.init()
        conn.data_ready = True
        self._await_request(conn)

    def on_client_socket_readable(self, conn: Any, client: Any) -> None:
        """Read on from a kept connection."""
        self.keepalived_conns.remove(conn)
        self._receive(conn, client)

    def on_pending_socket_readable(self, conn: Any, client: Any) -> None:
        """Read on from a connection whose request is not complete."""
        self.pending_conns.remove(conn)
        self._receive(conn, client)

    def enqueue_req(self, conn: Any) -> None:
        """Give a request to a thread once it is here."""
        if request_is_here(conn.parser.unreader.buf.getvalue()):
            super().enqueue_req(conn)
        else:
            self._await_request(conn)

    def _await_request(self, conn: Any) -> None:
        if not hasattr(conn, "request_by"):
            conn.request_by = time.monotonic() + _REQUEST_S
        conn.timeout = conn.request_by
        conn.sock.setblocking(False)
        # Sorted by time-out, as the parent class expects; one in the middle is rare.
        self.pending_conns.append(conn)
        callback = gthread.partial(self.on_pending_socket_readable, conn)
        self.poller.register(conn.sock, gthread.selectors.EVENT_READ, callback)

    def _receive(self, conn: Any, client: Any) -> None:
        self.poller.unregister(client)
        try:
            data = conn.sock.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            self._await_request(conn)
            return
        except OSError:
            data = b""
        if not data:
            self._forget(conn)
            return
        held = conn.parser.unreader.buf
        held.seek(0, os.SEEK_END)
        held.write(data)
        self.enqueue_req(conn)

    def let_end(self, conn: Any) -> None:
        """Close after an answer, without waiting here for the client to have read it.

        Closing at once, with bytes of the client unread, would reset the connection and take the
        end of the answer along.
        """
        try:
            conn.sock.setblocking(False)
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._forget(conn)
            return
        conn.timeout = time.monotonic() + _LINGER_S
        self._closing.append(conn)
        callback = gthread.partial(self._read_away, conn)
        self.poller.register(conn.sock, gthread.selectors.EVENT_READ, callback)

    def _read_away(self, conn: Any, client: Any) -> None:
        with contextlib.suppress(OSError):
            if client.recv(_RECEIVE_BYTES):
                return
        self.poller.unregister(client)
        self._closing.remove(conn)
        self._forget(conn)

    def murder_pending(self) -> None:
        """Close what has had its time, closing connections included."""
        super().murder_pending()
        now = time.monotonic()
        while self._closing and self._closing[0].timeout <= now:
            conn = self._closing.popleft()
            self.poller.unregister(conn.sock)
            self._forget(conn)

    def _forget(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()

    def reset(self, conn: Any) -> None:
        """Reset a connection: nobody shall take what came for the whole."""
        with contextlib.suppress(OSError):
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._forget(conn)


def request_is_here(held: bytes) -> bool:
    """Tell whether a thread can answer without waiting for the client.

    Args:
        held: what came so far. A body that is long, chunked or sent only after a go-ahead
            (``Expect``) is left to the thread.
    """
    end = held.find(b"\r\n\r\n")
    if end < 0:
        return len(held) >= _HEAD_BYTES
    found = _BODY_LENGTH.search(held, 0, end + 2)
    if found is None or int(found[1]) > _BODY_BYTES or b"100-continue" in held[:end].lower():
        return True
    return len(held) - end - 4 >= int(found[1])


def _seconds(count: int) -> bytes:
    """Write a time-out as setsockopt takes it."""
    return struct.pack("ll", count, 0)
