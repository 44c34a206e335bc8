"""Scanning 100,000 files in 1,000 folders, against ``find`` on the same tree.

Ratios are of CPU seconds: all is in the page cache, and they do not move with the machine's load.
"""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from flask import Flask

from adapters.media.assets import FileAssetStore
from adapters.media.names import GuessitNames
from adapters.media.probe import PyavMedia
from adapters.memory.crypto import MemorySecretBox
from adapters.memory.media import ORDINARY
from adapters.sql.database import bind_app
from adapters.sql.unit_of_work import SqlReadOnly, SqlUnitOfWork
from adapters.sql.upgrade import upgrade_to_head
from adapters.storage.local import LocalStorage
from adapters.storage.registry import StorageRegistry, local_kind
from adapters.system.clock import SystemClock
from adapters.system.ids import new_uuid7
from app.usecases.library.locations import AddLocation, CreateLibrary
from app.usecases.library.looking import LookingTools
from app.usecases.library.scan_pass import ScanTools
from app.usecases.library.scanning import ScanLocation
from domain.federation.audit import CLI
from domain.library.storage_location import StorageType
from domain.library.video import Fingerprints
from ports.library.media import Probed
from tests.benchmarks.harness import ROOT, Row, Skipped
from tests.films import long_film, make_film

FOLDERS, FILES = 1000, 100
COUNT = FOLDERS * FILES
ROUNDS = 9
PROBES = 300
NEW = 20_000
READ_S = 8.0


class InstantProbe:
    """Says that every file is an ordinary film: what is measured is everything but FFmpeg."""

    def __init__(self) -> None:
        self.asked = 0

    def probe(self, path: str) -> Probed:
        self.asked += 1
        return Probed(ORDINARY, Fingerprints(oshash=f"{self.asked:016x}"))

    def close(self) -> None:
        """Nothing runs."""


class Doorbell:
    def ring(self, job_id: object) -> None:
        """Nobody listens."""


class Context:
    job_id: Any = None

    def progress(self, **figures: object) -> None:
        """Nobody watches."""


def run() -> Iterator[Row]:
    find = shutil.which("find")
    if find is None:
        raise Skipped("there is no find to compare with")
    with tempfile.TemporaryDirectory() as folder:
        root = _tree(Path(folder) / "tree")
        by_find = lambda: _find(find, root)  # noqa: E731 - one of several ways to walk
        by_walk = lambda: _walk(root)  # noqa: E731 - as above
        yield _row("walk 100k files", by_walk, by_find, at_most=1.5)

        scan = _scanner(root, Path(folder) / "data")
        began = time.perf_counter()
        counts = scan()["counts"]
        first_s = time.perf_counter() - began
        assert counts["added"] == COUNT, counts
        yield _row("unchanged rescan of 100k files, SQLite", scan, by_find, at_most=1.75)

        rate = f"{COUNT / first_s:,.0f} files/s"
        yield Row("first import of 100k files but for FFmpeg, SQLite", rate, "", None)
        changed = root / "folder 0500" / "film 050 0500.mp4"
        changed.write_bytes(b"changed")
        _age(changed)
        began = time.perf_counter()
        assert scan()["counts"]["updated"] == 1
        changed_s = time.perf_counter() - began
        yield Row("rescan after one change, SQLite", f"{changed_s:.2f} s", "", None)
        yield _reading(root, Path(folder) / "data", scan)
    yield from _probing()


def _reading(root: Path, data_dir: Path, scan: Callable[[], object]) -> Row:
    """Measure how long readers wait while the scan writes, against when it does not."""
    url = f"sqlite:///{data_dir}/velour.db"
    _, idle = _read_pages(url, lambda: time.sleep(READ_S))
    for number in range(NEW):
        path = root / f"new {number // FILES:04}" / f"new film {number:05}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.touch()
        _age(path)
    p50, busy = _read_pages(url, scan)
    figure = f"p99 {busy:.1f} ms (p50 {p50:.1f})"
    name = f"reading pages while {NEW:,} new files are scanned, SQLite"
    return Row(name, figure, f"idle p99 {idle:.1f} ms", busy / idle, at_most=2)


