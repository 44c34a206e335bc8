"""Sealing and opening VLR1 against ``openssl speed`` of the same primitives, in one run.

The serial limit is what one core could do if nothing but the primitives took time: one pass of
AES-256-CBC and one of SHA-256 for the tags; sealing takes one more SHA-256, for the digests of the
parts that a manifest needs. Both sides are bytes per second of processor time, which other work on
the machine disturbs least. ``openssl speed`` reads no file: of the 46 us that opening a chunk takes,
reading it is three, so opening and verifying are held to 0.8.

Two threads are compared by the clock with two processes that share the same work, for those get as
much of a busy machine as two threads do. Processes have no interpreter lock between them and write
no common result, so they are the faster ones; sealing also has a third thread, with the digests.
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from domain.resources.vlr1 import sealed_size
from tests.benchmarks.harness import MIB, ROOT, Row, Skipped, large_file, pinned
from tests.benchmarks.sealing import RANGE

SIZE, LONG = 256 * MIB, 10**10
ROUNDS = 3

Report = dict[str, float]


def run() -> Iterator[Row]:
    openssl = shutil.which("openssl")
    if openssl is None:
        raise Skipped("there is no openssl to compare with")
    with large_file(SIZE) as plain, tempfile.TemporaryDirectory(prefix="velour-seal-") as folder:
        sealed = Path(folder) / "sealed"
        subprocess.run(
            _command("seal", 2, plain, out=str(sealed)),
            stderr=subprocess.DEVNULL,
            check=True,
            cwd=ROOT,
        )
        assert sealed.stat().st_size == sealed_size(SIZE)
        one = {
            "seal": partial(_work, "seal", "cryptography", plain),
            "seal, pycryptodome": partial(_work, "seal", "pycryptodome", plain),
            "open": partial(_work, "open", "cryptography", sealed),
            "open, pycryptodome": partial(_work, "open", "pycryptodome", sealed),
            "verify": partial(_work, "verify", "cryptography", sealed),
            "range": partial(_work, "range", "cryptography", sealed),
        }
        rounds = [_round(openssl, one) for _ in range(ROUNDS)]
        digests = "CBC, HMAC and digests of the parts"
        yield _against(rounds, "seal", digests, ["encrypt", "sha", "sha"], 0.88)
        yield _against(rounds, "seal, pycryptodome", digests, ["encrypt", "sha", "sha"], None)
        yield _against(rounds, "open", "CBC and HMAC", ["decrypt", "sha"], 0.8)
        yield _against(rounds, "open, pycryptodome", "CBC and HMAC", ["decrypt", "sha"], None)
        yield _against(rounds, "verify", "HMAC", ["sha"], 0.8)
        yield _ranges(rounds)
        yield from _on_two_cores(plain, sealed)
        yield from _memory(plain)


def _round(openssl: str, work: dict[str, Callable[[], Report]]) -> Report:
    """Return MB per second of processor time, of the primitives and of our work."""
    primitives = {
        "encrypt": ["aes-256-cbc"],
        "decrypt": ["aes-256-cbc", "-decrypt"],
        "sha": ["sha256"],
    }
    found = {name: _speed(openssl, arguments) for name, arguments in primitives.items()}
    for name, call in work.items():
        report = call()
        found[name] = report["bytes"] / report["cpu_s"] / 1e6
    return found


def _limit(found: Report, passes: list[str]) -> float:
    return 1 / sum(1 / found[name] for name in passes)


def _against(
    rounds: list[Report], name: str, what: str, passes: list[str], at_least: float | None
) -> Row:
    ratio = statistics.median(found[name] / _limit(found, passes) for found in rounds)
    figure = f"{statistics.median(found[name] for found in rounds):,.0f} MB/s of one core"
    limit = statistics.median(_limit(found, passes) for found in rounds)
    reference = f"{limit:,.0f} MB/s: openssl speed, {what} in turn"
    return Row(f"{name} {SIZE // MIB} MiB", figure, reference, ratio, at_least=at_least)


def _ranges(rounds: list[Report]) -> Row:
    ratio = statistics.median(found["open"] / found["range"] for found in rounds)
    figure = f"{statistics.median(found['range'] for found in rounds):,.0f} MB/s of one core"
    name = f"open ranges of {RANGE // MIB} MiB at any byte"
    return Row(name, figure, "opening the same bytes in order", ratio, at_most=1.2)


def _on_two_cores(plain: Path, sealed: Path) -> Iterator[Row]:
    for what, source, at_least in (("seal", plain, 0.6), ("open", sealed, 0.7)):
        ways = {
            "one": partial(_clock, [_command(what, 1, source)]),
            "threads": partial(_clock, [_command(what, 2, source)]),
            "processes": partial(_clock, [_command(what, 1, source)] * 2),
        }
        rounds = []
        for number in range(ROUNDS):
            names = sorted(ways, reverse=bool(number % 2))
            rounds.append({name: ways[name]() for name in names})
        ratio = statistics.median(took["processes"] / 2 / took["threads"] for took in rounds)
        faster = statistics.median(took["one"] / took["threads"] for took in rounds)
        rate = SIZE / statistics.median(took["threads"] for took in rounds) / 1e6
        figure = f"{rate:,.0f} MB/s by the clock, {faster:.2f} times one thread"
        yield Row(f"{what} in two threads", figure, "two processes", ratio, at_least=at_least)


def _clock(commands: list[list[str]]) -> float:
    """Return the seconds that the slowest of processes that start together worked."""
    running = [subprocess.Popen(command, stderr=subprocess.PIPE, cwd=ROOT) for command in commands]
    reports = [json.loads(process.communicate()[1]) for process in running]
    return float(max(report["seconds"] for report in reports))


def _memory(plain: Path) -> Iterator[Row]:
    """Seal into a pipe and open from it, and look at what both processes grew by."""
    seal = _command("seal", 2, plain, length=LONG, out="-")
    open_ = _command("open", 2, "-", length=LONG)
    pipe = subprocess.PIPE
    with subprocess.Popen(seal, stdout=pipe, stderr=pipe, cwd=ROOT) as sealing:
        opening = subprocess.run(open_, stdin=sealing.stdout, stderr=pipe, cwd=ROOT, check=True)
        reports = [json.loads(sealing.communicate()[1]), json.loads(opening.stderr)]
    growth = max(report["growth_kib"] for report in reports) / 1024
    rate = LONG / reports[0]["seconds"] / 1e6
    name = f"seal, pipe and open {LONG / 1e9:.0f} GB: growth of memory in MiB"
    figure = f"{growth:.1f} MiB at {rate:,.0f} MB/s"
    peak = max(report["peak_kib"] for report in reports) / 1024
    yield Row(name, figure, f"flat; {peak:.0f} MiB in all", growth, at_most=4)


def _work(what: str, adapter: str, source: Path) -> Report:
    """Do it in one thread on one core."""
    command = pinned(0, _command(what, 1, source, adapter=adapter))
    report: Report = json.loads(
        subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stderr
    )
    return report


def _command(
    what: str,
    lanes: int,
    source: Path | str,
    *,
    adapter: str = "cryptography",
    length: int = SIZE,
    out: str = "/dev/null",
) -> list[str]:
    arguments = [what, adapter, str(lanes), str(source), str(length), out]
    return [sys.executable, "-m", "tests.benchmarks.sealing", *arguments]


def _speed(openssl: str, arguments: list[str]) -> float:
    """Return MB per second of processor time at blocks of 64 KiB."""
    command = [openssl, "speed", "-seconds", "1", "-bytes", "65536", "-evp", *arguments]
    done = subprocess.run(pinned(0, command), capture_output=True, check=True, text=True)
    found = re.search(r"([\d.]+)k\s*$", done.stdout)
    if found is None:
        raise Skipped("openssl speed says nothing that can be read")
    return float(found[1]) / 1000
