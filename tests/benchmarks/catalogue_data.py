"""A large catalogue, written below the ports: a real import is measured apart.

Titles of 2 to 6 words that are as frequent as words are (Zipf), years, ratings, tags, genres and
people of very different frequency, a third of the works episodes; one video each. The texts have
the shape that ``domain.library.document`` gives them.
"""

import io
import itertools
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.database import writing
from adapters.sql.repositories.rows import video_values, work_values
from adapters.sql.unit_of_work import SqlUnitOfWork
from adapters.sql.upgrade import upgrade_to_head
from adapters.system.ids import new_uuid7
from domain.library.storage_location import Library, StorageLocation, StorageType
from domain.library.video import MediaFacts, Video
from domain.library.work import Work

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FACTS = MediaFacts(duration=3600.5, width=1920, height=1080, video_codec="h264", container="mp4")
BATCH = 5000
RARE, OTHER_SHELF = 97, 50  # one work in so many has a rare tag; one stands in the small library
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
_TABLES = ("series", "work", "video", "library_work", "term", "work_term")
_ORDERED = ("library_work", "work_term")
_IDS = 1 << 120


def vocabulary(size: int = 30_000) -> list[str]:
    """Return words, the most frequent first."""
    pick = random.Random(5)
    words = ("".join(pick.choices(_SYLLABLES, k=pick.randint(2, 4))) for _ in range(size * 2))
    return list(dict.fromkeys(words))[:size]


class Zipf:
    """Draws from a list, the n-th item about as often as 1 / (n + 10)."""

    def __init__(self, items: list[Any], seed: int) -> None:
        self._items, self.random = items, random.Random(seed)
        self._weights = list(itertools.accumulate(1 / (n + 10) for n in range(len(items))))

    def draw(self, count: int) -> list[Any]:
        return self.random.choices(self._items, cum_weights=self._weights, k=count)


@dataclass
class BigCatalogue:
    """What was written, for those who ask for it."""

    works: int
    library: Library
    small_library: Library
    titles: list[str] = field(default_factory=list)


def fill(engine: sa.Engine, count: int) -> BigCatalogue:
    """Write ``count`` works into an empty database; indexes of search are built at the end."""
    upgrade_to_head(engine)
    places = [
        Library(id=new_uuid7(), name=name, created_at=NOW) for name in ("films", "a few films")
    ]
    with SqlUnitOfWork(engine, new_id=new_uuid7) as tx:
        for library in places:
            tx.libraries.add(library)
            tx.locations.add(
                StorageLocation(
                    id=new_uuid7(), name=f"disk of {library.name}", storage_type=StorageType.LOCAL,
                    library_id=library.id, created_at=NOW,
                )
            )  # fmt: skip
        tx.commit()
    made = BigCatalogue(count, *places)
    write = _write_sqlite if engine.dialect.name == "sqlite" else _write_postgres
    write(engine, _rows(count, made))
    with writing(engine).begin() as connection:
        connection.execute(sa.update(schema.node).values(changes=schema.node.c.changes + 1))
    return made


