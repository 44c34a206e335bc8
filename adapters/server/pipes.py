"""Pipes to splice through, lent while they hold bytes."""

import contextlib
import fcntl
import os
import threading
from dataclasses import dataclass

SMALL = 64 * 1024
LARGE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Pipe:
    """A pipe that blocks on neither end and holds ``capacity`` bytes."""

    read_fd: int
    write_fd: int
    capacity: int

    def close(self) -> None:
        """Close both ends."""
        os.close(self.read_fd)
        os.close(self.write_fd)


class PipePool:
    """Empty pipes to borrow.

    A large pipe moves more bytes per call, but large pipes are few: the kernel lets one user pin
    only so many pages (64 MiB by default, unless root). The first ``large`` ones are large, the
    others have the kernel's usual size.
    """

    def __init__(self, *, large: int = 16, keep: int = 32) -> None:
        self._large_left, self._keep = large, keep
        self._free: list[Pipe] = []
        self._lock = threading.Lock()

    def take(self) -> Pipe:
        """Return an empty pipe, a new one if none lies ready; raises OSError without a descriptor
        left.
        """
        with self._lock:
            if self._free:
                return self._free.pop()
            wants_large = self._large_left > 0
            self._large_left -= wants_large
        read_fd, write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        capacity = SMALL
        if wants_large:
            with contextlib.suppress(OSError):  # over the user's share of pages: small it stays
                capacity = fcntl.fcntl(write_fd, fcntl.F_SETPIPE_SZ, LARGE)
        return Pipe(read_fd, write_fd, capacity)

    def give_back(self, pipe: Pipe, *, empty: bool) -> None:
        """Take a pipe back; one that still holds bytes is closed."""
        with self._lock:
            if empty and len(self._free) < self._keep:
                if pipe.capacity > SMALL:
                    self._free.append(pipe)
                else:
                    self._free.insert(0, pipe)
                return
            self._large_left += pipe.capacity > SMALL
        pipe.close()

    def close(self) -> None:
        """Close the pipes that lie ready."""
        with self._lock:
            free, self._free = self._free, []
        for pipe in free:
            pipe.close()
