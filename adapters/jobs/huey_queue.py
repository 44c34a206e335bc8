"""Huey as a doorbell: its messages are ids of jobs in plain text, never pickles.

Huey gives a message to one worker and forgets it, so a killed worker loses it. The job table is
what counts; whoever looks through it rings again.
"""

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from huey.api import Huey, MemoryHuey, RedisHuey, SqliteHuey
from huey.consumer import Consumer
from huey.registry import Message
from huey.serializer import Serializer
from huey.storage import RedisStorage
from redis import RedisError

from domain.ids import JobId

_QUEUE, _TASK = "velour", "job"
_POLL_S = 0.5
_MOST_THREADS = 32
_log = logging.getLogger(__name__)


class PlainIds(Serializer):  # type: ignore[misc]
    """Messages as the text of a UUID. What is anything else is refused, not read."""

    def __init__(self) -> None:
        super().__init__()
        self.task_name = ""

    def serialize(self, data: Message) -> bytes:
        """Return the id that the message carries."""
        return str(data.args[0]).encode("ascii")

    def deserialize(self, data: bytes) -> Message:
        """Return a message for the id; raises ValueError for another text."""
        job_id = UUID(bytes(data).decode("ascii"))
        return Message(str(uuid4()), self.task_name, retries=0, args=(job_id,), kwargs={})


class HueyJobQueue:
    """Rings through Huey, and answers rings with its consumer."""

    def __init__(self, make: Callable[..., Huey], *, name: str = _QUEUE) -> None:
        self._serializer = PlainIds()
        self._huey = make(name=name, results=False, serializer=self._serializer)
        self._run: Callable[[JobId], object] | None = None
        self._consumer: Any = None
        self._task = self._huey.task(name=_TASK)(self._answer)
        self._serializer.task_name = self._huey._registry.task_to_string(  # noqa: SLF001
            self._task.task_class
        )

    @classmethod
    def in_file(cls, path: Path) -> "HueyJobQueue":
        """Ring through a SQLite file of its own."""
        return cls(lambda **options: SqliteHuey(filename=str(path), fsync=False, **options))

    @classmethod
    def in_redis(cls, url: str, *, node: str) -> "HueyJobQueue":
        """Ring through Redis, for workers on other machines; ``node`` keeps nodes apart there."""
        return cls(lambda **options: RedisHuey(url=url, **options), name=f"{_QUEUE}_{node}")

    @classmethod
    def in_memory(cls) -> "HueyJobQueue":
        """Ring inside this process."""
        return cls(MemoryHuey)

    def ring(self, job_id: JobId) -> None:
        """Tell some worker. A ring that cannot be sent is logged: the job is in the table."""
        try:
            # Who looks through the table rings again for what still waits: once is enough.
            if str(job_id).encode() not in map(bytes, self._huey.storage.enqueued_items()):
                self._task(job_id)
        except (sqlite3.Error, RedisError, OSError) as exc:
            _log.warning("the doorbell does not ring: %s", type(exc).__name__)

    def start(self, run: Callable[[JobId], object], *, threads: int) -> None:
        """Let that many threads answer rings."""
        self._run = run
        self._consumer = _QuietConsumer(
            self._huey,
            workers=min(threads, _MOST_THREADS),
            periodic=False,
            initial_delay=0.1,
            max_delay=_POLL_S,
            scheduler_interval=60,
        )
        self._consumer.start()

    def check(self) -> None:
        """Start threads anew that died."""
        if self._consumer is not None:
            self._consumer.check_worker_health()

    def stop(self, *, timeout_s: float) -> bool:
        """Take no more rings and wait for running calls."""
        if self._consumer is None:
            return True
        self._consumer.shutdown_timeout = timeout_s
        self._consumer.stop_flag.set()
        ended = bool(self._consumer._join_workers())  # noqa: SLF001 - stop() tells nobody
        self._consumer = None
        return ended

    def close(self) -> None:
        """Close the connections; a later ring opens them again."""
        storage = self._huey.storage
        storage.close()
        if isinstance(storage, RedisStorage):
            storage.pool.disconnect()

    def _answer(self, job_id: UUID) -> None:
        if self._run is not None:
            self._run(JobId(job_id))


class _QuietConsumer(Consumer):  # type: ignore[misc]
    """Leaves signals to the process it is part of."""

    def _set_signal_handlers(self) -> None:
        """Nothing: whoever started the consumer stops it."""


def open_job_queue(path: Path, *, redis_url: str, node: str) -> HueyJobQueue:
    """Return the queue in Redis where an URL is set, else the one in the file ``path``."""
    if redis_url:
        return HueyJobQueue.in_redis(redis_url, node=node)
    return HueyJobQueue.in_file(path)
