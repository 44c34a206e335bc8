"""Add full-text search over what a video is found by.

SQLite: two FTS5 tables without content of their own, kept right by triggers: words and beginnings
of words, and parts of words. PostgreSQL: an index for either.

Frozen: imports nothing from the application.
"""

from alembic import op

# ruff: noqa: S608 - the names are the ones below

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = {
    "video_text_word": "tokenize='unicode61 remove_diacritics 2', prefix='2 3'",
    "video_text_part": "tokenize='trigram'",
}
# PostgreSQL would take "a_b.mp4" for a host name: signs become blanks first.
SIGNS = "!\"#$&''()*+,-./:;<=>?@[\\]^_`{|}~"
WORDS = f"translate(search_text, '{SIGNS}' || chr(37), repeat(' ', 32))"


def _on_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def upgrade() -> None:
    if not _on_sqlite():
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        op.get_bind().exec_driver_sql(
            "CREATE INDEX video_text_word ON video"
            f" USING gin (to_tsvector('simple'::regconfig, {WORDS}))"
        )
        op.execute("CREATE INDEX video_text_part ON video USING gin (search_text gin_trgm_ops)")
        return
    for name, options in TABLES.items():
        op.execute(
            f"CREATE VIRTUAL TABLE {name} USING fts5"
            f"(search_text, content='video', content_rowid='row', {options})"
        )
        op.execute(f"INSERT INTO {name} ({name}) VALUES ('rebuild')")
    _create_triggers()


def _create_triggers() -> None:
    forget = "".join(
        f"INSERT INTO {name} ({name}, rowid, search_text)"
        " VALUES ('delete', old.row, old.search_text);"
        for name in TABLES
    )
    learn = "".join(
        f"INSERT INTO {name} (rowid, search_text) VALUES (new.row, new.search_text);"
        for name in TABLES
    )
    op.execute(f"CREATE TRIGGER video_text_insert AFTER INSERT ON video BEGIN {learn} END")
    op.execute(f"CREATE TRIGGER video_text_delete AFTER DELETE ON video BEGIN {forget} END")
    op.execute(
        "CREATE TRIGGER video_text_update AFTER UPDATE OF search_text ON video"
        f" WHEN old.search_text <> new.search_text BEGIN {forget}{learn} END"
    )


def downgrade() -> None:
    if not _on_sqlite():
        op.execute("DROP INDEX video_text_part")
        op.execute("DROP INDEX video_text_word")
        return
    for event in ("insert", "delete", "update"):
        op.execute(f"DROP TRIGGER video_text_{event}")
    for name in TABLES:
        op.execute(f"DROP TABLE {name}")
