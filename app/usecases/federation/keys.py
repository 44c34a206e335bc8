"""API keys: issuing, revoking, rotating."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import isfinite
from uuid import UUID

from app.usecases.library.locations import find_library
from domain.errors import Conflict, Invalid
from domain.federation.api_key import (
    ApiKey,
    KeyKind,
    KeyNotFound,
    key_prefix,
    key_text,
    parse_scopes,
)
from domain.federation.audit import Actor
from domain.ids import ApiKeyId
from ports.clock import Clock
from ports.crypto import Secrets
from ports.ids import IdFactory
from ports.unit_of_work import UnitOfWork, UnitOfWorkFactory

MAX_HOURS = 24 * 365 * 100
SECRET_BYTES = 32


class RotationRefused(Conflict):
    """A line of keys has two living ones already."""

    code = "key.rotation-refused"
    title = "The key was rotated, and both keys are still good"


def find_key(tx: UnitOfWork, ref: str) -> ApiKey:
    """Return the key with that id or name (of several, the newest good one).

    Raises:
        KeyNotFound: there is none.
    """
    try:
        return tx.api_keys.get(ApiKeyId(UUID(ref)))
    except (ValueError, KeyNotFound):
        key = tx.api_keys.find_by_name(ref)
    if key is None:
        raise KeyNotFound
    return key


@dataclass(frozen=True, slots=True)
class IssueKey:
    """Make a key. Its text is returned once and stored nowhere."""

    unit_of_work: UnitOfWorkFactory
    secrets: Secrets
    clock: Clock
    new_id: IdFactory

    def __call__(
        self,
        *,
        name: str,
        kind: str,
        scopes: Sequence[str],
        libraries: Sequence[str],
        actor: Actor,
        expires_hours: float | None = None,
        networks: Sequence[str] = (),
    ) -> tuple[ApiKey, str]:
        """Issue a key for ``libraries`` (names or ids); a peer's key sees nothing else."""
        now = self.clock.now()
        with self.unit_of_work() as tx:
            text = key_text(_kind(kind), self.secrets.random_bytes(SECRET_BYTES))
            key = ApiKey(
                id=ApiKeyId(self.new_id()),
                name=name,
                kind=_kind(kind),
                prefix=key_prefix(text),
                digest=self.secrets.key_digest(text),
                scopes=parse_scopes(scopes),
                libraries=frozenset(find_library(tx, ref).id for ref in libraries),
                created_at=now,
                expires_at=_expiry(now, expires_hours),
                networks=tuple(networks),
            )
            tx.api_keys.add(key)
            tx.audit.append([actor.did("key.issue", f"key:{key.prefix}", at=now, detail=key.name)])
            tx.commit()
        return key, text


@dataclass(frozen=True, slots=True)
class RevokeKey:
    """End a key on its next request, and the one that it replaced with it."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, *, key_id: ApiKeyId, actor: Actor) -> ApiKey:
        now = self.clock.now()
        with self.unit_of_work() as tx:
            key = tx.api_keys.get(key_id)
            revoke_line(tx, key, actor=actor, at=now)
            tx.commit()
        return key


@dataclass(frozen=True, slots=True)
class RotateKey:
    """Replace a key by a new one that may do the same; the old one dies after the overlap."""

    unit_of_work: UnitOfWorkFactory
    secrets: Secrets
    clock: Clock
    new_id: IdFactory

    def __call__(
        self, *, key_id: ApiKeyId, actor: Actor, overlap_hours: float
    ) -> tuple[ApiKey, str]:
        """Rotate a key; overlap 0 ends the old one at once.

        Raises:
            RotationRefused: the key has a living predecessor or successor.
            KeyRevoked: a dead key is not rotated.
        """
        now = self.clock.now()
        overlap = timedelta(hours=_hours(overlap_hours, field="overlap_hours"))
        with self.unit_of_work() as tx:
            old = tx.api_keys.get(key_id)
            _check_alone(tx, old, now)
            text = key_text(old.kind, self.secrets.random_bytes(SECRET_BYTES))
            life = old.expires_at and old.expires_at - old.created_at
            new = ApiKey(
                id=ApiKeyId(self.new_id()),
                name=old.name,
                kind=old.kind,
                prefix=key_prefix(text),
                digest=self.secrets.key_digest(text),
                scopes=old.scopes,
                libraries=old.libraries,
                created_at=now,
                expires_at=now + life if life else None,
                networks=old.networks,
                rotated_from=old.id,
            )
            old.retire(at=now, overlap=overlap)
            tx.api_keys.save(old)
            tx.api_keys.add(new)
            _move_connection(tx, old)
            detail = f"replaces {old.prefix}"
            tx.audit.append([actor.did("key.rotate", f"key:{new.prefix}", at=now, detail=detail)])
            tx.commit()
        return new, text


def revoke_line(tx: UnitOfWork, key: ApiKey, *, actor: Actor, at: datetime) -> None:
    """Revoke a key and the one it replaced, each with its entry in the trail."""
    line = [key]
    if key.rotated_from is not None:
        line.append(tx.api_keys.get(key.rotated_from))
    for one in line:
        if one.revoked_at is None:
            one.revoke(at=at)
            tx.api_keys.save(one)
            tx.audit.append([actor.did("key.revoke", f"key:{one.prefix}", at=at, detail=one.name)])


def _check_alone(tx: UnitOfWork, key: ApiKey, now: datetime) -> None:
    for other in tx.api_keys.all():
        related = other.id == key.rotated_from or other.rotated_from == key.id
        if related and other.is_good(now):
            raise RotationRefused(
                f"{other.prefix} is still good; revoke it or wait for its end, then rotate",
                prefix=other.prefix,
            )


def _move_connection(tx: UnitOfWork, old: ApiKey) -> None:
    # A connection hangs on its key or on the one before, so that both keys of an overlap reach
    # it in one step. The key before ``old`` is dead by now: the connection moves up.
    connection = old.rotated_from and tx.connections.find_by_key(old.rotated_from)
    if connection:
        connection.api_key_id = old.id
        tx.connections.save(connection)


def _kind(name: str) -> KeyKind:
    if name not in {KeyKind.PEER, KeyKind.APP}:
        raise Invalid("kinds are peer and app", field="kind")
    return KeyKind(name)


def _expiry(now: datetime, hours: float | None) -> datetime | None:
    if hours is None:
        return None
    if hours == 0:
        raise Invalid("expires_hours takes a number above 0", field="expires_hours")
    return now + timedelta(hours=_hours(hours, field="expires_hours"))


def _hours(hours: float, *, field: str) -> float:
    if not isfinite(hours) or not 0 <= hours <= MAX_HOURS:
        raise Invalid(f"{field} takes a number from 0 to {MAX_HOURS}", field=field)
    return hours
