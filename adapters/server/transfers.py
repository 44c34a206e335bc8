"""Moving one body to one client without blocking, a turn at a time."""

import os
import socket
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum, auto

from adapters.server.pipes import SMALL, Pipe, PipePool
from ports.byte_body import FileBody, SocketBody, WatchedBody

CHUNK = 1024 * 1024
FILE_TURN = 4  # chunks before others get their turn
SOCKET_TURN = 8
COPY_BUFFER = 256 * 1024
_SLOW_S = 0.02  # a client without room for so long is slower than its upstream

_SPLICE = os.SPLICE_F_NONBLOCK | os.SPLICE_F_MOVE


class Wants(Enum):
    """What a transfer waits for."""

    SINK = auto()  # room at the client's side
    SOURCE = auto()  # bytes from the upstream
    NOTHING = auto()  # all bytes are on their way


class SinkGone(Exception):
    """The client does not take any more."""


class SourceBroken(Exception):
    """The source ended early; a socket's may be opened again."""


class Transfer(ABC):
    """A body on its way. One thread at a time may use it.

    Args:
        sink: the client's plain socket, not blocking.
        stream: the body as the application gave it; closed by whoever ends the transfer.
        ended: told once whether all bytes went out; decides on the client's connection.
    """

    __slots__ = ("ended", "moved_at", "parked", "queued_bytes", "sent", "sink", "stream", "wants")

    pool_may_begin = True  # whether a pool thread may take the first turn

    def __init__(
        self, sink: socket.socket, stream: WatchedBody, ended: Callable[[bool], None]
    ) -> None:
        self.sink, self.stream, self.ended = sink, stream, ended
        self.sent = 0
        self.moved_at = time.monotonic()
        self.queued_bytes = -1
        self.wants = Wants.SINK
        self.parked = False

    @abstractmethod
    def advance(self) -> Wants:
        """Move what can be moved now, and say what to wait for.

        Raises:
            SinkGone, SourceBroken
        """

    @property
    def source_fd(self) -> int | None:
        """The descriptor to wait on for more bytes, if any."""
        return None

    def drop(self) -> None:
        """Let go of what the transfer borrowed, and close its body."""
        self.stream.sent = self.sent
        self.stream.body.close()

    def _count(self, moved: int) -> None:
        self.sent += moved
        self.moved_at = time.monotonic()


class FileTransfer(Transfer):
    """A span of a file, by sendfile."""

    __slots__ = ("_file", "_left", "_offset")

    def __init__(
        self,
        sink: socket.socket,
        stream: WatchedBody,
        file: FileBody,
        ended: Callable[[bool], None],
    ) -> None:
        super().__init__(sink, stream, ended)
        self._file, self._offset, self._left = file.fileno(), file.start, file.length

    def advance(self) -> Wants:
        """Send up to four chunks."""
        sink = self.sink.fileno()
        for _ in range(FILE_TURN):
            asked = min(CHUNK, self._left)
            try:
                moved = os.sendfile(sink, self._file, self._offset, asked)
            except BlockingIOError:
                return Wants.SINK
            except OSError as exc:
                raise SinkGone from exc
            if not moved:
                raise SourceBroken
            self._offset += moved
            self._left -= moved
            self._count(moved)
            if not self._left:
                return Wants.NOTHING
            if moved < asked:
                return Wants.SINK
        return Wants.SINK


class SocketTransfer(Transfer):
    """The rest of an upstream's answer; subclasses know how its bytes move."""

    __slots__ = ("_body", "_left", "_rested_at", "_slow", "_timeout")

    def __init__(
        self,
        sink: socket.socket,
        stream: WatchedBody,
        body: SocketBody,
        ended: Callable[[bool], None],
    ) -> None:
        super().__init__(sink, stream, ended)
        self._body = body
        self._left = body.length - len(body.prefix)  # still to be read from the upstream
        self._slow = False
        self._rested_at = self.moved_at
        self.sent = len(body.prefix)  # goes out with the header
        self._timeout = body.sock.gettimeout()
        body.sock.setblocking(False)

    @property
    def source_fd(self) -> int | None:
        """The upstream's socket."""
        return self._body.sock.fileno()

    def advance(self) -> Wants:
        """Push what waits, then pull and push until a side blocks or the turn is over.

        A client that has kept us waiting gets one small piece for each time it has room, so that
        bytes seldom wait in here.
        """
        self._slow = time.monotonic() - self._rested_at > _SLOW_S
        wants = self._take_turn()
        self._rested_at = time.monotonic() if wants is Wants.SINK else float("inf")
        return wants

    def _take_turn(self) -> Wants:
        if not self._push():
            return Wants.SINK
        for _ in range(1 if self._slow else SOCKET_TURN):
            if not self._left:
                return Wants.NOTHING
            if not self._pull():
                return Wants.SOURCE
            if not self._push():
                break
        return Wants.SINK

    def drop(self) -> None:
        """Give the upstream back, for reuse where it was read to its end."""
        if self.sent == self._body.length:
            self._body.sock.settimeout(self._timeout)
            self._body.finish(reusable=True)
        super().drop()

    def reopen(self) -> bytes:
        """Open the upstream again where it broke; blocks. Raises BodyTruncated."""
        prefix = self._body.reopen(self._body.length - self._left)
        self._body.sock.setblocking(False)
        return prefix

    def resume(self, prefix: bytes) -> None:
        """Go on after ``reopen``, with the bytes that it returned."""
        self._left -= len(prefix)
        self._hold(prefix)
        self.moved_at = time.monotonic()

    @abstractmethod
    def _pull(self) -> bool:
        """Read from the upstream; False where it has nothing now."""

    @abstractmethod
    def _push(self) -> bool:
        """Send what was read; False where the client has no room for all of it."""

    @abstractmethod
    def _hold(self, data: bytes) -> None:
        """Queue bytes behind what was read already."""