def _rows(count: int, made: BigCatalogue) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """Yield rows by table, some thousand works at a time."""
    words, tags = Zipf(vocabulary(), 5), Zipf([f"tag {n}" for n in range(2000)], 6)
    genres, people = Zipf([f"Genre {n:02}" for n in range(25)], 7), Zipf([f"Person {n}" for n in range(50_000)], 8)  # fmt: skip
    work, video, series = _templates()
    terms: dict[tuple[str, str], int] = {}
    carried: Counter[int] = Counter()
    pick = words.random
    for start in range(0, count, BATCH):
        batch: dict[str, list[dict[str, Any]]] = {name: [] for name in _TABLES}
        for row in range(start + 1, min(start + BATCH, count) + 1):
            title = " ".join(words.draw(pick.randint(2, 6)))
            made.titles.append(title)
            named = {
                "tag": {*tags.draw(pick.randint(0, 3)), *(["rare"] if row % RARE == 0 else [])},
                "genre": set(genres.draw(pick.randint(1, 2))),
                "person": set(people.draw(2)),
            }
            year = 2025 - int(pick.expovariate(0.05)) % 120
            rating = None if row % 5 == 0 else round(pick.triangular(0, 10, 6), 1)
            at, number, small = NOW + timedelta(seconds=row), _id(row), row % OTHER_SHELF == 0
            is_episode = row % 3 == 0
            if is_episode and row % 900 == 3:
                batch["series"].append(series | {"row": row, "id": _id(-row), "title": title, "sort_title": title})  # fmt: skip
            season = {"series_id": _id(-(row // 900 * 900 + 3)), "season": row % 900 // 90, "episode": row % 90 // 3}  # fmt: skip
            values = work | {
                "row": row, "id": number, "title": title, "sort_title": title, "year": year,
                "rating": rating, "created_at": at, "updated_at": at,
                "tags": json.dumps(sorted(named["tag"])), "genres": json.dumps(sorted(named["genre"])),
                "credits": json.dumps([[name, "actor", ""] for name in sorted(named["person"])]),
            }  # fmt: skip
            values |= season if is_episode and row // 900 * 900 + 3 <= row else {}
            values["fields"] = (
                values["fields"].replace("TITLE", title).replace("0" * 8, f"{row:08x}")
            )
            values["metadata_fields"] = values["metadata_fields"].replace('"TAGS"', values["tags"][1:-1])  # fmt: skip
            batch["work"].append(values)
            batch["video"].append(video | {
                "row": row, "id": _id(count + row), "work_row": row, "shown_row": row,
                "location_row": 2 if small else 1, "locator": f"{row}.mp4", "filename": f"{row}.mp4",
                "search_text": f"{title} {row}.mp4",
                "fields": video["fields"].replace("0" * 8, f"{row:08x}"),
            })  # fmt: skip
            batch["library_work"].append(
                {
                    "library_row": 2 if small else 1,
                    "sort_title": title,
                    "work_row": row,
                    "own": True,
                }
            )
            for kind, names in named.items():
                for name in names:
                    term = terms.setdefault((kind, name), len(terms) + 1)
                    carried[term] += 1
                    batch["work_term"].append({"term_row": term, "sort_title": title, "work_row": row})  # fmt: skip
        yield batch
    yield {
        "term": [
            {"row": row, "kind": kind, "folded": name.lower(), "name": name, "works": carried[row]}
            for (kind, name), row in terms.items()
        ]
    }


def _templates() -> tuple[dict[str, Any], ...]:
    """Return a work, a video and a series as rows."""
    nobody = UUID(int=0)
    work = Work(
        id=nobody, title="TITLE", created_at=NOW, updated_at=NOW, year=2000, rating=5.0,
        description="A sentence or two about what happens in it, as most films have.",
        tags=("TAGS",),
    )  # fmt: skip
    film = Video(
        id=nobody, work_id=nobody, location_id=nobody, filename="x.mp4", locator="x",
        file_size=10**9, signature="1:2:3", created_at=NOW, updated_at=NOW, facts=FACTS,
    )  # fmt: skip
    values = work_values(work) | {"shown": True, "digest": None}
    row = video_values(film, StorageType.LOCAL, "x")
    empty = {"external_ids": "{}", "locked": "[]"}
    series = {
        "created_at": NOW, "updated_at": NOW, "year": 2000, "description": "", "poster": "",
        "version": 0, **empty,
    }  # fmt: skip
    return (
        values | empty,
        row | {"availability": "available", "subtitles": "[]", "pictures": "[]"},
        series,
    )


def _id(number: int) -> UUID:
    return UUID(int=_IDS + number)


def _write_sqlite(engine: sa.Engine, batches: Iterator[dict[str, list[dict[str, Any]]]]) -> None:
    """Write rows without indexes, the tables that are indexes themselves in their order."""
    with writing(engine).begin() as connection:
        run = connection.exec_driver_sql
        dropped = run(
            "SELECT type, name, sql FROM sqlite_master WHERE type IN ('trigger', 'index')"
            f" AND sql IS NOT NULL AND tbl_name IN {_TABLES}"
        ).all()
        for kind, name, _ in dropped:
            run(f"DROP {kind} {name}")
        for name in _ORDERED:
            run(f"CREATE TEMP TABLE new_{name} AS SELECT * FROM {name} LIMIT 0")
        for batch in batches:
            for table, rows in batch.items():
                if rows:
                    columns = list(rows[0])
                    marks = ", ".join("?" * len(columns))
                    names = ", ".join(f'"{name}"' for name in columns)
                    values = [tuple(map(_sqlite_value, row.values())) for row in rows]
                    target = f"new_{table}" if table in _ORDERED else table
                    run(f"INSERT INTO {target} ({names}) VALUES ({marks})", values)
        for name in _ORDERED:
            run(f"INSERT INTO {name} SELECT * FROM new_{name} ORDER BY 1, 2, 3")
            run(f"DROP TABLE new_{name}")
        for name in ("video_text_word", "video_text_part"):
            run(f"INSERT INTO {name} ({name}) VALUES ('rebuild')")
        for _, _, text in dropped:
            run(text)


def _sqlite_value(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.bytes
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ", "microseconds")
    return value


def _write_postgres(engine: sa.Engine, batches: Iterator[dict[str, list[dict[str, Any]]]]) -> None:
    with writing(engine).begin() as connection:
        indexes = connection.exec_driver_sql(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
            " AND (starts_with(indexname, 'ix_') OR starts_with(indexname, 'video_text_'))"
            f" AND tablename IN {(*_TABLES, 'video_text')} AND indexname <> 'video_text_pkey'"
        ).all()
        for name, _ in indexes:
            connection.exec_driver_sql(f"DROP INDEX {name}")
        connection.exec_driver_sql("ALTER TABLE video DISABLE TRIGGER USER")
        cursor = connection.connection.cursor()
        for batch in batches:
            for table, rows in batch.items():
                if rows:
                    names = ", ".join(f'"{name}"' for name in rows[0])
                    text = io.StringIO()
                    for row in rows:
                        text.write("\t".join(map(_copied, row.values())) + "\n")
                    with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                        copy.write(text.getvalue())
        connection.exec_driver_sql("ALTER TABLE video ENABLE TRIGGER USER")
        connection.exec_driver_sql(
            "INSERT INTO video_text SELECT row, location_row, search_text FROM video"
        )
        for _, text in indexes:
            connection.exec_driver_sql(text.replace("%", "%%"))
        for table in ("series", "work", "video", "term"):
            numbers = f"pg_get_serial_sequence('{table}', 'row')"
            connection.exec_driver_sql(
                f"SELECT setval({numbers}, (SELECT coalesce(max(row), 1) FROM {table}))"
            )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")


def _copied(value: Any) -> str:
    if value is None:
        return r"\N"
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ")
    return str(value).replace("\\", "\\\\")
