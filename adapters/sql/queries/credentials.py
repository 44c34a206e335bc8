"""Who is calling: one statement per look-up."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.queries.lookup import Lookup
from adapters.sql.queries.remembered import CommitStamp
from adapters.sql.repositories.federation import API_KEY
from adapters.sql.repositories.people import SESSION, USER
from domain.ids import ConnectionId
from domain.people import User
from ports.federation.credentials import KeyHolder, PeerHolder, SessionHolder

_key, _connection, _session, _user = (
    schema.api_key,
    schema.connection,
    schema.session,
    schema.user,
)
_KEY = sa.select(*API_KEY.columns, _connection.c.id, _connection.c.state).outerjoin_from(
    _key, _connection, _connection.c.api_key_id == _key.c.id
)
# Made once: building a statement costs more than running it.
_KEY_BY_DIGEST = _KEY.where(_key.c.digest == sa.bindparam("digest"))
_KEY_BY_ID = _KEY.where(_key.c.id == sa.bindparam("key_id"))
_PEER = sa.select(_connection.c.state, _connection.c.remote_url, _connection.c.sealed_key).where(
    _connection.c.id == sa.bindparam("connection_id")
)
_SESSION = (
    sa.select(*SESSION.columns, *USER.columns)
    .outerjoin_from(_session, _user, _user.c.id == _session.c.user_id)
    .where(_session.c.id_digest == sa.bindparam("id_digest"))
)
_USER = sa.select(*USER.columns).where(_user.c.id == sa.bindparam("user_id"))


class SqlCredentials:
    """Looks credentials up by digest or id, always in the present state."""

    def __init__(self, engine: sa.Engine) -> None:
        stamp = CommitStamp(engine)
        self._key_by_digest = Lookup(engine, _KEY_BY_DIGEST, stamp, _key_holder)
        self._key_by_id = Lookup(engine, _KEY_BY_ID, stamp, _key_holder)
        self._peer = Lookup(engine, _PEER, stamp, lambda row: PeerHolder(*row))
        self._session = Lookup(engine, _SESSION, stamp, tuple)
        self._user = Lookup(engine, _USER, stamp, tuple)

    def find_key(self, digest: bytes) -> KeyHolder | None:
        return self._key_by_digest(digest)

    def find_key_by_id(self, key_id: str) -> KeyHolder | None:
        number = _uuid(key_id)
        return self._key_by_id(number) if number else None

    def find_peer(self, connection_id: ConnectionId) -> PeerHolder | None:
        return self._peer(connection_id)

    def find_session(self, id_digest: bytes, now: datetime) -> SessionHolder | None:
        row = self._session(id_digest)
        if row is None:
            return None
        width = len(SESSION.columns)
        session = SESSION.load(row[:width])
        user = USER.load(row[width:]) if row[width] is not None else None
        return SessionHolder(session, user) if session.is_alive(now) else None

    def find_user(self, user_id: str) -> User | None:
        number = _uuid(user_id)
        row = self._user(number) if number else None
        return None if row is None else USER.load(row)


def _key_holder(row: list[Any]) -> KeyHolder:
    *key, connection_id, state = row
    return KeyHolder(API_KEY.load(key), connection_id, state)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
