"""The whole catalogue as lines: in process against bare cursors, and over HTTP."""

import resource
import socket
import time
from collections.abc import Callable, Iterator

import sqlalchemy as sa

from adapters.sql.queries.catalogue import SqlCatalogue
from ports.library.catalogue import EVERYTHING, Visibility
from tests.benchmarks.catalogue_data import BigCatalogue, fill
from tests.benchmarks.harness import Row, Server, cpu_seconds, free_port, memory_kib, serve_command
from tests.benchmarks.node import inside, new_node

_TEXTS = (
    "SELECT fields, metadata_fields FROM work",
    "SELECT fields, availability FROM video WHERE availability <> 'gone'",
)


def export(
    engine_name: str, catalogue: SqlCatalogue, engine: sa.Engine, made: BigCatalogue
) -> Iterator[Row]:
    """Measure works per second in this process."""
    one = Visibility(frozenset({made.library.id}), learnt=False, metadata=True)
    for who, seen_by, share in (("everything", EVERYTHING, 1.0), ("one library", one, 0.98)):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        pairs = [
            (_seconds(lambda: _read(engine)), _seconds(lambda v=seen_by: _walk(catalogue, v)))
            for _ in range(3)
        ]
        grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        bare_s, spent_s = (sorted(each)[1] for each in zip(*pairs, strict=True))
        works = made.works * share
        yield Row(
            f"{engine_name}, export, {who}", f"{works / spent_s:,.0f} works/s",
            f"bare cursors over the same texts {made.works / bare_s:,.0f}",
            bare_s / spent_s * share, at_least=0.5,
        )  # fmt: skip
        yield Row(
            f"{engine_name}, memory that grew meanwhile (mapped pages of SQLite among it)",
            f"{grown_mib:.0f} MiB", "",
        )  # fmt: skip


def export_over_http(count: int) -> Iterator[Row]:
    """Measure one worker on one core, the client on the other."""
    with new_node() as node:
        with inside(node) as container:
            made = fill(container.engine(), count)
        key = node.json("key", "create", "bench", "--kind", "app", "--scope", "read", "--scope", "metadata")["key"]  # fmt: skip
        port = free_port()
        with Server(serve_command("wsgi:app", port), port, env=node.environment) as server:
            _fetch(port, key)
            quiet_kib = memory_kib(server.pid)
            begun, cpu = time.monotonic(), cpu_seconds(server.pid)
            received = _fetch(port, key)
            seconds, cpu = time.monotonic() - begun, cpu_seconds(server.pid) - cpu
            grown_kib = memory_kib(server.pid) - quiet_kib
    yield Row(
        f"SQLite, export of {made.works} works over HTTP, one worker",
        f"{made.works / seconds:,.0f} works/s, {received / seconds / 1e6:.0f} MB/s, "
        f"{made.works / cpu:,.0f} works/CPU s", "target 600,000",
        made.works / cpu / 600_000, at_least=1.0,
    )  # fmt: skip
    yield Row(
        "memory of the server that grew with a second export", f"{grown_kib} KiB",
        "target 16 MiB", grown_kib / 1024 / 16, at_most=1.0,
    )  # fmt: skip


def _read(engine: sa.Engine) -> None:
    """Read the same texts, and nothing else."""
    with engine.connect() as connection:
        cursor = connection.connection.cursor()
        for statement in _TEXTS:
            cursor.execute(statement)
            while cursor.fetchmany(1000):
                pass


def _walk(catalogue: SqlCatalogue, seen_by: Visibility) -> None:
    for _ in catalogue.export(seen_by):
        pass


def _seconds(act: Callable[[], None]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _fetch(port: int, key: str) -> int:
    """Fetch the export to its last chunk; return how many bytes came."""
    request = (
        f"GET /api/v1/works HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
        f"Authorization: Bearer {key}\r\nAccept: application/x-ndjson\r\n\r\n"
    )
    buffer, received, end = bytearray(1 << 20), 0, b""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(request.encode())
        while size := sock.recv_into(buffer):
            received += size
            end = (end + bytes(buffer[max(0, size - 5) : size]))[-5:]
    if end != b"0\r\n\r\n":
        raise RuntimeError("the export was cut")
    return received
