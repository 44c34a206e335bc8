"""A small pool of child processes that look into media files, each killed when it misbehaves."""

import errno
import json
import os
import queue
import signal
import socket
import stat
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.media.desk import SpanDesk
from adapters.media.lockdown import CPU_S
from domain.errors import Unavailable
from ports.library.media import MediaUnreadable, SpanSource

_ROOT = Path(__file__).resolve().parent.parent.parent
_START_S = 30.0
_FILES_PER_CHILD = 2000
_IDLE_S = 50.0  # sooner than a child ends by itself
_MAX_CPU_S = CPU_S / 3  # a child that worked for so long is replaced before its limit ends it
_MAX_ANSWER = 4 * 1024 * 1024
_LENGTH = struct.Struct("!I")
_AFTER_REFUSAL_S = 0.5
_REFUSED = b"\xff\xff\xff\xff"


class MediaReaderBroken(Unavailable):
    """The child process does not start: nothing is wrong with any file."""

    code = "media.reader-broken"
    title = "The process that reads media files does not start"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a child said, with the picture or text it made."""

    fields: dict[str, Any]
    payload: bytes


class ChildPool:
    """Up to ``size`` children, started when first needed; safe to share between threads.

    Args:
        size: how many files are looked into at once; further callers wait.
        timeout_s: for one file; then its child is killed.
        memory_mib: address space of one child.
    """

    def __init__(self, *, size: int, timeout_s: float, memory_mib: int) -> None:
        self._timeout_s, self._memory_mib = timeout_s, memory_mib
        self._seats: queue.LifoQueue[_Child | None] = queue.LifoQueue()
        for _ in range(size):
            self._seats.put(None)
        self._lock = threading.Lock()
        self._living: set[_Child] = set()

    def ask(self, path: str, request: dict[str, Any], *, patience: int = 1) -> Answer:
        """Open ``path`` and have a child answer ``request`` about it.

        Args:
            path: of a regular file.
            request: what to do, see ``adapters.media.child``.
            patience: how many times longer than usual it may take.

        Raises:
            MediaUnreadable: with the reason; also when the child had to be killed.
            MediaReaderBroken: no child starts.
        """
        return self._ask_about(_open_regular(path), request, patience, None)

    def ask_about_data(self, data: bytes, request: dict[str, Any]) -> Answer:
        """Have a child answer ``request`` about bytes in memory; raises as ``ask`` does."""
        return self._ask_about(_file_in_memory(data), request, 1, None)

    def ask_about_source(
        self, source: SpanSource, request: dict[str, Any], *, patience: int = 1
    ) -> Answer:
        """Have a child answer ``request`` about an object of another machine.

        Raises:
            MediaUnreadable, MediaReaderBroken: as ``ask`` does.
            Exception: whatever ``source.read`` raised, as it was.
        """
        desk = SpanDesk(source)
        try:
            answer = self._ask_about(None, {**request, "size": source.size_bytes}, patience, desk)
        except MediaUnreadable as exc:
            if desk.failure is not None:
                raise desk.failure from exc
            raise
        if desk.failure is not None:
            raise desk.failure
        return answer

    def _ask_about(
        self, fd: int | None, request: dict[str, Any], patience: int, desk: SpanDesk | None
    ) -> Answer:
        """Have a child answer; ``fd`` is closed here."""
        timeout_s = self._timeout_s * patience
        child = self._seats.get()
        try:
            if child is not None and child.is_stale:
                self._discard(child)
                child = None
            if child is None:
                child = self._start()
            answer = child.ask(fd, request, timeout_s=timeout_s, desk=desk)
        except TimeoutError:
            self._discard(child)
            child = None
            raise MediaUnreadable(f"reading it took longer than {timeout_s:g} seconds") from None
        except OSError as exc:
            self._discard(child)
            child = None
            raise MediaUnreadable("it makes the media reader crash") from exc
        except BaseException:
            self._discard(child)
            child = None
            raise
        finally:
            if fd is not None:
                os.close(fd)
            if child is not None and child.is_worn:
                self._discard(child)
                child = None
            self._seats.put(child)
        if "error" in answer.fields:
            raise MediaUnreadable(str(answer.fields["error"]))
        return answer

    def close(self) -> None:
        """Stop all children, also those at work; a later ``ask`` starts new ones."""
        with self._lock:
            living, self._living = self._living, set()
        for child in living:
            child.kill()

    def _start(self) -> "_Child":
        child = _Child(memory_mib=self._memory_mib)
        with self._lock:
            self._living.add(child)
        return child

    def _discard(self, child: "_Child | None") -> None:
        if child is not None:
            with self._lock:
                self._living.discard(child)
            child.kill()


class _Child:
    """One process and the socket to it."""

    def __init__(self, *, memory_mib: int) -> None:
        self._files, self._cpu_s, self._asked_at = 0, 0.0, time.monotonic()
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        # The child notices our end by this pipe: nobody else holds the writing side.
        watched, self._alive = os.pipe()
        try:
            self._process = _spawn(theirs.fileno(), watched, memory_mib)
        except OSError as exc:
            self._channel.close()
            os.close(self._alive)
            raise MediaReaderBroken from exc
        finally:
            theirs.close()
            os.close(watched)
        self._channel.settimeout(_START_S)
        try:
            ready = self._channel.recv(2)
        except OSError:
            ready = b""
        if ready != b"{}":
            self.kill()
            raise MediaReaderBroken

    @property
    def is_stale(self) -> bool:
        """Whether the process was stopped, or may have ended by itself for want of work."""
        return self._alive < 0 or time.monotonic() - self._asked_at > _IDLE_S

    @property
    def is_worn(self) -> bool:
        """Whether the process has done enough, by files or by seconds."""
        return self._files >= _FILES_PER_CHILD or self._cpu_s >= _MAX_CPU_S

    def ask(
        self, fd: int | None, request: dict[str, Any], *, timeout_s: float, desk: SpanDesk | None
    ) -> Answer:
        self._files += 1
        self._asked_at = time.monotonic()
        deadline = self._asked_at + timeout_s
        self._channel.settimeout(timeout_s)
        fds = [] if fd is None else [fd]
        socket.send_fds(self._channel, [json.dumps(request).encode()], fds)
        fields = self._receive_fields(deadline)
        while desk is not None and "span" in fields:
            span = desk.answer(fields["span"])
            if span is None:  # FFmpeg may go on trying, at every byte of the file
                deadline = min(deadline, time.monotonic() + _AFTER_REFUSAL_S)
            self._send(_REFUSED if span is None else _LENGTH.pack(len(span)) + span, deadline)
            fields = self._receive_fields(deadline)
        try:
            payload = self._receive(int(fields.pop("payload_bytes")), deadline)
            self._cpu_s = float(fields.pop("cpu_s"))
        except (ValueError, KeyError, TypeError) as exc:
            raise ConnectionResetError("the child speaks nonsense") from exc
        self._asked_at = time.monotonic()
        return Answer(fields, payload)

    def kill(self) -> None:
        self._channel.close()
        with suppress(OSError):
            os.close(self._alive)
        self._alive = -1
        self._process.send_signal(signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):  # it may hang in a dead disk beyond any signal
            self._process.wait(_START_S)

    def _receive_fields(self, deadline: float) -> dict[str, Any]:
        (length,) = _LENGTH.unpack(self._receive(_LENGTH.size, deadline))
        try:
            fields = json.loads(self._receive(length, deadline))
        except ValueError as exc:
            raise ConnectionResetError("the child speaks nonsense") from exc
        if not isinstance(fields, dict):
            raise ConnectionResetError("the child speaks nonsense")
        return fields

    def _send(self, message: bytes, deadline: float) -> None:
        left_s = deadline - time.monotonic()
        if left_s <= 0:  # its source took all the time
            raise TimeoutError
        self._channel.settimeout(left_s)
        self._channel.sendall(message)

    def _receive(self, length: int, deadline: float) -> bytes:
        if not 0 <= length <= _MAX_ANSWER:
            raise ConnectionResetError("the child's answer is too long")
        pieces = bytearray()
        while len(pieces) < length:
            self._channel.settimeout(max(0.001, deadline - time.monotonic()))
            piece = self._channel.recv(length - len(pieces))
            if not piece:
                raise ConnectionResetError("the child died")
            pieces += piece
        return bytes(pieces)


def _spawn(channel_fd: int, alive_fd: int, memory_mib: int) -> subprocess.Popen[bytes]:
    arguments = (str(channel_fd), str(alive_fd), str(memory_mib))
    return subprocess.Popen(
        [sys.executable, "-m", "adapters.media.child", *arguments],
        cwd=_ROOT,
        env={"LANG": "C.UTF-8", "PATH": os.defpath},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(channel_fd, alive_fd),
        start_new_session=True,
    )


def _file_in_memory(data: bytes) -> int:
    fd = os.memfd_create("media", os.MFD_CLOEXEC)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(fd, left) :]
    except BaseException:
        os.close(fd)
        raise
    return fd


def _open_regular(path: str) -> int:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as exc:
        words = {errno.ENOENT: "it is no longer there", errno.EACCES: "this node may not read it"}
        number = getattr(exc, "errno", 0)
        raise MediaUnreadable(words.get(number, "it cannot be opened")) from exc
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise MediaUnreadable("it is not a regular file")
    return fd
