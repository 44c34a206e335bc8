"""Let the search index answer alone: without what is gone, and knowing what is where.

SQLite: the index reads its texts through a view that leaves out what is gone and adds a mark of the
location: a character of private use three times, which is one word and one part of three letters.
Triggers keep it right as before.

PostgreSQL: both indexes move to a narrow table of their own, kept right by a trigger, so that a
match costs a tenth of the pages, and a change of anything but the text none.

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
# PostgreSQL would take "a_b.mp4" for a host name: signs become blanks first (as in 0002).
SIGNS = "!\"#$&''()*+,-./:;<=>?@[\\]^_`{|}~"
WORDS = f"translate(search_text, '{SIGNS}' || chr(37), repeat(' ', 32))"


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        _move_to_a_table()
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
        _move_back()
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


def _move_to_a_table() -> None:
    op.execute("DROP INDEX video_text_part")
    op.execute("DROP INDEX video_text_word")
    op.execute(
        "CREATE TABLE video_text (row bigint PRIMARY KEY, location_row bigint NOT NULL,"
        " search_text text NOT NULL)"
    )
    texts = f"SELECT row, location_row, search_text FROM video WHERE {HERE}"
    op.execute(f"INSERT INTO video_text {texts}")
    _create_gin("video_text")
    op.execute(
        f"""
        CREATE FUNCTION video_text_follow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP <> 'INSERT' AND OLD.{HERE} THEN
                DELETE FROM video_text WHERE row = OLD.row;
            END IF;
            IF TG_OP <> 'DELETE' AND NEW.{HERE} THEN
                INSERT INTO video_text VALUES (NEW.row, NEW.location_row, NEW.search_text);
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER video_text_follow AFTER INSERT OR DELETE ON video"
        " FOR EACH ROW EXECUTE FUNCTION video_text_follow()"
    )
    news = (
        "OLD.search_text <> NEW.search_text OR OLD.location_row <> NEW.location_row"
        f" OR (OLD.{HERE}) <> (NEW.{HERE})"
    )
    op.execute(
        "CREATE TRIGGER video_text_update AFTER UPDATE OF search_text, availability, location_row"
        f" ON video FOR EACH ROW WHEN ({news}) EXECUTE FUNCTION video_text_follow()"
    )


def _move_back() -> None:
    op.execute("DROP TRIGGER video_text_update ON video")
    op.execute("DROP TRIGGER video_text_follow ON video")
    op.execute("DROP FUNCTION video_text_follow")
    op.execute("DROP TABLE video_text")
    _create_gin("video")


def _create_gin(table: str) -> None:
    op.get_bind().exec_driver_sql(
        f"CREATE INDEX video_text_word ON {table}"
        f" USING gin (to_tsvector('simple'::regconfig, {WORDS}))"
    )
    op.execute(f"CREATE INDEX video_text_part ON {table} USING gin (search_text gin_trgm_ops)")


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