class CopyTransfer(SocketTransfer):
    """Through a buffer, as TLS needs it: decrypted bytes exist in this process only."""

    __slots__ = ("_buffer", "_waiting")
    pool_may_begin = False  # the buffer is the streamer's

    def __init__(
        self,
        sink: socket.socket,
        stream: WatchedBody,
        body: SocketBody,
        ended: Callable[[bool], None],
        *,
        buffer: memoryview,
    ) -> None:
        super().__init__(sink, stream, body, ended)
        self._buffer = buffer  # shared by all transfers of the thread: empty between turns
        self._waiting = memoryview(b"")

    def _pull(self) -> bool:
        room = min(SMALL if self._slow else COPY_BUFFER, self._left)
        filled = 0
        while filled < room:  # TLS gives one record at a time
            try:
                got = self._body.sock.recv_into(self._buffer[filled:room])
            except (BlockingIOError, ssl.SSLWantReadError):
                if not filled:
                    return False
                break
            except OSError as exc:
                if not filled:
                    raise SourceBroken from exc
                break  # what came before goes out first; the next read meets it again
            if not got:
                if not filled:
                    raise SourceBroken
                break
            filled += got
        self._left -= filled
        self._waiting = self._buffer[:filled]
        return True

    def _push(self) -> bool:
        while self._waiting:
            try:
                moved = self.sink.send(self._waiting)
            except BlockingIOError:
                self._waiting = memoryview(bytes(self._waiting))
                return False
            except OSError as exc:
                raise SinkGone from exc
            self._waiting = self._waiting[moved:]
            self._count(moved)
        return True

    def _hold(self, data: bytes) -> None:
        self._waiting = memoryview(bytes(self._waiting) + data)


class SpliceTransfer(SocketTransfer):
    """Inside the kernel, through a pipe that is borrowed while it holds bytes."""

    __slots__ = ("_held", "_more", "_pipe", "_pipes", "_prefix")

    def __init__(
        self,
        sink: socket.socket,
        stream: WatchedBody,
        body: SocketBody,
        ended: Callable[[bool], None],
        *,
        pipes: PipePool,
    ) -> None:
        super().__init__(sink, stream, body, ended)
        self._pipes = pipes
        self._pipe: Pipe | None = None
        self._held = 0
        self._more = 0
        self._prefix = b""

    def drop(self) -> None:
        """Give the pipe back as well."""
        self._return_pipe()
        super().drop()

    def _pull(self) -> bool:
        pipe = self._pipe
        try:
            if pipe is None:
                pipe = self._pipe = self._pipes.take()
            room = min(SMALL if self._slow else pipe.capacity, self._left)
            moved = os.splice(self._body.sock.fileno(), pipe.write_fd, room, flags=_SPLICE)
        except BlockingIOError:
            self._return_pipe()
            return False
        except OSError as exc:
            raise SourceBroken from exc
        if not moved:
            raise SourceBroken
        self._held += moved
        self._left -= moved
        # A full read promises more at once; after a short one the client should not wait for it.
        self._more = os.SPLICE_F_MORE if moved == room and self._left else 0
        return True

    def _push(self) -> bool:
        pipe = self._pipe
        try:
            while self._held and pipe is not None:
                moved = os.splice(
                    pipe.read_fd, self.sink.fileno(), self._held, flags=_SPLICE | self._more
                )
                self._held -= moved
                self._count(moved)
            while self._prefix:
                moved = self.sink.send(self._prefix)
                self._prefix = self._prefix[moved:]
                self._count(moved)
        except BlockingIOError:
            return False
        except OSError as exc:
            raise SinkGone from exc
        if not self._left or self._slow:
            self._return_pipe()
        return True

    def _hold(self, data: bytes) -> None:
        self._prefix += data

    def _return_pipe(self) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            self._pipes.give_back(pipe, empty=not self._held)
            self._held = 0
