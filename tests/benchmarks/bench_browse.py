"""Browsing at scale: pages, filters, search and export over a large catalogue.

``BENCH_WORKS`` says how many works there are (100,000 unless set; 1000000 takes some minutes to
write), ``BENCH_POSTGRES`` is the URL of a server on which a database may be made, beside SQLite.
"""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import sqlalchemy as sa

from adapters.sql.database import make_engine, sqlite_url
from adapters.sql.queries.catalogue import SqlCatalogue
from ports.library.catalogue import EVERYTHING, WorkFilter, WorkKind
from tests.benchmarks.catalogue_data import BigCatalogue, fill
from tests.benchmarks.harness import Row

WORKS = int(os.environ.get("BENCH_WORKS", "100000"))
DATABASE = f"velour_browse_{os.getpid()}"
PAGE, ROUNDS, QUERIES = 60, 15, 300


def run() -> Iterator[Row]:
    """Measure on SQLite, and on PostgreSQL where BENCH_POSTGRES names one."""
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(sqlite_url(Path(folder) / "velour.db"))
        yield from _on("SQLite", engine)
        engine.dispose()
    if url := os.environ.get("BENCH_POSTGRES"):
        admin = sa.create_engine(f"{url}/postgres", isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {DATABASE}")
        engine = make_engine(f"{url}/{DATABASE}")
        try:
            yield from _on("PostgreSQL", engine)
        finally:
            engine.dispose()
            with admin.connect() as connection:
                connection.exec_driver_sql(f"DROP DATABASE {DATABASE} WITH (FORCE)")
            admin.dispose()


def _on(name: str, engine: sa.Engine) -> Iterator[Row]:
    made = fill(engine, WORKS)
    catalogue = SqlCatalogue(engine)
    label = f"{WORKS:,} works, {name}"
    first = _ms(lambda: _page(catalogue, WorkFilter(), "title", None))
    yield Row(f"first page, {label}", f"{first:.2f} ms", "", None)
    number = int(WORKS * 0.99 / PAGE)
    cursor = catalogue.works_page(EVERYTHING, page=number, per_page=PAGE).after
    deep = _ms(lambda: _page(catalogue, WorkFilter(), "title", cursor))
    yield Row(f"page at 99 %, {label}", f"{deep:.2f} ms", "first page", deep / first, at_most=1.2)
    newest = _ms(lambda: _page(catalogue, WorkFilter(), "-created_at", None))
    yield Row(f"recently added, {label}", f"{newest:.2f} ms", "first page", newest / first)
    filters = {
        "year": WorkFilter(year=2001),
        "rating": WorkFilter(min_rating=9.5),
        "genre": WorkFilter(genre="Genre 01"),
        "frequent tag": WorkFilter(tag="tag 0"),
        "rare tag": WorkFilter(tag="rare"),
        "person": WorkFilter(person="Person 4000"),
        "small library": WorkFilter(library=made.small_library.id),
        "films alone": WorkFilter(kind=WorkKind.FILM),
    }
    for words, where in filters.items():
        taken = _ms(lambda where=where: _page(catalogue, where, "title", None))
        yield Row(f"filter by {words}, {label}", f"{taken:.2f} ms", "first page", taken / first)
    yield from _search(catalogue, engine, made, label)
    began = time.process_time()
    lines = sum(piece.count(b"\n") for piece in catalogue.export(EVERYTHING))
    rate = lines / (time.process_time() - began)
    yield Row(f"export, {label}", f"{rate:,.0f} works per CPU second", "", None)


def _search(
    catalogue: SqlCatalogue, engine: sa.Engine, made: BigCatalogue, label: str
) -> Iterator[Row]:
    """Hold mixed queries against what a paged API does without an index: LIKE with a count."""
    pick = random.Random(9)
    queries = []
    for number in range(QUERIES):
        words = pick.choice(made.titles).split()
        one = pick.choice(words)
        queries.append((one, one[:3], " ".join(words[:2]), one[1:7], f"zzz{number}")[number % 5])
    catalogue.search_videos(EVERYTHING, queries[0], page=1, per_page=20)
    taken = sorted(
        _once(lambda query=query: catalogue.search_videos(EVERYTHING, query, page=1, per_page=20))
        for query in queries
    )
    like = sa.text("SELECT count(*) FROM video WHERE search_text LIKE :part")
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":  # its LIKE would use the index of parts of words
            connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
            connection.exec_driver_sql("SET LOCAL enable_indexscan = off")
        naive = statistics.median(
            _once(lambda query=query: connection.scalar(like, {"part": f"%{query}%"}))
            for query in queries[:20]
        )
    p50, p99 = taken[len(taken) // 2], taken[int(len(taken) * 0.99)]
    figure = f"p50 {p50:.2f}, p99 {p99:.1f} ms"
    ratio = naive / p50
    yield Row(
        f"{QUERIES} mixed searches, {label}", figure, f"LIKE with count {naive:.1f} ms", ratio,
        at_least=40,
    )  # fmt: skip


def _page(catalogue: SqlCatalogue, where: WorkFilter, sort: str, after: str | None) -> None:
    catalogue.works_after(EVERYTHING, after=after, limit=PAGE, sort=sort, where=where)


def _once(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def _ms(act: Callable[[], object]) -> float:
    act()
    return statistics.median(_once(act) for _ in range(ROUNDS))
