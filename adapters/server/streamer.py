"""One thread that moves all streams of a process.

A stream costs descriptors and a small object, no thread. Pool threads answer the request up to its
header and hand the rest over; the streamer waits with epoll until a client has room (and, for a
proxied body, its upstream has bytes) and moves them inside the kernel. What may block runs beside
it: opening a broken upstream again in a small pool, permissions and closing reports in the helper.
"""

import collections
import contextlib
import fcntl
import logging
import os
import queue
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from adapters.server.pipes import PipePool
from adapters.server.transfers import (
    COPY_BUFFER,
    CopyTransfer,
    SinkGone,
    SocketTransfer,
    SourceBroken,
    SpliceTransfer,
    Transfer,
    Wants,
)
from ports.byte_body import RECHECK_S, BodyTruncated, Permit, SocketBody, WatchedBody

_log = logging.getLogger(__name__)

_GONE = select.EPOLLHUP | select.EPOLLERR
_TIOCOUTQ = 0x5411  # bytes that the client's side has not acknowledged yet
_RESUME_THREADS = 3


class Streamer:
    """Moves bodies to clients until they end, stall, lose their permission or must go.

    Args:
        max_streams: how many may run at once; ``admit`` refuses more.
        stall_timeout_s: a stream is cut when no byte moved on either side for so long.
    """

    def __init__(self, *, max_streams: int, stall_timeout_s: float) -> None:
        self._stall_s = stall_timeout_s
        self._tick_s = min(1.0, stall_timeout_s / 4)
        self._places = threading.BoundedSemaphore(max_streams)
        self._pipes = PipePool()
        self._buffer = memoryview(bytearray(COPY_BUFFER))
        self._commands: collections.deque[Callable[[], None]] = collections.deque()
        self._transfers: set[Transfer] = set()
        self._by_fd: dict[int, Transfer] = {}
        self._groups: dict[str, tuple[Permit, set[Transfer]]] = {}
        self._epoll = select.epoll()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._epoll.register(self._wake, select.EPOLLIN)
        self._drain_until: float | None = None
        self._stopping = False
        self._next_tick = time.monotonic()
        self._chores: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._resuming = ThreadPoolExecutor(_RESUME_THREADS, thread_name_prefix="resume")
        self._threads = [
            threading.Thread(target=self._run, name="streamer", daemon=True),
            threading.Thread(target=self._help, name="streamer-helper", daemon=True),
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def admit(self) -> bool:
        """Take a place for one stream; False where all are taken. Its end frees it."""
        return self._places.acquire(blocking=False)

    def socket_transfer(
        self,
        sink: socket.socket,
        stream: WatchedBody,
        body: SocketBody,
        ended: Callable[[bool], None],
        *,
        copied: bool,
    ) -> SocketTransfer:
        """Make the transfer of an upstream's body."""
        if copied:
            return CopyTransfer(sink, stream, body, ended, buffer=self._buffer)
        return SpliceTransfer(sink, stream, body, ended, pipes=self._pipes)

    def add(self, transfer: Transfer) -> None:
        """Take over an admitted transfer, from any thread."""
        self._call(lambda: self._begin(transfer))

    def add_broken(self, transfer: Transfer) -> None:
        """Take over an admitted transfer whose source broke at once."""

        def begin() -> None:
            self._begin(transfer)
            self._park(transfer)

        self._call(begin)

    def settle(self, transfer: Transfer) -> None:
        """Account for an admitted transfer that its pool thread brought to its end."""
        self._places.release()
        transfer.drop()
        transfer.stream.close()

    def drain(self, timeout_s: float) -> None:
        """Let running streams go on for so long, then cut them."""
        until = time.monotonic() + timeout_s

        def note() -> None:
            self._drain_until = until

        self._call(note)

    def stop(self) -> None:
        """Cut what still runs and end the threads, reports included."""
        self._stopping = True
        self.drain(0)
        self._threads[0].join(timeout=5)
        self._chores.put(None)
        self._threads[1].join(timeout=5)
        self._resuming.shutdown(wait=False, cancel_futures=True)

    # ------------------------------------------------------------------ the streamer's thread

    def _call(self, command: Callable[[], None]) -> None:
        self._commands.append(command)
        with contextlib.suppress(BlockingIOError):
            os.eventfd_write(self._wake, 1)

    def _run(self) -> None:
        while not self._stopping or self._transfers or self._commands:
            for fd, event in self._epoll.poll(self._tick_s if self._transfers else None):
                if fd == self._wake:
                    os.eventfd_read(self._wake)
                else:
                    transfer = self._by_fd.get(fd)
                    if transfer is not None:
                        self._turn(transfer, fd, event)
            # After the events: a new stream may have the number of a descriptor that just closed.
            while self._commands:
                self._safely(self._commands.popleft())
            now = time.monotonic()
            if now >= self._next_tick or self._stopping:
                self._next_tick = now + self._tick_s
                self._look_over(now)

    def _safely(self, command: Callable[[], None]) -> None:
        try:
            command()
        except Exception:  # noqa: BLE001 - one stream's fault must not end the thread of all
            _log.exception("A stream's command failed")

    def _begin(self, transfer: Transfer) -> None:
        self._transfers.add(transfer)
        sink = transfer.sink.fileno()
        self._by_fd[sink] = transfer
        permit = transfer.stream.permit
        if permit is not None:
            self._groups.setdefault(permit.group, (permit, set()))[1].add(transfer)
        self._epoll.register(sink, self._sink_mask(transfer, transfer.wants))
        self._arm(transfer, transfer.wants)

    def _turn(self, transfer: Transfer, fd: int, event: int) -> None:
        if fd == transfer.sink.fileno():
            gone = _GONE if transfer.source_fd is None else _GONE | select.EPOLLRDHUP
            if event & gone:
                self._end(transfer, complete=False, why="the client went away")
                return
        if not transfer.parked:
            self._advance(transfer)

    def _advance(self, transfer: Transfer) -> None:
        try:
            wants = transfer.advance()
        except SinkGone:
            self._end(transfer, complete=False, why="the client went away")
        except SourceBroken:
            self._park(transfer)
        except Exception:  # noqa: BLE001 - one stream's fault must not end the thread of all
            _log.exception("A stream failed")
            self._end(transfer, complete=False, why="an error")
        else:
            if wants is Wants.NOTHING:
                self._end(transfer, complete=True, why="")
            else:
                self._arm(transfer, wants)

    @staticmethod
    def _sink_mask(transfer: Transfer, wants: Wants) -> int:
        # Of a proxied stream, a client that closes its side is gone (as nginx has it), so that the
        # upstream ends at once; of a file, the first refused byte tells.
        watched = select.EPOLLRDHUP if transfer.source_fd is not None else 0
        return watched | (select.EPOLLOUT if wants is Wants.SINK else 0)

    def _arm(self, transfer: Transfer, wants: Wants) -> None:
        if wants is not transfer.wants:
            self._epoll.modify(transfer.sink.fileno(), self._sink_mask(transfer, wants))
            transfer.wants = wants
        source = transfer.source_fd
        if wants is Wants.SOURCE and source is not None:
            mask = select.EPOLLIN | select.EPOLLRDHUP | select.EPOLLONESHOT
            if self._by_fd.get(source) is transfer:
                self._epoll.modify(source, mask)
            else:
                self._by_fd[source] = transfer
                self._epoll.register(source, mask)

    def _forget_source(self, transfer: Transfer) -> None:
        source = transfer.source_fd
        if source is not None and self._by_fd.get(source) is transfer:
            del self._by_fd[source]
            with contextlib.suppress(OSError):
                self._epoll.unregister(source)

    def _park(self, transfer: Transfer) -> None:
        """Open a broken upstream again, elsewhere: that is a whole new request."""
        if not isinstance(transfer, SocketTransfer) or self._drain_until is not None:
            self._end(transfer, complete=False, why="the source broke")
            return
        self._forget_source(transfer)
        transfer.parked = True
        self._epoll.modify(transfer.sink.fileno(), self._sink_mask(transfer, Wants.SOURCE))
        transfer.wants = Wants.SOURCE
        self._resuming.submit(self._reopen, transfer)

    def _reopen(self, transfer: SocketTransfer) -> None:
        try:
            prefix: bytes | None = transfer.reopen()
        except (BodyTruncated, OSError):
            prefix = None
        self._call(lambda: self._unpark(transfer, prefix))

    def _unpark(self, transfer: SocketTransfer, prefix: bytes | None) -> None:
        transfer.parked = False
        if transfer not in self._transfers:
            transfer.stream.body.close()  # ended meanwhile, before there was this new upstream
        elif prefix is None:
            self._end(transfer, complete=False, why="the source broke")
        else:
            transfer.resume(prefix)
            self._advance(transfer)

    def _end(self, transfer: Transfer, *, complete: bool, why: str) -> None:
        self._forget_source(transfer)
        sink = transfer.sink.fileno()
        self._by_fd.pop(sink, None)
        with contextlib.suppress(OSError):
            self._epoll.unregister(sink)
        self._transfers.discard(transfer)
        permit = transfer.stream.permit
        if permit is not None:
            members = self._groups[permit.group][1]
            members.discard(transfer)
            if not members:
                del self._groups[permit.group]
        if not complete:
            _log.info(
                "stream.cut reason=%r sent=%d of=%d", why, transfer.sent, transfer.stream.length
            )
        transfer.drop()
        self._places.release()
        transfer.ended(complete)
        self._chores.put(transfer.stream.close)

    def _look_over(self, now: float) -> None:
        if self._drain_until is not None and now >= self._drain_until:
            for transfer in tuple(self._transfers):
                self._end(transfer, complete=False, why="the server stops")
        for transfer in tuple(self._transfers):
            idle = now - transfer.moved_at
            if idle > self._stall_s / 2 and not transfer.parked:
                self._look_at_idle(transfer, now, stalled=idle > self._stall_s)

    def _look_at_idle(self, transfer: Transfer, now: float, *, stalled: bool) -> None:
        if transfer.wants is Wants.SOURCE:
            if stalled:
                self._park(transfer)
            return
        queued = _unacknowledged(transfer.sink)
        if 0 <= queued < transfer.queued_bytes:
            transfer.moved_at = now  # slow, but it reads
        elif stalled:
            self._end(transfer, complete=False, why="the client stalled")
            return
        transfer.queued_bytes = queued

    def _cut_group(self, group: str) -> None:
        for transfer in tuple(self._groups.get(group, (None, ()))[1]):
            self._end(transfer, complete=False, why="no longer allowed")

    # ------------------------------------------------------------------ the helper's thread

    def _help(self) -> None:
        ask_at = time.monotonic() + RECHECK_S
        while True:
            with contextlib.suppress(queue.Empty):
                chore = self._chores.get(timeout=max(0.0, ask_at - time.monotonic()))
                if chore is None:
                    return
                self._safely(chore)
            if time.monotonic() >= ask_at:
                self._ask_permits()
                ask_at = time.monotonic() + RECHECK_S

    def _ask_permits(self) -> None:
        # A snapshot: list() of a dict is one step for the interpreter.
        for group, (permit, _) in list(self._groups.items()):
            if not permit.holds():
                self._call(lambda group=group: self._cut_group(group))  # type: ignore[misc]


def _unacknowledged(sock: socket.socket) -> int:
    try:
        answer = fcntl.ioctl(sock.fileno(), _TIOCOUTQ, b"\0\0\0\0")
    except OSError:
        return -1
    return int(struct.unpack("i", answer)[0])
