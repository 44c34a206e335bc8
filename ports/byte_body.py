"""Bodies of answers that can be sent without copying.

A body is an iterable of ``bytes`` that any WSGI server can send. Our own gunicorn worker knows the
two kinds and moves their bytes inside the kernel instead: ``FileBody`` by sendfile, ``SocketBody``
by splice. Either way exactly ``length`` bytes are sent, or the connection is cut: a short body
never looks complete.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from typing import Protocol

CHUNK = 256 * 1024


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
        prefix: body bytes that were read along with the header.
        release: called once with the socket and whether it may be used again.
        resume: opens the rest again after a break: given how many bytes of this body were sent, it
            returns a body for what is left, or raises. None: no resuming.
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

    def hand_over(self) -> tuple[socket.socket, Callable[[socket.socket, bool], None] | None]:
        """Give up the socket and the duty to release it, to a body that goes on with it."""
        release, self._release = self._release, None
        return self.sock, release

    def finish(self, *, reusable: bool) -> None:
        """Give the socket back; ``reusable`` only if the whole body was read from it."""
        release, self._release = self._release, None
        if release is not None:
            release(self.sock, reusable)

    def __iter__(self) -> Iterator[bytes]:
        sent, body, resumes = 0, self, 0
        while True:
            try:
                for piece in body._read():
                    sent += len(piece)
                    yield piece
            except OSError as exc:
                if self.resume is None or resumes == self.MAX_RESUMES:
                    raise BodyTruncated from exc
                resumes += 1
                body = self._resumed(sent, exc)
            else:
                return

    def _resumed(self, sent: int, cause: OSError) -> SocketBody:
        self.finish(reusable=False)
        assert self.resume is not None  # noqa: S101 - for the type checker
        try:
            body = self.resume(sent)
        except Exception as exc:
            raise BodyTruncated from exc
        if sent + body.length != self.length:
            body.close()
            raise BodyTruncated from cause
        self.sock, self._release = body.hand_over()
        return body

    def _read(self) -> Iterator[bytes]:
        left = self.length
        if self.prefix:
            left -= len(self.prefix)
            yield self.prefix
        while left:
            piece = self.sock.recv(min(CHUNK, left))
            if not piece:
                raise ConnectionResetError("the source closed early")
            left -= len(piece)
            yield piece
        self.finish(reusable=True)

    def close(self) -> None:
        """Close the upstream at once unless it was read to its end."""
        self.finish(reusable=False)


class BytesBody:
    """A small body that is in memory already."""

    def __init__(self, data: bytes) -> None:
        self._data, self.length = data, len(data)

    def __iter__(self) -> Iterator[bytes]:
        yield self._data

    def close(self) -> None:
        """Nothing to let go of."""
