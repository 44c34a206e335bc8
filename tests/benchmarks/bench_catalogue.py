"""Pages at any depth, search, and applying a peer's catalogue, over SQLite.

``BENCH_WORKS`` sets the number of works (100,000). Each figure stands beside a reference measured in
the same run: the first page, LIKE with a count, and parsing plus bare inserting of the same records.
"""

import hashlib
import itertools
import json
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from alembic import command
from alembic.config import Config

from adapters.sql import schema
from adapters.sql.database import MIGRATIONS, make_engine, sqlite_url, writing
from adapters.sql.queries.catalogue import SqlCatalogue
from adapters.sql.repositories.bulk import insert_rows
from adapters.sql.repositories.rows import video_values, work_values
from adapters.sql.unit_of_work import SqlUnitOfWork
from adapters.sql.upgrade import upgrade_to_head
from adapters.system.ids import new_uuid7
from domain.federation.connection import Connection, Direction
from domain.federation.remote_work import RemoteVideo, RemoteWork
from domain.library.storage_location import Library, StorageLocation, StorageType
from domain.library.video import Fingerprints, MediaFacts, Video
from domain.library.work import Work
from ports.library.catalogue import EVERYTHING, SORTS, Visibility
from tests.benchmarks.harness import Row

COUNT = int(os.environ.get("BENCH_WORKS", "100000"))
SYNC = 5000
PAGE = 100
NOW = datetime(2026, 1, 1, tzinfo=UTC)
FACTS = MediaFacts(duration=3600.5, width=1920, height=1080, video_codec="h264", container="mp4")
_pick = random.Random(5)
_SYLLABLES = [
    "ka",
    "ro",
    "mi",
    "ten",
    "sha",
    "lo",
    "ver",
    "dan",
    "qui",
    "bel",
    "tor",
    "na",
    "sul",
    "pre",
    "gon",
    "ami",
    "ex",
    "urd",
    "zen",
    "fal",
    "che",
    "wor",
]
VOCABULARY = list(
    dict.fromkeys("".join(_pick.choices(_SYLLABLES, k=_pick.randint(2, 4))) for _ in range(40_000))
)[:30_000]
_WEIGHTS = list(itertools.accumulate(1 / (n + 10) for n in range(len(VOCABULARY))))


def title() -> str:
    """Return a title of 2 to 6 words that are as frequent as words are."""
    return " ".join(_pick.choices(VOCABULARY, cum_weights=_WEIGHTS, k=_pick.randint(2, 6)))


def run() -> Iterator[Row]:
    """Measure all."""
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(sqlite_url(Path(folder) / "catalogue.db"))
        library, titles = _fill(engine)
        catalogue = SqlCatalogue(engine)
        yield from _pages(
            catalogue, Visibility(frozenset({library.id}), learnt=False, metadata=True)
        )
        yield from _search(catalogue, titles, str(engine.url.database))
        engine.dispose()
        yield from _sync(Path(folder))


def _fill(engine) -> tuple[Library, list[str]]:
    """Write works with a video each, below the bulk port: a real import is measured apart."""
    library = Library(id=new_uuid7(), name="films", created_at=NOW)
    place = StorageLocation(
        id=new_uuid7(),
        name="disk",
        storage_type=StorageType.LOCAL,
        library_id=library.id,
        created_at=NOW,
    )
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with writing(engine).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")  # the search index is built once, at the end
    with SqlUnitOfWork(engine, new_id=new_uuid7) as tx:
        tx.libraries.add(library)
        tx.locations.add(place)
        tx.commit()
    titles = [title() for _ in range(COUNT)]
    template = Work(
        id=new_uuid7(), title="x", created_at=NOW, updated_at=NOW, year=2000, rating=5.0
    )
    work = work_values(template) | {"shown": True, "digest": None}
    sample = Video(
        id=new_uuid7(), work_id=template.id, location_id=place.id, filename="x", locator="x",
        file_size=10**9, signature="", created_at=NOW, updated_at=NOW, facts=FACTS,
    )  # fmt: skip
    video = video_values(sample, StorageType.LOCAL, "x")
    with writing(engine).begin() as connection:
        for start in range(0, COUNT, 5000):
            rows = range(start + 1, min(start + 5000, COUNT) + 1)
            named = [(row, titles[row - 1]) for row in rows]
            insert_rows(connection, schema.work, [
                work | {"row": row, "id": new_uuid7(), "title": name, "sort_title": name,
                        "fields": work["fields"].replace('"x"', json.dumps(name))}
                for row, name in named
            ])  # fmt: skip
            insert_rows(connection, schema.video, [
                video | {"row": row, "id": new_uuid7(), "work_row": row, "shown_row": row,
                         "location_row": 1, "locator": str(row), "search_text": f"{name} {row}.mp4"}
                for row, name in named
            ])  # fmt: skip
            insert_rows(connection, schema.library_work, [
                {"library_row": 1, "sort_title": name, "work_row": row, "own": True}
                for row, name in named
            ])  # fmt: skip
    upgrade_to_head(engine)
    return library, titles


