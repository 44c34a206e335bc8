"""Pages at any depth, in every order, and under every filter."""

import itertools
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.queries.catalogue import SqlCatalogue
from domain.library.video import Availability
from ports.library.catalogue import EVERYTHING, SORTS, TermKind, Visibility, WorkFilter, WorkKind
from tests.benchmarks.catalogue_data import BigCatalogue
from tests.benchmarks.harness import Row

PAGE = 100


def browse(
    engine_name: str, catalogue: SqlCatalogue, engine: sa.Engine, made: BigCatalogue
) -> Iterator[Row]:
    """Measure pages."""
    peer = Visibility(frozenset({made.library.id}), learnt=False, metadata=True)
    for who, seen_by in (("everything", EVERYTHING), ("one library", peer)):
        yield from _depths(f"{engine_name}, {made.works} works, {who}", catalogue, made, seen_by)
    scan_ms = ms(lambda: _read_all(engine), rounds=3)
    reference = f"reading every work once: {scan_ms:.0f} ms"
    for name, where in _filters(engine, made):
        slowest, sort = max(
            (ms(lambda w=where, s=sort: catalogue.works_after(EVERYTHING, after=None, limit=PAGE, sort=s, where=w), 5), sort)
            for sort in SORTS
        )  # fmt: skip
        yield Row(
            f"{engine_name}, filter {name}, slowest order ({sort})", f"{slowest:.1f} ms",
            reference, slowest / scan_ms, at_most=0.5,
        )  # fmt: skip
    for name, act in (
        ("recently added, as cards", lambda: catalogue.cards(EVERYTHING, viewer=None, after=None, limit=12, sort="-created_at")),
        ("genres with counts", lambda: catalogue.terms(TermKind.GENRE, limit=50)),
        ("people that begin so", lambda: catalogue.terms(TermKind.PERSON, starts="person 12", limit=20)),
        ("series", lambda: catalogue.series_cards(EVERYTHING, after=None, limit=60)),
    ):  # fmt: skip
        took = ms(act)
        yield Row(
            f"{engine_name}, {name}", f"{took:.2f} ms", reference, took / scan_ms, at_most=0.5
        )
    _first, again = _counts(catalogue)
    yield Row(f"{engine_name}, counts of locations, first time", f"{_first:.0f} ms", reference)
    yield Row(f"{engine_name}, counts of locations, remembered", f"{again:.2f} ms", reference)


def _depths(
    name: str, catalogue: SqlCatalogue, made: BigCatalogue, seen_by: Visibility
) -> Iterator[Row]:
    deep = made.works // PAGE * 97 // 100  # 99 % of what one library has
    first = catalogue.works_page(seen_by, page=1, per_page=PAGE)
    far = catalogue.works_page(seen_by, page=deep, per_page=PAGE)
    near_ms, far_ms = (
        ms(lambda a=page.after: catalogue.works_after(seen_by, after=a, limit=PAGE), 41)
        for page in (first, far)
    )
    yield Row(
        f"page of {PAGE} at 99 %, keyset, {name}", f"{far_ms:.2f} ms", f"at 0 %: {near_ms:.2f} ms",
        far_ms / near_ms, at_most=1.2,
    )  # fmt: skip
    numbers = itertools.count(deep - 200, -2)  # never one whose neighbour is remembered
    page_ms = ms(lambda: catalogue.works_page(seen_by, page=next(numbers), per_page=PAGE))
    yield Row(
        f"page by number at 99 %, {name}", f"{page_ms:.2f} ms", f"at 0 %: {near_ms:.2f} ms",
        page_ms / near_ms, at_most=None if made.works > 100_000 else 3.0,
    )  # fmt: skip


def _filters(engine: sa.Engine, made: BigCatalogue) -> Iterator[tuple[str, WorkFilter]]:
    with engine.connect() as connection:
        series = connection.scalar(sa.select(schema.series.c.id).limit(1))
    yield "year (frequent)", WorkFilter(year=2020)
    yield "year (rare)", WorkFilter(year=1920)
    yield "rating of 7 and more", WorkFilter(min_rating=7.0)
    yield "rating of 9.5 and more", WorkFilter(min_rating=9.5)
    yield "genre (frequent)", WorkFilter(genre="genre 00")
    yield "genre (rarer)", WorkFilter(genre="genre 24")
    yield "tag (frequent)", WorkFilter(tag="tag 0")
    yield "tag (rare)", WorkFilter(tag="rare")
    yield "person", WorkFilter(person="person 3")
    yield "library (a fiftieth)", WorkFilter(library=made.small_library.id)
    yield "availability: offline (none)", WorkFilter(availability=Availability.OFFLINE)
    yield "availability: available (all)", WorkFilter(availability=Availability.AVAILABLE)
    yield "films", WorkFilter(kind=WorkKind.FILM)
    yield "episodes", WorkFilter(kind=WorkKind.EPISODE)
    yield "series", WorkFilter(series=series)
    yield "genre and tag", WorkFilter(genre="genre 00", tag="tag 1")
    yield "year, genre and rating", WorkFilter(year=2020, genre="genre 01", min_rating=6.0)


def _read_all(engine: sa.Engine) -> Any:
    work = schema.work.c
    with engine.connect() as connection:
        query = sa.select(sa.func.count()).where(work.shown, work.description != "nothing")
        return connection.scalar(query)


def _counts(catalogue: SqlCatalogue) -> tuple[float, float]:
    return ms(catalogue.location_counts, 1), ms(catalogue.location_counts)


def ms(act: Callable[[], object], rounds: int = 21) -> float:
    """Return the median of milliseconds."""
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        act()
        times.append((time.perf_counter() - begun) * 1000)
    return median(times)
