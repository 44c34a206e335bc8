"""Ranges of a local film: our worker with authentication, against nginx's sendfile without any."""

import sys
import threading
import time
from collections.abc import Iterator

from tests.benchmarks.harness import (
    MIB,
    Row,
    Server,
    cpu_seconds,
    free_port,
    large_file,
    load,
    median,
    memory_kib,
    nginx,
    private_kib,
    ratio,
    rounds,
)
from tests.benchmarks.node import FilmNode, film_node

SIZE = 1024 * MIB
VIEWERS = 1000
VIEWER_RATE = 250_000  # bytes per second, 2 Mb/s


def run() -> Iterator[Row]:
    """Yield the section's rows."""
    with large_file(SIZE) as film, film_node(film) as node:
        with node.serving() as ours, nginx(f"location / {{ root {film.parent}; }}") as reference:
            path = f"/{film.name}"
            yield from _sizes(node, ours, reference, path)
            yield from _seeks(node, ours)
            yield from _memory(node, ours)
        with node.serving() as ours:
            yield from _viewers(node, ours)
        yield from _naive(node, str(film))


def _sizes(node: FilmNode, ours: Server, reference: Server, path: str) -> Iterator[Row]:
    for mib, count in ((1, 500), (16, 64), (64, 16)):
        options = {"c": 8, "n": count, "S": SIZE, "L": mib * MIB}
        variants = {
            "nginx": lambda o=options: load(reference, path, **o),
            "signed": lambda o=options: load(ours, node.signed_path, **o),
        }
        if mib == 1:
            variants["key"] = lambda o=options: load(ours, node.api_path, headers=node.bearer, **o)
        found = rounds(variants)
        limits = {1: (3.3, 0.28), 16: (1.35, 0.80), 64: (None, 0.85)}[mib]
        names = [("signed", *limits)]
        if mib == 1:
            names.append(("key", 4.5, 0.19))  # each leaves a row in the audit trail
        for name, cpu_limit, speed_limit in names:
            yield _row(
                f"{mib} MiB ranges, {name}: CPU s/GB",
                found,
                name,
                "cpu_s_per_gb",
                at_most=cpu_limit,
            )
            yield _row(
                f"{mib} MiB ranges, {name}: MB/s", found, name, "mb_per_s", at_least=speed_limit
            )


def _row(label: str, found: dict, name: str, key: str, **limits: float | None) -> Row:
    return Row(
        label,
        f"{median(found[name], key):.3g}",
        f"nginx {median(found['nginx'], key):.3g}",
        ratio(found[name], found["nginx"], key),
        **limits,
    )


def _seeks(node: FilmNode, ours: Server) -> Iterator[Row]:
    tenth = SIZE // 10

    def at(first: int) -> dict[str, float]:
        return load(ours, node.signed_path, c=1, n=200, L=MIB, O=first, S=first + tenth)

    found = rounds({"start": lambda: at(0), "end": lambda: at(SIZE - tenth)})
    yield Row(
        "Seek to 90-100 % of the film: p50 ms",
        f"{median(found['end'], 'p50_ms'):.3g}",
        f"0-10 % {median(found['start'], 'p50_ms'):.3g}",
        ratio(found["end"], found["start"], "p50_ms"),
        at_most=1.2,
    )


def _memory(node: FilmNode, ours: Server) -> Iterator[Row]:
    load(ours, node.signed_path, c=8, n=16, S=SIZE, L=8 * MIB)
    before = memory_kib(ours.pid)
    load(ours, node.signed_path, c=1, n=4)
    grown = (memory_kib(ours.pid) - before) / 1024
    yield Row("Memory growth while 4 GiB stream: MiB", f"{grown:.1f}", "", grown, at_most=2)


def _viewers(node: FilmNode, ours: Server) -> Iterator[Row]:
    hello = {"c": 1, "n": 300}
    load(ours, "/health/live", **hello)
    idle_kib = private_kib(ours.pid)
    report: dict[str, float] = {}
    paced = {"c": VIEWERS, "t": 7, "r": VIEWER_RATE, "b": 65536, "timeout_s": 40}
    thread = threading.Thread(target=lambda: report.update(load(ours, node.signed_path, **paced)))
    thread.start()
    time.sleep(3)
    before, begun = cpu_seconds(ours.pid), time.monotonic()
    time.sleep(2)
    cores = (cpu_seconds(ours.pid) - before) / (time.monotonic() - begun)
    answers = load(ours, "/health/live", **hello)
    each_kib = (private_kib(ours.pid) - idle_kib) / VIEWERS
    thread.join()
    told = f"{VIEWERS} viewers at 2 Mb/s"
    yield Row(f"{told}: starved", f"{report['starved']}", "", report["starved"], at_most=0)
    yield Row(f"{told}: KiB each", f"{each_kib:.1f}", "", each_kib, at_most=8)
    yield Row(f"{told}: cores", f"{cores:.3f}", "", cores, at_most=0.15)
    yield Row(
        f"{told}: another request meanwhile, p99 ms",
        f"{answers['p99_ms']:.2f}",
        "",
        answers["p99_ms"],
        at_most=5,
    )


def _naive(node: FilmNode, film: str) -> Iterator[Row]:
    port = free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "tests.benchmarks.naive_app:app", "-k", "gthread"),
        *("--threads", "8", "-b", f"127.0.0.1:{port}", "--no-control-socket"),
    ]
    options = {"c": 8, "S": SIZE, "L": MIB}
    with node.serving() as ours:
        load(ours, node.signed_path, n=100, **options)
        fast = load(ours, node.signed_path, n=700, **options)
    with Server(command, port, env={"NAIVE_FILE": film}) as naive:
        slow = load(naive, "/film", n=16, timeout_s=60, **options)
    yield Row(
        "1 MiB ranges per second",
        f"{fast['per_s']:.0f}",
        f"send_file(conditional=True) {slow['per_s']:.1f}",
        fast["per_s"] / slow["per_s"],
        at_least=250,
    )
