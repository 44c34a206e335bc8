"""Read by mypy only: the counters are what their port says."""

from adapters.memory.counters import MemoryCounters
from adapters.system.counters import RedisCounters, SqliteCounters
from ports.counters import Counters


def _conform(memory: MemoryCounters, sqlite: SqliteCounters, redis: RedisCounters) -> None:
    _counters: tuple[Counters, ...] = (memory, sqlite, redis)
