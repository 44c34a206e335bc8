"""Counters that the processes of a node share: a small SQLite file, or Redis."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from domain.errors import Unavailable
from ports.counters import Count

_SWEEP_EVERY = 1_000

_ADD = """
INSERT INTO counter (key, total, resets_at) VALUES (:key, max(:amount, 0), :now + :window)
ON CONFLICT (key) DO UPDATE SET
    total = CASE WHEN resets_at > :now AND resets_at <= :now + :window
                 THEN max(total + :amount, 0) ELSE max(:amount, 0) END,
    resets_at = CASE WHEN resets_at > :now AND resets_at <= :now + :window
                     THEN resets_at ELSE :now + :window END
RETURNING total, resets_at
"""


class SqliteCounters:
    """Counts in a file of the data directory.

    A power cut may lose the last counts: nothing is forced to the disk. ``now`` gives seconds
    since the epoch.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.time) -> None:
        self._path, self._now = path, now
        self._idle: list[sqlite3.Connection] = []
        self._pid = os.getpid()
        self._changes = 0

    def add(self, key: str, *, window_s: int, amount: int = 1) -> Count:
        """Add to a counter, in one statement."""
        now = self._now()
        self._sweep(now)
        rows = self._run(_ADD, {"key": key, "amount": amount, "now": now, "window": window_s})
        total, resets_at = rows[0]
        return Count(total, resets_at)

    def get(self, key: str) -> Count:
        """Read a counter."""
        rows = self._run(
            "SELECT total, resets_at FROM counter WHERE key = ? AND resets_at > ?",
            (key, self._now()),
        )
        return Count(*rows[0]) if rows else Count(0, 0.0)

    def clear(self, key: str) -> None:
        """Forget a counter."""
        self._run("DELETE FROM counter WHERE key = ?", (key,))

    def touch(self, key: str, *, idle_s: int) -> bool:
        """Keep a key alive."""
        now = self._now()
        self._sweep(now)
        with self._connection() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            alive = connection.execute(
                "SELECT 1 FROM counter WHERE key = ? AND resets_at > ?", (key, now)
            ).fetchone()
            connection.execute(
                "INSERT OR REPLACE INTO counter (key, total, resets_at) VALUES (?, 1, ?)",
                (key, now + idle_s),
            )
        return alive is not None

    def close(self) -> None:
        """Close the file; what is counted after it opens it again."""
        while self._idle:
            self._idle.pop().close()

    def _run(self, statement: str, values: Any) -> list[Any]:
        with (
            self._connection() as connection,
            closing(connection.execute(statement, values)) as cursor,
        ):
            return cursor.fetchall()

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection, as many as are used at the same time; SQLite's locks order them."""
        if self._pid != os.getpid():  # forked: the parent's connections are not ours to use
            self._idle, self._pid = [], os.getpid()
        try:
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._open()
            yield connection
            self._idle.append(connection)
        except sqlite3.Error as exc:
            raise Unavailable("the shared counters do not answer") from exc

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=5, isolation_level=None, check_same_thread=False
        )
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS counter ("
            "key TEXT PRIMARY KEY, total INTEGER NOT NULL, resets_at REAL NOT NULL"
            ") WITHOUT ROWID"
        )
        return connection

    def _sweep(self, now: float) -> None:
        self._changes += 1
        if self._changes >= _SWEEP_EVERY:
            self._changes = 0
            self._run("DELETE FROM counter WHERE resets_at <= ?", (now,))


_REDIS_ADD = """
local total = redis.call('INCRBY', KEYS[1], ARGV[1])
if total < 0 then
  redis.call('INCRBY', KEYS[1], -total)
  total = 0
end
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  left = tonumber(ARGV[2])
end
return {total, left}
"""


class RedisCounters:
    """Counts in Redis, for nodes of several machines. Its own clock ends the windows."""

    def __init__(self, redis: Redis, *, prefix: str = "velour:counter:") -> None:
        self._redis, self._prefix = redis, prefix
        self._add = redis.register_script(_REDIS_ADD)

    @classmethod
    def from_url(cls, url: str, *, prefix: str = "velour:counter:") -> "RedisCounters":
        """Connect to the Redis of the settings; nothing is sent yet."""
        redis = Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
        return cls(redis, prefix=prefix)

    def add(self, key: str, *, window_s: int, amount: int = 1) -> Count:
        """Add to a counter, in one script."""
        reply = self._call(self._add, keys=[self._prefix + key], args=[amount, window_s * 1000])
        return Count(int(reply[0]), time.time() + int(reply[1]) / 1000)

    def get(self, key: str) -> Count:
        """Read a counter."""
        name = self._prefix + key
        value, left = self._call(lambda: (self._redis.get(name), self._redis.pttl(name)))
        if value is None or int(left) <= 0:
            return Count(0, 0.0)
        return Count(int(value), time.time() + int(left) / 1000)

    def clear(self, key: str) -> None:
        """Forget a counter."""
        self._call(self._redis.delete, self._prefix + key)

    def touch(self, key: str, *, idle_s: int) -> bool:
        """Keep a key alive."""
        name = self._prefix + key
        return self._call(self._redis.set, name, 1, ex=idle_s, get=True) is not None

    def close(self) -> None:
        """Close the connections."""
        self._redis.close()

    def _call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except RedisError as exc:
            raise Unavailable("the shared counters do not answer") from exc
