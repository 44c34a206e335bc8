"""Connections kept for the next request to the same origin."""

import select
import socket
import time
from collections import deque
from threading import Lock

from adapters.http.dial import Origin

MAX_IDLE = 64
IDLE_S = 30.0


class Pool:
    """Idle sockets by origin, the last used first; old and broken ones are dropped."""

    def __init__(self, *, idle_s: float = IDLE_S, max_idle: int = MAX_IDLE) -> None:
        self._idle_s, self._max_idle = idle_s, max_idle
        self._free: dict[Origin, deque[tuple[socket.socket, float]]] = {}
        self._lock = Lock()

    def take(self, origin: Origin) -> socket.socket | None:
        """Return a connection that looks alive, or None."""
        while True:
            with self._lock:
                free = self._free.get(origin)
                if not free:
                    return None
                sock, since = free.pop()
            if time.monotonic() - since < self._idle_s and not _readable(sock):
                return sock
            sock.close()

    def give(self, origin: Origin, sock: socket.socket) -> None:
        """Keep a connection whose last answer was read to its end."""
        now = time.monotonic()
        with self._lock:
            free = self._free.setdefault(origin, deque())
            free.append((sock, now))
            stale = []
            while free and (len(free) > self._max_idle or now - free[0][1] >= self._idle_s):
                stale.append(free.popleft()[0])
        for old in stale:
            old.close()

    def close(self) -> None:
        """Close every idle connection."""
        with self._lock:
            idle = [sock for free in self._free.values() for sock, _ in free]
            self._free.clear()
        for sock in idle:
            sock.close()


def _readable(sock: socket.socket) -> bool:
    # An idle connection has nothing to say: readable means closed, or bytes nobody asked for.
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))