def _pages(catalogue: SqlCatalogue, peer: Visibility) -> Iterator[Row]:
    deep = COUNT // PAGE * 99 // 100
    for who, seen_by in (("everything", EVERYTHING), ("one library", peer)):
        first = catalogue.works_page(seen_by, page=1, per_page=PAGE)
        far = catalogue.works_page(seen_by, page=deep, per_page=PAGE)
        near_ms = _ms(
            lambda v=seen_by, a=first.after: catalogue.works_after(v, after=a, limit=PAGE)
        )
        far_ms = _ms(lambda v=seen_by, a=far.after: catalogue.works_after(v, after=a, limit=PAGE))
        yield Row(
            f"page of {PAGE} at 99 % of {COUNT}, keyset, {who}", f"{far_ms:.2f} ms",
            f"at 0 %: {near_ms:.2f} ms", far_ms / near_ms, at_most=1.2,
        )  # fmt: skip
        numbers = itertools.count(deep - 200, -2)  # never one whose neighbour is remembered
        page_ms = _ms(
            lambda v=seen_by, n=numbers: catalogue.works_page(v, page=next(n), per_page=PAGE)
        )
        yield Row(
            f"page by number at 99 %, {who}", f"{page_ms:.2f} ms", f"at 0 %: {near_ms:.2f} ms",
            page_ms / near_ms, at_most=3.0,
        )  # fmt: skip
    for sort in SORTS:
        catalogue.works_page(EVERYTHING, page=1, per_page=PAGE, sort=sort)


def _search(catalogue: SqlCatalogue, titles: Sequence[str], path: str) -> Iterator[Row]:
    queries = []
    for _ in range(60):
        words = _pick.choice(titles).split()
        text, at = " ".join(words), _pick.randrange(4)
        queries += [words[0], words[0][:3], " ".join(words[:2]), text[at : at + 6].strip()]
        queries.append("xyq" + "".join(_pick.choices("bcdfg", k=4)))
    with sqlite3.connect(path) as bare:
        like = "SELECT count(*) FROM video WHERE search_text LIKE ?"
        slow = sorted(
            _ms(lambda q=q: bare.execute(like, (f"%{q}%",)).fetchone(), 1) for q in queries[:40]
        )
    bare.close()
    quick = sorted(
        _ms(lambda q=q: catalogue.search_videos(EVERYTHING, q, page=1, per_page=20), 1)
        for q in queries
    )
    p99 = quick[len(quick) * 99 // 100]
    ratio = statistics.median(slow) / statistics.median(quick)
    yield Row(
        f"search {len(queries)} mixed queries, count and 20 hits",
        f"p50 {statistics.median(quick):.2f} ms, p99 {p99:.1f} ms",
        f"LIKE with count p50 {statistics.median(slow):.1f} ms", ratio, at_least=40.0,
    )  # fmt: skip


def _sync(folder: Path) -> Iterator[Row]:
    pages = [_remote_page(start) for start in range(0, SYNC, 1000)]
    texts = [_page_text(page) for page in pages]
    reference_s = _bare_import(texts)
    engine = make_engine(sqlite_url(folder / "sync.db"))
    upgrade_to_head(engine)
    peer = Connection(
        id=new_uuid7(), name="p", direction=Direction.OUTBOUND, created_at=NOW, changed_at=NOW
    )
    library = Library(id=new_uuid7(), name="p", created_at=NOW)
    place = StorageLocation(
        id=new_uuid7(), name="p", storage_type=StorageType.VELOUR, library_id=library.id,
        connection_id=peer.id, created_at=NOW,
    )  # fmt: skip
    with SqlUnitOfWork(engine, new_id=new_uuid7) as tx:
        tx.connections.add(peer, b"", b"")
        tx.libraries.add(library)
        tx.locations.add(place)
        tx.commit()

    def apply() -> float:
        begun = time.process_time()
        for page in pages:
            with SqlUnitOfWork(engine, new_id=new_uuid7) as tx:
                tx.learnt.apply(peer.id, place.id, page, at=NOW)
                tx.commit()
        return time.process_time() - begun

    for name, at_least in (("first import, search index included", 0.4), ("identical again", 1.0)):
        spent = apply()
        yield Row(
            f"sync {SYNC} works, {name}", f"{SYNC / spent:,.0f} works/CPU s",
            f"parse + bare insert {SYNC / reference_s:,.0f}", reference_s / spent, at_least=at_least,
        )  # fmt: skip
    engine.dispose()


def _remote_page(start: int) -> list[RemoteWork]:
    page = []
    for number in range(start, start + 1000):
        name = title()
        videos = tuple(
            RemoteVideo(
                remote_id=f"v{number}-{part}", filename=f"{name} part {part}.mp4", file_size=10**9,
                facts=FACTS, fingerprints=Fingerprints(oshash=f"{number:016x}"), web_compatible=True,
                available=True,
            )
            for part in range(2)
        )  # fmt: skip
        page.append(
            RemoteWork(
                remote_id=f"w{number}",
                title=name,
                year=2000,
                description=" ".join(title() for _ in "12345"),
                director="",
                rating=5.0,
                content_rating=None,
                tags=("a",),
                external_ids={},
                videos=videos,
                digest=hashlib.sha256(name.encode()).digest(),
            )
        )
    return page


def _page_text(page: Sequence[RemoteWork]) -> str:
    works = [
        [
            w.remote_id,
            w.title,
            w.year,
            w.description,
            [[v.remote_id, v.filename, v.file_size] for v in w.videos],
        ]
        for w in page
    ]
    return json.dumps(works)


def _bare_import(texts: Sequence[str]) -> float:
    """Return CPU seconds for parsing the pages and inserting them without index or conflict."""
    with sqlite3.connect(":memory:") as bare:
        bare.execute("CREATE TABLE w (id, title, year, description)")
        bare.execute("CREATE TABLE v (work, id, filename, size)")
        begun = time.process_time()
        for text in texts:
            works = json.loads(text)
            bare.executemany("INSERT INTO w VALUES (?, ?, ?, ?)", (w[:4] for w in works))
            bare.executemany(
                "INSERT INTO v VALUES (?, ?, ?, ?)", ([w[0], *v] for w in works for v in w[4])
            )
            bare.commit()
        spent = time.process_time() - begun
    bare.close()
    return spent


def _ms(act: Callable[[], object], rounds: int = 21) -> float:
    times = []
    for _ in range(rounds):
        begun = time.perf_counter()
        act()
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)
