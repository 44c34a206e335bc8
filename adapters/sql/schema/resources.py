"""Folders, resources and their versions, who may have them, and on which device."""

from typing import Any

import sqlalchemy as sa

from adapters.sql.database import Base
from adapters.sql.types import Json, UtcDateTime, Uuid
from domain.resources.device import Fingerprint
from domain.resources.roles import ResourceRole


class RoleNumber(sa.types.TypeDecorator[ResourceRole]):
    """A role by its number; a number that no role has is read as NONE."""

    impl = sa.Integer
    cache_ok = True

    def process_bind_param(self, value: ResourceRole | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's
        return None if value is None else int(value)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> ResourceRole:  # noqa: ARG002 - as above
        known = {role.value for role in ResourceRole}
        return ResourceRole(value) if value in known else ResourceRole.NONE


folder = sa.Table(
    "folder",
    Base.metadata,
    sa.Column("id", Uuid, primary_key=True),
    sa.Column("name", sa.String(128), nullable=False, unique=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

folder_grant = sa.Table(
    "folder_grant",
    Base.metadata,
    sa.Column("folder_id", Uuid, sa.ForeignKey("folder.id"), primary_key=True),
    sa.Column(
        "user_id", Uuid, sa.ForeignKey("user.id", ondelete="CASCADE"), primary_key=True, index=True
    ),
    sa.Column("granted_at", UtcDateTime, nullable=False),
)

resource = sa.Table(
    "resource",
    Base.metadata,
    sa.Column("id", Uuid, primary_key=True),
    sa.Column("folder_id", Uuid, sa.ForeignKey("folder.id"), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("current", sa.BigInteger, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.UniqueConstraint("folder_id", "name"),
)

resource_version = sa.Table(
    "resource_version",
    Base.metadata,
    sa.Column("resource_id", Uuid, sa.ForeignKey("resource.id"), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("plaintext_size", sa.BigInteger, nullable=False),
    sa.Column("small_size", sa.BigInteger, nullable=False),
    sa.Column("big_size", sa.BigInteger, nullable=False),
    sa.Column("small_sha256", sa.LargeBinary, nullable=False),
    sa.Column("big_sha256", sa.LargeBinary, nullable=False),
    sa.Column("key_id", sa.BigInteger, nullable=False),
    sa.Column("sealed_key", sa.LargeBinary, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("replaced_at", UtcDateTime),
)

# Apart from its version, so that lists do not read it.
resource_small = sa.Table(
    "resource_small",
    Base.metadata,
    sa.Column("resource_id", Uuid, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.ForeignKeyConstraint(
        ["resource_id", "number"],
        ["resource_version.resource_id", "resource_version.number"],
        name="fk_resource_small_version",
        ondelete="CASCADE",
    ),
)

resource_account = sa.Table(
    "resource_account",
    Base.metadata,
    sa.Column("id", Uuid, sa.ForeignKey("user.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("role", RoleNumber, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

device = sa.Table(
    "device",
    Base.metadata,
    sa.Column("id", Uuid, primary_key=True),
    sa.Column(
        "user_id", Uuid, sa.ForeignKey("user.id", ondelete="CASCADE"), nullable=False, unique=True
    ),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column(
        "fingerprint", Json(lambda found: Fingerprint(**found), Fingerprint.members), nullable=False
    ),
    sa.Column("bound_at", UtcDateTime, nullable=False),
    sa.Column("exchange", sa.Integer, nullable=False),
)
