"""People, their sessions, how far they watched, and API keys."""

import copy
from collections.abc import Sequence
from datetime import datetime

from adapters.memory.database import Tables
from adapters.memory.versions import save
from domain.errors import AlreadyExists
from domain.federation.api_key import ApiKey, KeyNotFound
from domain.ids import ApiKeyId, UserId, VideoId
from domain.library.watch import WatchState
from domain.people import Session, User, UserNotFound


class MemoryUsers:
    """People by id and by name."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, user_id: UserId) -> User:
        user = self._tables.users.get(user_id)
        if user is None:
            raise UserNotFound
        return copy.deepcopy(user)

    def find(self, name: str) -> User | None:
        wanted = name.lower()
        found = (
            user
            for user in self._tables.users.values()
            if wanted in {user.username.lower(), user.email.lower()}
        )
        return copy.deepcopy(next(found, None))

    def all(self) -> Sequence[User]:
        rows = self._tables.users.values()
        return copy.deepcopy(sorted(rows, key=lambda user: user.username.lower()))

    def count(self) -> int:
        return len(self._tables.users)

    def add(self, user: User) -> None:
        self._check_names(user)
        self._tables.users[user.id] = copy.deepcopy(user)

    def save(self, user: User) -> None:
        self._check_names(user)
        save(self._tables.users, user.id, user, UserNotFound)

    def remove(self, user_id: UserId) -> None:
        self.get(user_id)
        del self._tables.users[user_id]
        MemorySessions(self._tables).remove_of(user_id)
        for key in [key for key in self._tables.watch_states if key[0] == user_id]:
            del self._tables.watch_states[key]
        self._tables.resource_accounts.pop(user_id, None)
        for grant in [grant for grant in self._tables.folder_grants if grant[1] == user_id]:
            del self._tables.folder_grants[grant]
        for device, _ in list(self._tables.devices.values()):
            if device.user_id == user_id:
                del self._tables.devices[device.id]

    def _check_names(self, user: User) -> None:
        for other in self._tables.users.values():
            same_name = other.username.lower() == user.username.lower()
            same_email = other.email.lower() == user.email.lower()
            if other.id != user.id and (same_name or same_email):
                raise AlreadyExists("that user name or e-mail address is taken")


class MemorySessions:
    """Browser sessions by the digest of their id."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def put(self, session: Session) -> None:
        self._tables.sessions[session.id_digest] = copy.deepcopy(session)

    def refresh(self, session: Session) -> None:
        if session.id_digest in self._tables.sessions:
            self.put(session)

    def remove(self, id_digest: bytes) -> None:
        self._tables.sessions.pop(id_digest, None)

    def remove_of(self, user_id: UserId) -> None:
        for session in list(self._tables.sessions.values()):
            if session.user_id == user_id:
                del self._tables.sessions[session.id_digest]

    def remove_stale(self, seen_before: datetime) -> int:
        stale = [row for row in self._tables.sessions.values() if row.seen_at < seen_before]
        for session in stale:
            del self._tables.sessions[session.id_digest]
        return len(stale)


class MemoryWatchStates:
    """How far people got."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def find(self, user_id: UserId, video_id: VideoId) -> WatchState | None:
        return copy.deepcopy(self._tables.watch_states.get((user_id, video_id)))

    def put(self, state: WatchState) -> None:
        self._tables.watch_states[(state.user_id, state.video_id)] = copy.deepcopy(state)


class MemoryApiKeys:
    """Keys by id and by name."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, key_id: ApiKeyId) -> ApiKey:
        key = self._tables.api_keys.get(key_id)
        if key is None:
            raise KeyNotFound
        return copy.deepcopy(key)

    def find_by_name(self, name: str) -> ApiKey | None:
        named = [key for key in self.all() if key.name == name]
        return next((key for key in named if key.revoked_at is None), next(iter(named), None))

    def all(self) -> Sequence[ApiKey]:
        rows = self._tables.api_keys.values()
        newest_first = sorted(rows, key=lambda key: (key.created_at, key.id), reverse=True)
        return copy.deepcopy(newest_first)

    def add(self, key: ApiKey) -> None:
        if any(other.digest == key.digest for other in self._tables.api_keys.values()):
            raise AlreadyExists("that key exists already")
        self._tables.api_keys[key.id] = copy.deepcopy(key)

    def save(self, key: ApiKey) -> None:
        save(self._tables.api_keys, key.id, key, KeyNotFound)

    def touch(self, key_id: ApiKeyId, *, at: datetime, address: str) -> None:
        key = self.get(key_id)
        key.last_used_at, key.last_used_from = at, address
        self._tables.api_keys[key_id] = key
