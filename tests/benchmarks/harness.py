"""What the benchmarks share: processes and what they cost, load, nginx as the reference, rows.

Figures are compared inside one run: a server and its reference take turns (A B, B A), each on core 0
where there are two, the client on the other; the ratio is the median of the rounds. CPU seconds come
from the scheduler and are the steadiest; throughput moves with everything else on the machine.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
MIB = 1024 * 1024
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
_CORES = sorted(os.sched_getaffinity(0))


class Skipped(Exception):
    """A section cannot run here; the text says for want of what."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the report. ``ratio`` is held against ``at_most`` or ``at_least``."""

    name: str
    figure: str
    reference: str
    ratio: float | None = None
    at_most: float | None = None
    at_least: float | None = None

    @property
    def target(self) -> str:
        if self.at_most is not None:
            return f"<= {self.at_most:g}"
        return "" if self.at_least is None else f">= {self.at_least:g}"

    @property
    def ok(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.ratio is None or not self.target:
            return None
        above = self.at_least is None or self.ratio >= self.at_least
        return above and (self.at_most is None or self.ratio <= self.at_most)

    def __str__(self) -> str:
        shown = "" if self.ratio is None else f"{self.ratio:.3g}"
        verdict = {None: "", True: "ok", False: "MISSED"}[self.ok]
        columns = (self.name, self.figure, self.reference, shown, self.target, verdict)
        return " | ".join(columns)


def tree(pid: int) -> list[int]:
    """Return a process and all below it."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            text = Path(f"/proc/{pid}/task/{task}/children").read_text()
            for child in text.split():
                found += tree(int(child))
    return found


def cpu_seconds(pid: int) -> float:
    """Return the run time of a process and all below it, of all their threads."""
    total = 0
    for one in set(tree(pid)):
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{one}/task"):
                text = Path(f"/proc/{one}/task/{task}/schedstat").read_text()
                total += int(text.split()[0])
    return total / 1e9


def memory_kib(pid: int, what: str = "VmHWM") -> int:
    """Return the largest value of that line of /proc/…/status among a process and all below it."""
    most = 0
    for one in set(tree(pid)):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{one}/status").read_text().splitlines():
                if line.startswith(what + ":"):
                    most = max(most, int(line.split()[1]))
    return most


def private_kib(pid: int) -> int:
    """Return the proportional share of memory of a process and all below it."""
    total = 0
    for one in set(tree(pid)):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total


def free_port() -> int:
    """Return a port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def wait_for_port(port: int, timeout_s: float = 60) -> None:
    """Return when something answers on the port."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


@dataclass
class Server:
    """A server process on core 0, with all below it."""

    command: Sequence[str]
    port: int
    env: Mapping[str, str] = field(default_factory=dict)
    core: int = 0

    def __enter__(self) -> "Server":
        env = {**os.environ, "PYTHONPATH": str(ROOT), **self.env}
        self._log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            pinned(self.core, self.command), env=env, stdout=self._log, stderr=self._log, cwd=ROOT
        )
        try:
            wait_for_port(self.port)
        except OSError as exc:
            self._log.seek(0)
            self.__exit__()
            raise RuntimeError(self._log.read().decode()) from exc
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            for pid in reversed(tree(self.process.pid)):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()

    @property
    def pid(self) -> int:
        return self.process.pid


def pinned(core: int, command: Sequence[str]) -> list[str]:
    """Return the command bound to a core, where there are two and taskset."""
    taskset = shutil.which("taskset")
    if taskset is None or len(_CORES) < 2:
        return list(command)
    return [taskset, "-c", str(_CORES[core]), *command]


@cache
def load_client() -> str:
    """Compile the load client and return its path."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise Skipped("needs a C compiler for the load client")
    folder = tempfile.mkdtemp(prefix="velour-bench-")
    program = f"{folder}/rload"
    subprocess.run([compiler, "-O2", "-o", program, str(HERE / "rload.c")], check=True)
    return program


def load(server: Server, path: str, *, timeout_s: float = 30, **options: Any) -> dict[str, float]:
    """Run the load client against a server; its report, with the server's cost.

    Args:
        server: what is measured; ``cpu_s`` of the result is what it spent meanwhile.
        path: what is asked for.
        timeout_s: for the whole run.
        options: of the client by letter; ``headers`` as a mapping.
    """
    command = [load_client(), "-p", str(server.port), "-u", path]
    for name, value in options.pop("headers", {}).items():
        command += ["-H", f"{name}: {value}"]
    for letter, value in options.items():
        command += [f"-{letter}", str(value)]
    before = cpu_seconds(server.pid)
    done = subprocess.run(
        pinned(1, command), capture_output=True, timeout=timeout_s, check=True, text=True
    )
    report: dict[str, float] = json.loads(done.stdout)
    report["cpu_s"] = cpu_seconds(server.pid) - before
    if report.get("errors") or report.get("refused"):
        raise RuntimeError(f"{path}: {done.stdout}")
    report["cpu_s_per_gb"] = report["cpu_s"] / (report["bytes"] / 1e9) if report["bytes"] else 0
    report["mb_per_s"] = report["bytes"] / 1e6 / report["seconds"]
    if "done" in report:
        report["per_s"] = report["done"] / report["seconds"]
    return report


def rounds(
    variants: Mapping[str, Callable[[], dict[str, float]]], count: int = 3
) -> dict[str, list[dict[str, float]]]:
    """Measure variants in turns, the order reversed every other time."""
    results: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    for number in range(count):
        names = list(variants)
        for name in names if number % 2 == 0 else reversed(names):
            results[name].append(variants[name]())
    return results


def median(results: Sequence[Mapping[str, float]], key: str) -> float:
    """Return the median of one figure."""
    return statistics.median(result[key] for result in results)


def ratio(
    results: Sequence[Mapping[str, float]], reference: Sequence[Mapping[str, float]], key: str
) -> float:
    """Return the median of the rounds' ratios."""
    pairs = zip(results, reference, strict=True)
    return statistics.median(one[key] / other[key] for one, other in pairs)


@contextlib.contextmanager
def nginx(server_block: str, http_block: str = "", *, core: int = 0) -> Iterator[Server]:
    """Run nginx with one process, tuned for this."""
    if not Path(NGINX).exists():
        raise Skipped("needs nginx as the reference")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="velour-nginx-") as folder:
        user = "user root;" if os.geteuid() == 0 else ""
        temporary = "".join(
            f"{name}_temp_path {folder}/{name};"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config = Path(folder) / "nginx.conf"
        config.write_text(
            f"""daemon off; pid {folder}/pid; error_log {folder}/error.log; worker_processes 1; {user}
            worker_rlimit_nofile 20000;
            events {{ worker_connections 9000; }}
            http {{
              access_log off; sendfile on; sendfile_max_chunk 2m; tcp_nopush on; tcp_nodelay on;
              keepalive_timeout 65; keepalive_requests 1000000; open_file_cache max=1000; {temporary}
              {http_block}
              server {{ listen 127.0.0.1:{port} backlog=4096; {server_block} }}
            }}"""
        )
        with Server([NGINX, "-c", str(config), "-p", folder], port, core=core) as server:
            yield server


def serve_command(application: str, port: int, *, workers: int = 1, threads: int = 8) -> list[str]:
    """Return the command that runs an application under our supervisor and worker."""
    code = (
        "from adapters.server.supervisor import NodeServer\n"
        f"server = NodeServer(application={application!r}, max_streams=8000, stall_timeout_s=60.0,"
        " graceful_timeout_s=1.0, send_buffer_bytes=0, trusted_proxies=())\n"
        f"server(host='127.0.0.1', port={port}, workers={workers}, threads={threads},"
        " with_jobs=False, say=print)"
    )
    return [sys.executable, "-c", code]


@contextlib.contextmanager
def large_file(size_bytes: int) -> Iterator[Path]:
    """Make a file that is in memory already when it is read."""
    with tempfile.TemporaryDirectory(prefix="velour-bytes-") as folder:
        path = Path(folder) / "film.mp4"
        block = os.urandom(MIB)
        with path.open("wb") as file:
            for _ in range(size_bytes // MIB):
                file.write(block)
        yield path
