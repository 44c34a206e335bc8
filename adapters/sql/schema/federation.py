"""Keys, connections and the audit trail."""

from uuid import UUID

import sqlalchemy as sa

from adapters.sql.database import Base
from adapters.sql.types import Json, UtcDateTime, Uuid, choice, sorted_texts
from domain.federation.api_key import KeyKind, Scope
from domain.federation.connection import ConnectionState, Direction
from domain.ids import LibraryId


def _scopes(texts: list[str]) -> frozenset[Scope]:
    return frozenset(Scope(text) for text in texts)


def _library_ids(texts: list[str]) -> frozenset[LibraryId]:
    return frozenset(LibraryId(UUID(text)) for text in texts)


api_key = sa.Table(
    "api_key",
    Base.metadata,
    sa.Column("id", Uuid, primary_key=True),
    sa.Column("name", sa.String(100), nullable=False, index=True),
    sa.Column("kind", choice(KeyKind), nullable=False),
    sa.Column("prefix", sa.String(40), nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("scopes", Json(_scopes, sorted_texts), nullable=False),
    sa.Column("libraries", Json(_library_ids, sorted_texts), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime),
    sa.Column("networks", Json(tuple, list), nullable=False),
    sa.Column("revoked_at", UtcDateTime),
    sa.Column("rotated_from", Uuid),
    sa.Column("last_used_at", UtcDateTime),
    sa.Column("last_used_from", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

connection = sa.Table(
    "connection",
    Base.metadata,
    sa.Column("id", Uuid, primary_key=True),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("direction", choice(Direction), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("state", choice(ConnectionState), nullable=False),
    sa.Column("remote_url", sa.Text, nullable=False),
    sa.Column("api_key_id", Uuid, sa.ForeignKey("api_key.id"), index=True),
    sa.Column("instance_id", sa.Text, nullable=False),
    sa.Column("remote_name", sa.Text, nullable=False),
    sa.Column("remote_version", sa.Text, nullable=False),
    sa.Column("remote_state", sa.Text, nullable=False),
    sa.Column("sealed_key", sa.LargeBinary),
    sa.Column("key_digest", sa.LargeBinary),
    sa.Column("version", sa.Integer, nullable=False),
)
_live = connection.c.state != sa.literal_column("'revoked'")
sa.Index(
    "uq_connection_live_name",
    connection.c.name,
    unique=True,
    sqlite_where=_live,
    postgresql_where=_live,
)
sa.Index(
    "uq_connection_live_remote_url_key_digest",
    connection.c.remote_url,
    connection.c.key_digest,
    unique=True,
    sqlite_where=_live,
    postgresql_where=_live,
)

audit = sa.Table(
    "audit",
    Base.metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("result", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("bytes_sent", sa.BigInteger),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("entry_hash", sa.LargeBinary, nullable=False),
    sa.Index("ix_audit_target_number", "target", "number"),
)
