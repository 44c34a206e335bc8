"""Libraries, storage locations, and the one row about the database itself."""

import dataclasses
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from adapters.sql.database import Base
from adapters.sql.types import Json, UtcDateTime, Uuid, choice, row_number
from domain.library.storage_location import LastScan, ScanCounts, StorageType


def _load_scan(value: dict[str, Any]) -> LastScan:
    times = {name: datetime.fromisoformat(value[name]) for name in ("started_at", "finished_at")}
    return LastScan(**(value | times | {"counts": ScanCounts(**value["counts"])}))


def _dump_scan(scan: LastScan) -> dict[str, Any]:
    times = {name: getattr(scan, name).isoformat() for name in ("started_at", "finished_at")}
    return dataclasses.asdict(scan) | times


library = sa.Table(
    "library",
    Base.metadata,
    sa.Column("row", row_number(), primary_key=True),
    sa.Column("id", Uuid, nullable=False, unique=True),
    sa.Column("name", sa.String(100), nullable=False, unique=True),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

storage_location = sa.Table(
    "storage_location",
    Base.metadata,
    sa.Column("row", row_number(), primary_key=True),
    sa.Column("id", Uuid, nullable=False, unique=True),
    sa.Column("name", sa.String(100), nullable=False, unique=True),
    sa.Column("storage_type", choice(StorageType), nullable=False),
    sa.Column("library_id", Uuid, sa.ForeignKey("library.id"), nullable=False, index=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("options", Json(), nullable=False),
    sa.Column("secrets", sa.LargeBinary),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("reachable", sa.Boolean),
    sa.Column("unreachable_reason", sa.Text, nullable=False),
    sa.Column("last_scan", Json(_load_scan, _dump_scan)),
    sa.Column("scan_every_hours", sa.Integer),
    sa.Column("watch", sa.Boolean, nullable=False),
    sa.Column("refused_at", UtcDateTime),
    sa.Column("connection_id", Uuid, sa.ForeignKey("connection.id"), index=True),
    sa.Column("version", sa.Integer, nullable=False),
)

# ``changes`` counts the transactions that changed what the catalogue shows; caches key on it.
node = sa.Table(
    "node",
    Base.metadata,
    sa.Column("row", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("changes", sa.BigInteger, nullable=False),
    sa.CheckConstraint("row = 1", name="single"),
)
