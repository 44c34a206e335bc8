"""People, their sessions, and how far they watched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from adapters.sql import schema
from adapters.sql.mapper import RowMapper
from adapters.sql.repositories.table import VersionedTable
from domain.ids import UserId, VideoId
from domain.library.video import VideoNotFound
from domain.library.watch import WatchState
from domain.people import Session, User, UserNotFound

USER = RowMapper(User, schema.user)
SESSION = RowMapper(Session, schema.session)
WATCH = RowMapper(WatchState, schema.watch_state, joined={"video_id": schema.video.c.id})
_FIRST_ACCOUNT_LOCK = 0x56454C50


def insert_or_replace(
    connection: sa.Connection, table: sa.Table, values: dict[str, object]
) -> None:
    """Write a row over the one of the same primary key, or add it."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = insert(table)
    keys = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in values if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), values)


class SqlUsers:
    """People by id and by name."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._table = VersionedTable(connection, schema.user, USER, UserNotFound)

    def get(self, user_id: UserId) -> User:
        return self._table.get(user_id)

    def find(self, name: str) -> User | None:
        columns, folded = schema.user.c, name.lower()
        same = (columns.username_folded == folded) | (columns.email_folded == folded)
        return self._table.first(same)

    def all(self) -> Sequence[User]:
        rows = self._table.list(self._table.select)
        return sorted(rows, key=lambda user: user.username.lower())

    def count(self) -> int:
        """Count people; on PostgreSQL whoever counts in order to add waits for others who do."""
        if self._connection.dialect.name == "postgresql" and not _reads_only(self._connection):
            self._connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_FIRST_ACCOUNT_LOCK)))
        return self._connection.scalar(sa.select(sa.func.count()).select_from(schema.user)) or 0

    def add(self, user: User) -> None:
        with self._table.unique("that user name or e-mail address is taken"):
            self._table.insert(user, **_folded(user))

    def save(self, user: User) -> None:
        with self._table.unique("that user name or e-mail address is taken"):
            self._table.update(user, **_folded(user))

    def remove(self, user_id: UserId) -> None:
        self._table.delete(user_id)


class SqlSessions:
    """Browser sessions by the digest of their id."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def put(self, session: Session) -> None:
        insert_or_replace(self._connection, schema.session, SESSION.dump(session))

    def refresh(self, session: Session) -> None:
        table = schema.session
        self._connection.execute(
            sa.update(table).where(table.c.id_digest == session.id_digest),
            {"values": session.values, "seen_at": session.seen_at},
        )

    def remove(self, id_digest: bytes) -> None:
        self._delete(schema.session.c.id_digest == id_digest)

    def remove_of(self, user_id: UserId) -> None:
        self._delete(schema.session.c.user_id == user_id)

    def remove_stale(self, seen_before: datetime) -> int:
        return self._delete(schema.session.c.seen_at < seen_before)

    def _delete(self, where: sa.ColumnElement[bool]) -> int:
        return self._connection.execute(sa.delete(schema.session).where(where)).rowcount


class SqlWatchStates:
    """How far people got."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def find(self, user_id: UserId, video_id: VideoId) -> WatchState | None:
        table, video = schema.watch_state, schema.video
        query = sa.select(*WATCH.columns).join_from(table, video, table.c.video_row == video.c.row)
        mine = (table.c.user_id == user_id) & (video.c.id == video_id)
        row = self._connection.execute(query.where(mine)).first()
        return None if row is None else WATCH.load(row)

    def put(self, state: WatchState) -> None:
        video = schema.video
        row = self._connection.scalar(sa.select(video.c.row).where(video.c.id == state.video_id))
        if row is None:
            raise VideoNotFound
        values = WATCH.dump(state) | {"video_row": row}
        insert_or_replace(self._connection, schema.watch_state, values)


def _folded(user: User) -> dict[str, str]:
    return {"username_folded": user.username.lower(), "email_folded": user.email.lower()}


def _reads_only(connection: sa.Connection) -> bool:
    return bool(connection.get_execution_options().get("postgresql_readonly"))
