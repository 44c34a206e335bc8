"""Answers that stay good until somebody commits.

SQLite tells cheaply whether anything was committed since one last looked: ``PRAGMA data_version``
of a connection that never writes. While it stays the same, so does every answer, and a look-up
costs microseconds instead of a transaction. Elsewhere every look-up asks the database.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import sqlalchemy as sa

_MOST = 4096

Answer = TypeVar("Answer")


class CommitStamp:
    """A number that changes whenever any process commits."""

    def __init__(self, engine: sa.Engine) -> None:
        name = engine.url.database if engine.dialect.name == "sqlite" else None
        self._file = name if name and name != ":memory:" else None
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._owner = 0

    def now(self) -> int | None:
        """Return the number, or None where there is none to be had."""
        if self._file is None:
            return None
        with self._lock:
            try:
                return int(
                    self._connect(self._file).execute("PRAGMA data_version").fetchall()[0][0]
                )
            except sqlite3.Error:
                return None

    def _connect(self, file: str) -> sqlite3.Connection:
        if self._connection is None or self._owner != os.getpid():
            # A parent's connection is left alone: closing it here would drop the parent's locks.
            self._connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
            self._owner = os.getpid()
        return self._connection


class Remembered(Generic[Answer]):
    """Answers by question, each with the stamp it was read at."""

    def __init__(self, stamp: CommitStamp) -> None:
        self._stamp = stamp
        self._answers: dict[Hashable, tuple[int, Answer]] = {}

    def get(self, question: Hashable, read: Callable[[], Answer]) -> Answer:
        """Return the answer of the present state; None is never remembered."""
        # Taken before reading: what is committed in between makes the answer stale, not wrong.
        stamp = self._stamp.now()
        known = self._answers.get(question)
        if known is not None and known[0] == stamp:
            return known[1]
        answer = read()
        if stamp is not None and answer is not None:
            if len(self._answers) >= _MOST:
                self._answers.clear()
            self._answers[question] = (stamp, answer)
        return answer
