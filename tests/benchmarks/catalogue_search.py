"""Search: three hundred queries of all kinds, against LIKE with a count."""

import random
from collections.abc import Iterator
from statistics import median

import sqlalchemy as sa

from adapters.sql.queries.catalogue import SqlCatalogue
from ports.library.catalogue import EVERYTHING, Visibility
from tests.benchmarks.catalogue_browse import ms
from tests.benchmarks.catalogue_data import BigCatalogue
from tests.benchmarks.harness import Row


def search(
    engine_name: str, catalogue: SqlCatalogue, engine: sa.Engine, made: BigCatalogue
) -> Iterator[Row]:
    """Measure a page of 20 hits with the count, ranked, for who sees all and for one library."""
    queries = _queries(made.titles)
    every = [query for some in queries.values() for query in some]
    like_ms = median(_like(engine, query) for query in every[::15])
    one = Visibility(frozenset({made.small_library.id}), learnt=False, metadata=True)
    for who, seen_by in (("everything", EVERYTHING), ("a small library", one)):
        for query in every:  # each is measured when it is asked for the second time
            catalogue.search_videos(seen_by, query, page=1, per_page=20)
        took = {
            kind: sorted(
                ms(lambda q=q, v=seen_by: catalogue.search_videos(v, q, page=1, per_page=20), 1)
                for q in some
            )
            for kind, some in queries.items()
        }
        for kind, times in took.items():
            yield Row(
                f"{engine_name}, search, {kind}, {who}",
                f"p50 {median(times):.2f} ms, p99 {times[-1]:.1f} ms", "",
            )  # fmt: skip
        all_times = [each for times in took.values() for each in times]
        yield Row(
            f"{engine_name}, search, {len(every)} mixed queries, count and 20 hits, {who}",
            f"p50 {median(all_times):.2f} ms", f"LIKE with count p50 {like_ms:.1f} ms",
            like_ms / median(all_times), at_least=40.0,
        )  # fmt: skip


def _queries(titles: list[str]) -> dict[str, list[str]]:
    pick, found = random.Random(9), dict[str, list[str]]()
    for title in pick.sample(titles, 60):
        words, at = title.split(), pick.randrange(1, 4)
        longest = max(words, key=len)
        for kind, query in (
            ("one word", words[0]),
            ("three letters", words[0][:3]),
            ("two words", " ".join(words[:2])),
            ("part of a word", longest[at : at + 6]),
            ("no match", "xyq" + "".join(pick.choices("bcdfg", k=4))),
        ):
            found.setdefault(kind, []).append(query)
    return found


def _like(engine: sa.Engine, query: str) -> float:
    mark = "?" if engine.dialect.name == "sqlite" else "%s"
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL enable_bitmapscan = off")
        statement = f"SELECT count(*) FROM video WHERE search_text LIKE {mark}"
        return ms(lambda: connection.exec_driver_sql(statement, (f"%{query}%",)).scalar(), 1)