def _read_pages(url: str, meanwhile: Callable[[], object]) -> tuple[float, float]:
    """Return p50 and p99 in milliseconds of another process's reads during a call."""
    command = [sys.executable, "-m", "tests.benchmarks.reader", url, str(READ_S)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as reader:
        time.sleep(1.0)  # it has loaded by then
        meanwhile()
        output, _ = reader.communicate()
    p50, p99 = map(float, output.split())
    return p50, p99


def _row(
    name: str, ours: Callable[[], object], reference: Callable[[], object], *, at_most: float
) -> Row:
    """Measure both in turns; the ratio is the median of the rounds."""
    ours(), reference()
    mine: list[float] = []
    theirs: list[float] = []
    for number in range(ROUNDS):
        for one in ("ours", "reference") if number % 2 else ("reference", "ours"):
            (mine if one == "ours" else theirs).append(
                _cpu_seconds(ours if one == "ours" else reference)
            )
    ratio = statistics.median(a / b for a, b in zip(mine, theirs, strict=True))
    spent, reference_s = statistics.median(mine), statistics.median(theirs)
    figure = f"{spent * 1000:.0f} ms CPU ({COUNT / spent:,.0f} files/s)"
    return Row(name, figure, f"find -printf {reference_s * 1000:.0f} ms", ratio, at_most=at_most)


def _cpu_seconds(call: Callable[[], object]) -> float:
    began = _spent()
    call()
    return _spent() - began


def _spent() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _tree(root: Path) -> Path:
    for folder in range(FOLDERS):
        place = root / f"folder {folder:04}"
        place.mkdir(parents=True)
        for number in range(FILES):
            path = place / f"film {number:03} {folder:04}.mp4"
            path.touch()
            _age(path)
    return root


def _age(path: Path) -> None:
    os.utime(path, (1e9, 1e9))


def _find(find: str, root: Path) -> int:
    command = [find, str(root), "-type", "f", "-printf", "%p\\0%s\\0%T@\\0"]
    return len(subprocess.run(command, capture_output=True, check=True).stdout)


def _walk(root: Path) -> int:
    return sum(1 for _ in LocalStorage(root, growing_seconds=5).walk())


def _scanner(root: Path, data_dir: Path) -> Callable[[], Mapping[str, Any]]:
    data_dir.mkdir()
    engine = bind_app(Flask(__name__), f"sqlite:///{data_dir}/velour.db", pool_size=4)
    upgrade_to_head(engine)
    clock = SystemClock()
    storages = StorageRegistry(
        {StorageType.LOCAL: local_kind(growing_seconds=5, data_dir=data_dir)},
        secrets_of=lambda _location: {},
    )

    def unit_of_work() -> SqlUnitOfWork:
        return SqlUnitOfWork(engine, new_id=new_uuid7)

    def read_only() -> SqlReadOnly:
        return SqlReadOnly(engine)

    CreateLibrary(unit_of_work, clock, new_uuid7)(name="Films", actor=CLI)
    location = AddLocation(unit_of_work, clock, new_uuid7, storages, MemorySecretBox())(
        name="Tree",
        storage_type="local",
        library="Films",
        options={"path": str(root)},
        actor=CLI,
    )
    tools = ScanTools(
        unit_of_work=unit_of_work,
        read_only=read_only,
        clock=clock,
        new_id=new_uuid7,
        assets=FileAssetStore(data_dir / "assets"),
        looking=LookingTools(
            probe=InstantProbe(),
            remote=None,
            nfo=None,
            names=GuessitNames(),
            clock=clock,
            budget_bytes=0,
        ),
        batch=500,
        parallel=2,
    )
    scan = ScanLocation(tools, storages, Doorbell(), {})
    return lambda: scan(Context(), {"location_id": str(location.id)})


def _probing() -> Iterator[Row]:
    """Measure looking into one real film, in a child process and by a program for each file."""
    with tempfile.TemporaryDirectory() as folder:
        film = str(make_film(Path(folder) / "film.mp4", seconds=2, width=640, height=360))
        base = make_film(Path(folder) / "base.mp4", seconds=10.2, width=640, height=360)
        long = str(long_film(base, Path(folder) / "long.mp4", minutes=120))
        media = PyavMedia(processes=1, timeout_s=30, memory_mib=1024)
        try:
            media.probe(film)
            ours = _seconds(lambda: [media.probe(film) for _ in range(PROBES)]) / PROBES
            still = _seconds(lambda: [media.still(film, at_share=0.1) for _ in range(50)]) / 50
            far = _seconds(lambda: [media.probe(long) for _ in range(50)]) / 50
            read = media.probe(long).bytes_read
            board = _seconds(lambda: media.storyboard(long))
        finally:
            media.close()
        ffprobe, reference, ratio = shutil.which("ffprobe"), "no ffprobe here", None
        if ffprobe:
            command = [ffprobe, "-v", "error", "-show_streams", "-show_format", "-of", "json", film]
            theirs = statistics.median(
                _seconds(lambda: subprocess.run(command, capture_output=True, check=True))
                for _ in range(10)
            )
            reference, ratio = f"ffprobe {theirs * 1000:.1f} ms", ours / theirs
        yield Row("probe of a film, in a child", f"{ours * 1000:.1f} ms", reference, ratio)
        yield Row("thumbnail of a film, in a child", f"{still * 1000:.1f} ms", "", None)
        figure = f"{far * 1000:.1f} ms, {read / 1e6:.2f} MB read"
        yield Row("probe of a film of two hours, in a child", figure, "", None)
        yield Row("storyboard of a film of two hours", f"{board * 1000:.0f} ms", "", None)
