"""Who is calling, looked up in dictionaries."""

import copy
from datetime import datetime
from uuid import UUID

from adapters.memory.database import MemoryDatabase
from domain.federation.api_key import ApiKey
from domain.ids import ApiKeyId, ConnectionId, UserId
from domain.people import User
from ports.federation.credentials import KeyHolder, PeerHolder, SessionHolder


class MemoryCredentials:
    """Reads the last committed state each time."""

    def __init__(self, database: MemoryDatabase) -> None:
        self._database = database

    def find_key(self, digest: bytes) -> KeyHolder | None:
        rows = self._database.tables.api_keys.values()
        return self._holder(next((key for key in rows if key.digest == digest), None))

    def find_key_by_id(self, key_id: str) -> KeyHolder | None:
        number = _uuid(key_id)
        keys = self._database.tables.api_keys
        return self._holder(keys.get(ApiKeyId(number)) if number else None)

    def find_peer(self, connection_id: ConnectionId) -> PeerHolder | None:
        tables = self._database.tables
        connection = tables.connections.get(connection_id)
        if connection is None:
            return None
        sealed = tables.sealed_keys.get(connection_id)
        return PeerHolder(connection.state, connection.remote_url, sealed)

    def find_session(self, id_digest: bytes, now: datetime) -> SessionHolder | None:
        tables = self._database.tables
        session = tables.sessions.get(id_digest)
        if session is None or not session.is_alive(now):
            return None
        user = tables.users.get(session.user_id) if session.user_id else None
        return SessionHolder(copy.deepcopy(session), copy.deepcopy(user))

    def find_user(self, user_id: str) -> User | None:
        number = _uuid(user_id)
        users = self._database.tables.users
        return copy.deepcopy(users.get(UserId(number)) if number else None)

    def _holder(self, key: ApiKey | None) -> KeyHolder | None:
        if key is None:
            return None
        rows = self._database.tables.connections.values()
        connection = next((row for row in rows if row.api_key_id == key.id), None)
        if connection is None:
            return KeyHolder(copy.deepcopy(key), None, None)
        return KeyHolder(copy.deepcopy(key), connection.id, connection.state)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
