"""Let the search index of SQLite answer alone: without what is gone, and knowing what is where.

The index reads its texts through a view that leaves out what is gone and adds a mark of the
location: a character of private use three times, which is one word and one part of three letters.
Triggers keep it right as before. PostgreSQL reads the rows anyway and stays as it is.

Frozen: imports nothing from the application.
"""

from alembic import op

# ruff: noqa: S608 - the names are the ones below

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = {
    "video_text_word": "tokenize='unicode61 remove_diacritics 2', prefix='2 3'",
    "video_text_part": "tokenize='trigram'",
}
HERE = "availability <> 'gone'"
FIRST_PLACE = 0xF0000


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    _drop()
    op.execute(
        f"CREATE VIEW video_text AS SELECT row, search_text, {_mark('location_row')} AS place"
        f" FROM video WHERE {HERE}"
    )
    _create("video_text", "search_text, place")
    forget = "".join(
        f"INSERT INTO {name} ({name}, rowid, search_text, place)"
        f" SELECT 'delete', old.row, old.search_text, {_mark('old.location_row')}"
        f" WHERE old.{HERE};"
        for name in TABLES
    )
    learn = "".join(
        f"INSERT INTO {name} (rowid, search_text, place)"
        f" SELECT new.row, new.search_text, {_mark('new.location_row')} WHERE new.{HERE};"
        for name in TABLES
    )
    news = (
        "old.search_text <> new.search_text OR old.location_row <> new.location_row"
        f" OR (old.{HERE}) <> (new.{HERE})"
    )
    _trigger("insert", "INSERT ON video", learn)
    _trigger("delete", "DELETE ON video", forget)
    columns = "search_text, availability, location_row"
    _trigger("update", f"UPDATE OF {columns} ON video WHEN {news}", forget + learn)


def downgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    _drop()
    op.execute("DROP VIEW video_text")
    _create("video", "search_text")
    forget = "".join(
        f"INSERT INTO {name} ({name}, rowid, search_text)"
        " VALUES ('delete', old.row, old.search_text);"
        for name in TABLES
    )
    learn = "".join(
        f"INSERT INTO {name} (rowid, search_text) VALUES (new.row, new.search_text);"
        for name in TABLES
    )
    _trigger("insert", "INSERT ON video", learn)
    _trigger("delete", "DELETE ON video", forget)
    news = "old.search_text <> new.search_text"
    _trigger("update", f"UPDATE OF search_text ON video WHEN {news}", forget + learn)


def _drop() -> None:
    for event in ("insert", "delete", "update"):
        op.execute(f"DROP TRIGGER video_text_{event}")
    for name in TABLES:
        op.execute(f"DROP TABLE {name}")


def _mark(row: str) -> str:
    code = f"{FIRST_PLACE} + {row}"
    return f"char({code}, {code}, {code})"


def _create(content: str, columns: str) -> None:
    for name, options in TABLES.items():
        op.execute(
            f"CREATE VIRTUAL TABLE {name} USING fts5"
            f"({columns}, content='{content}', content_rowid='row', {options})"
        )
        op.execute(f"INSERT INTO {name} ({name}) VALUES ('rebuild')")


def _trigger(name: str, event: str, actions: str) -> None:
    op.execute(f"CREATE TRIGGER video_text_{name} AFTER {event} BEGIN {actions} END")
