"""Bodies of answers that can be sent without copying.

A body is an iterable of ``bytes`` that any WSGI server can send. Our own gunicorn worker knows the
two kinds and moves their bytes inside the kernel instead: ``FileBody`` by sendfile, ``SocketBody``
by splice. Either way exactly ``length`` bytes are sent, or the connection is cut: a short body
never looks complete.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import Protocol

CHUNK = 256 * 1024
RECHECK_S = 5.0  # how often a running stream is asked for its permission
UNANSWERED_S = 20.0

_log = logging.getLogger(__name__)


class BodyTruncated(Exception):
    """The source ended early and could not be resumed."""


class ByteBody(Protocol):
    """``length`` bytes to send, once."""

    length: int

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes in order.

        Raises:
            BodyTruncated: the source broke and stayed broken.
        """
        ...

    def close(self) -> None:
        """Let go of the source. Closing twice is not an error."""
        ...


class FileBody:
    """A span of a regular file."""

    def __init__(self, fd: int, *, start: int, length: int) -> None:
        """Take over ``fd``, open for reading; the body closes it."""
        self._fd, self.start, self.length = fd, start, length

    def fileno(self) -> int:
        """Return the file's descriptor."""
        return self._fd

    def __iter__(self) -> Iterator[bytes]:
        offset, left = self.start, self.length
        while left:
            piece = os.pread(self._fd, min(CHUNK, left), offset)
            if not piece:
                raise BodyTruncated
            offset, left = offset + len(piece), left - len(piece)
            yield piece

    def close(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


class SocketBody:
    """The rest of an upstream's answer, on the socket it comes from.

    Args:
        sock: connected; positioned inside the answer's body. A TLS socket is read and copied.
        length: bytes of the body that are still to come, ``prefix`` included.
        prefix: body bytes that were read along with the header; never more than ``length``.
        release: called once with the socket and whether it may be used again.
        resume: opens the rest again after a break: given how many bytes of this body were
            received, it returns a body for what is left, or raises. None: no resuming.
    """

    MAX_RESUMES = 3

    def __init__(
        self,
        sock: socket.socket,
        *,
        length: int,
        prefix: bytes = b"",
        release: Callable[[socket.socket, bool], None],
        resume: Callable[[int], SocketBody] | None = None,
    ) -> None:
        self.sock, self.length, self.prefix = sock, length, prefix
        self._release: Callable[[socket.socket, bool], None] | None = release
        self.resume = resume
        self._resumes = 0

    def hand_over(self) -> tuple[socket.socket, Callable[[socket.socket, bool], None] | None]:
        """Give up the socket and the duty to release it, to a body that goes on with it."""
        release, self._release = self._release, None
        return self.sock, release

    def finish(self, *, reusable: bool) -> None:
        """Give the socket back; ``reusable`` only if the whole body was read from it."""
        release, self._release = self._release, None
        if release is not None:
            release(self.sock, reusable)

    def reopen(self, received: int) -> bytes:
        """Go on from a new socket after a break; may take as long as a new request does.

        Args:
            received: bytes of this body that came so far.

        Returns:
            Body bytes that came along with the new answer's header.

        Raises:
            BodyTruncated: broken too often, or the source does not give the same bytes again.
        """
        self.finish(reusable=False)
        if self.resume is None or self._resumes == self.MAX_RESUMES:
            raise BodyTruncated
        self._resumes += 1
        try:
            rest = self.resume(received)
        except Exception as exc:
            raise BodyTruncated from exc
        if received + rest.length != self.length:
            rest.close()
            raise BodyTruncated
        self.sock, self._release = rest.hand_over()
        return rest.prefix

    def __iter__(self) -> Iterator[bytes]:
        piece, received = self.prefix, 0
        while True:
            if piece:
                received += len(piece)
                yield piece
            if received == self.length:
                break
            try:
                piece = self.sock.recv(min(CHUNK, self.length - received))
            except OSError:
                piece = b""
            if not piece:
                piece = self.reopen(received)
        self.finish(reusable=True)

    def close(self) -> None:
        """Close the upstream at once unless it was read to its end."""
        self.finish(reusable=False)


class Permit:
    """Whether running streams may go on. Streams of one ``group`` share one answer.

    Args:
        group: names what the answer depends on, such as a key.
        ask: looks at the present state; may raise where that state cannot be read.
    """

    def __init__(self, group: str, ask: Callable[[], bool]) -> None:
        self.group, self._ask = group, ask
        self._last_yes = time.monotonic()

    def holds(self) -> bool:
        """Ask. A question without an answer counts as yes, for no longer than 20 s in a row."""
        try:
            allowed = self._ask()
        except Exception:  # noqa: BLE001 - logged; whatever it was, the answer is "unknown"
            _log.exception("A running stream's permission cannot be checked")
            return time.monotonic() - self._last_yes < UNANSWERED_S
        if allowed:
            self._last_yes = time.monotonic()
        return allowed


class WatchedBody:
    """A body on its way to somebody: who may stop it, and who is told how much was sent.

    Our own worker takes ``body`` out and moves it, then sets ``sent`` and closes this; any other
    server iterates. ``done`` is called once, with the number of body bytes sent.
    """

    def __init__(
        self, body: ByteBody, *, permit: Permit | None, done: Callable[[int], None] | None
    ) -> None:
        self.body, self.permit, self._done = body, permit, done
        self.length = body.length
        self.sent = 0

    def __iter__(self) -> Iterator[bytes]:
        ask_at = time.monotonic() + RECHECK_S
        for piece in self.body:
            if self.permit is not None and time.monotonic() >= ask_at:
                if not self.permit.holds():
                    raise BodyTruncated
                ask_at = time.monotonic() + RECHECK_S
            yield piece
            self.sent += len(piece)

    def close(self) -> None:
        """Close the body and tell how it went."""
        self.body.close()
        done, self._done = self._done, None
        if done is not None:
            done(self.sent)


class BytesBody:
    """A small body that is in memory already."""

    def __init__(self, data: bytes) -> None:
        self._data, self.length = data, len(data)

    def __iter__(self) -> Iterator[bytes]:
        yield self._data

    def close(self) -> None:
        """Nothing to let go of."""
