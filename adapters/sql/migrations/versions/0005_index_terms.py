"""Keep tags, genres and people as rows, so that works are found by them at once.

Frozen: imports nothing from the application; folding is the application's of this revision.
"""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ORDERED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
FOLDS = str.maketrans({"ß": "ss", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i"})
PAGE = 1000


def upgrade() -> None:
    term = op.create_table(
        "term",
        sa.Column("row", ROW, primary_key=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("folded", ORDERED, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("works", sa.Integer, nullable=False),
        sa.UniqueConstraint("kind", "folded", name=op.f("uq_term_kind_folded")),
    )
    link = op.create_table(
        "work_term",
        sa.Column("term_row", ROW, primary_key=True),
        sa.Column("sort_title", ORDERED, primary_key=True),
        sa.Column("work_row", ROW, primary_key=True),
        sqlite_with_rowid=False,
    )
    on_sqlite = op.get_context().dialect.name == "sqlite"
    op.create_index(
        "ix_work_shown_film_row",
        "work",
        ["row"],
        sqlite_where=sa.text("shown = 1 AND series_id IS NULL"),
        postgresql_where=sa.text("shown AND series_id IS NULL"),
    )
    _fill(op.get_bind(), term, link)
    op.create_index("ix_work_term_work_row_term_row", "work_term", ["work_row", "term_row"])
    if not on_sqlite:
        numbers = "pg_get_serial_sequence('term', 'row')"
        op.execute(f"SELECT setval({numbers}, (SELECT coalesce(max(row), 0) + 1 FROM term), false)")  # noqa: S608 - own names


def downgrade() -> None:
    op.drop_index("ix_work_shown_film_row", "work")
    op.drop_table("work_term")
    op.drop_table("term")


def _fill(connection: sa.Connection, term: sa.Table, link: sa.Table) -> None:
    names = ("row", "sort_title", "tags", "genres", "director", "credits")
    work = sa.table("work", *(sa.column(name) for name in (*names, "shown")))
    rows: dict[tuple[str, str], int] = {}
    spelt: dict[tuple[str, str], str] = {}
    counts: Counter[tuple[str, str]] = Counter()
    last = 0
    while True:
        query = sa.select(*(work.c[name] for name in names)).where(work.c.shown, work.c.row > last)
        page = connection.execute(query.order_by(work.c.row).limit(PAGE)).all()
        if not page:
            break
        links = []
        for row, title, *texts in page:
            mine = dict(_terms(*texts))
            counts.update(mine.keys())
            for key, name in mine.items():
                spelt.setdefault(key, name)
                number = rows.setdefault(key, len(rows) + 1)
                links.append({"term_row": number, "sort_title": title, "work_row": row})
        if links:
            connection.execute(sa.insert(link), links)
        last = page[-1][0]
    values = [
        {"row": row, "kind": k, "folded": f, "name": spelt[k, f], "works": counts[k, f]}
        for (k, f), row in rows.items()
    ]
    if values:
        connection.execute(sa.insert(term), values)


def _terms(
    tags: str, genres: str, director: str, credits_: str
) -> Iterator[tuple[tuple[str, str], str]]:
    people = [name.strip() for name in director.split(",")]
    people += [row[0] for row in json.loads(credits_)]
    named = (("tag", json.loads(tags)), ("genre", json.loads(genres)), ("person", people))
    for kind, names in named:
        for name in reversed(names):
            if name:
                yield (kind, _fold(name)[:200] or name), name


def _fold(text: str) -> str:
    if text.isascii():
        return " ".join(text.lower().split())
    bare = (c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    lowered = "".join(bare).casefold().translate(FOLDS)
    bare_again = (c for c in unicodedata.normalize("NFKD", lowered) if not unicodedata.combining(c))
    return " ".join("".join(bare_again).split())
