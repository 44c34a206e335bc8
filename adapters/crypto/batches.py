"""Chunks through threads in their order, with memory that does not grow.

While threads work on one batch, the calling thread reads the next one and writes the one before.
Libraries of ciphers let go of the interpreter while they work, so two cores are twice as fast.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

SHARE = 6  # chunks that a thread takes at a time: a quarter to three quarters of a millisecond
MAX_LANES = 4
SPARE = 16  # some ciphers ask for room behind what they write

L = TypeVar("L")


@dataclass(slots=True)
class Batch:
    """``count`` chunks from chunk ``first``, side by side in buffers that are used again."""

    source: memoryview
    target: memoryview
    first: int = 0
    count: int = 0
    shares: list["Future[None] | None"] = field(default_factory=list)

    def wait(self) -> None:
        """Return when all is worked through; raise what the first chunk that failed raised."""
        for share in self.shares:
            if share is not None:
                share.result()


@dataclass(frozen=True, slots=True)
class Steps(Generic[L]):
    """What is done with a batch: ``load`` and ``done`` in the calling thread, ``work`` in any.

    ``work`` gets the lane that is its own meanwhile, and the place of one chunk in the batch.
    ``done`` sees batches in order, and only those in which all work went well.
    """

    load: Callable[[Batch], None]
    work: Callable[[L, Batch, int], None]
    done: Callable[[Batch], None]


class Buffers:
    """Batches that are used again: the memory of a fresh one costs a tenth of opening a range.

    Args:
        chunk_bytes: of the larger of source and target.
        keep: so many batches at most wait for their next use.
    """

    def __init__(self, chunk_bytes: int, *, keep: int = 2) -> None:
        self._chunk_bytes = chunk_bytes
        self._kept = deque[Batch](maxlen=keep)

    def take(self, count: int) -> Batch:
        """Return a batch for up to ``count`` chunks; threads never share one."""
        try:
            batch = self._kept.pop()
        except IndexError:
            batch = None
        size = count * self._chunk_bytes + SPARE
        if batch is None or len(batch.source) < size:
            batch = Batch(memoryview(bytearray(size)), memoryview(bytearray(size)))
        return batch

    def give_back(self, batch: Batch) -> None:
        """Keep a batch whose work is done."""
        self._kept.append(batch)


def run_in_batches(
    chunks: range, steps: Steps[L], *, buffers: Buffers, lane: Callable[[], L], at_most: int
) -> None:
    """Take ``chunks`` through the steps.

    Args:
        chunks: their numbers.
        steps: what to do.
        buffers: where batches come from.
        lane: makes what one thread works with.
        at_most: so many threads; fewer where there is little to do, and none for one share.
    """
    width = min(at_most, -(-len(chunks) // SHARE))
    lanes = deque(lane() for _ in range(width))
    size = min(width * SHARE, len(chunks))
    free = deque(buffers.take(size) for _ in range(min(width, 2)))
    busy = deque[Batch]()

    def take_share(batch: Batch, begin: int) -> None:
        own = lanes.pop()  # there are as many as threads
        try:
            for place in range(begin, min(begin + SHARE, batch.count)):
                steps.work(own, batch, place)
        finally:
            lanes.append(own)

    def finish() -> None:
        batch = busy.popleft()
        batch.wait()
        steps.done(batch)
        free.append(batch)

    with _threads(width) as start:
        for first in range(chunks.start, chunks.stop, size):
            if not free:
                finish()
            batch = free.popleft()
            batch.first, batch.count = first, min(size, chunks.stop - first)
            steps.load(batch)
            shares = range(0, batch.count, SHARE)
            batch.shares = [start(take_share, batch, begin) for begin in shares]
            busy.append(batch)
        while busy:
            finish()
    for batch in free:  # after a failure they are left to the collector
        buffers.give_back(batch)


def cores() -> int:
    """Return how many cores this process may use, as far as the system tells."""
    allowed = getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count() or 1))
    return len(allowed(0))


@contextmanager
def _threads(count: int) -> Iterator[Callable[..., "Future[None] | None"]]:
    """Yield what starts a call: in one of ``count`` threads, or here and now if that is one."""
    if count == 1:

        def now(call: Callable[..., None], *arguments: object) -> None:
            call(*arguments)

        yield now
        return
    with ThreadPoolExecutor(count, thread_name_prefix="vlr1") as pool:
        yield pool.submit
