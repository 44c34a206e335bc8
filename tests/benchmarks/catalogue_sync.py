"""Applying a peer's catalogue, against parsing it and inserting it barely."""

import hashlib
import json
import random
import sqlite3
import time
from collections.abc import Iterator, Sequence

from adapters.sql.database import make_engine
from adapters.sql.unit_of_work import SqlUnitOfWork
from adapters.sql.upgrade import upgrade_to_head
from adapters.system.ids import new_uuid7
from domain.federation.connection import Connection, Direction
from domain.federation.remote_work import RemoteVideo, RemoteWork
from domain.library.storage_location import Library, StorageLocation, StorageType
from domain.library.video import Fingerprints
from tests.benchmarks.catalogue_data import FACTS, NOW, Zipf, vocabulary
from tests.benchmarks.harness import Row

WORKS = 5000
_words = Zipf(vocabulary(), 5)
_tags = Zipf([f"tag {n}" for n in range(2000)], 6)
_pick = random.Random(4)


def sync(engine_name: str, url: str) -> Iterator[Row]:
    """Measure a first import and an identical one; SQLite in CPU seconds, as it is all of them."""
    on_sqlite = url.startswith("sqlite")
    clock, unit = (time.process_time, "CPU s") if on_sqlite else (time.perf_counter, "s")
    pages = [_remote_page(start) for start in range(0, WORKS, 1000)]
    texts = [_page_text(page) for page in pages]
    reference_s = _bare_import(texts)
    engine = make_engine(url)
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
        begun = clock()
        for page in pages:
            with SqlUnitOfWork(engine, new_id=new_uuid7) as tx:
                tx.learnt.apply(peer.id, place.id, page, at=NOW)
                tx.commit()
        return clock() - begun

    for name, at_least in (("first import, search index included", 0.4), ("identical again", 1.0)):
        spent = apply()
        yield Row(
            f"{engine_name}, sync {WORKS} works, {name}", f"{WORKS / spent:,.0f} works/{unit}",
            f"parse + bare insert {WORKS / reference_s:,.0f}", reference_s / spent, at_least=at_least,
        )  # fmt: skip
    engine.dispose()


def _remote_page(start: int) -> list[RemoteWork]:
    page = []
    for number in range(start, start + 1000):
        name = _title()
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
                description=" ".join(_title() for _ in "12345"),
                director="",
                rating=5.0,
                content_rating=None,
                tags=tuple(dict.fromkeys(_tags.draw(_pick.randint(0, 3)))),
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


def _title() -> str:
    return " ".join(_words.draw(_pick.randint(2, 6)))
