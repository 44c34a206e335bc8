"""Column types that turn domain values into SQL values and back."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine

# ruff: noqa: ARG002 - the signatures are SQLAlchemy's


class UtcDateTime(TypeDecorator[datetime]):
    """Stores an aware datetime as UTC; refuses a naive one; always returns aware."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Uuid(TypeDecorator[UUID]):
    """A UUID: 16 bytes on SQLite, where text would double every index; native on PostgreSQL."""

    impl = sa.LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(postgresql.UUID(as_uuid=True))
        return dialect.type_descriptor(sa.LargeBinary(16))

    def process_bind_param(self, value: UUID | None, dialect: sa.Dialect) -> UUID | bytes | None:
        if value is None or dialect.name == "postgresql":
            return value
        return value.bytes

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> UUID | None:
        if value is None or isinstance(value, UUID):
            return value
        return UUID(bytes=bytes(value))


class Json(TypeDecorator[Any]):
    """A small value as compact JSON text.

    Args:
        load: makes the domain's value of what JSON gives (``tuple``, ``dict``).
        dump: makes what JSON knows of the domain's value.
    """

    impl = sa.Text
    cache_ok = True

    def __init__(
        self, load: Callable[[Any], Any] = dict, dump: Callable[[Any], Any] = dict
    ) -> None:
        super().__init__()
        self.load, self.dump = load, dump

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if value is None else json_text(self.dump(value))

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        return None if value is None else self.load(json.loads(value))


def json_text(value: Any) -> str:
    """Write compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def sorted_texts(values: Any) -> list[str]:
    """Return the texts of a set in a fixed order."""
    return sorted(str(value) for value in values)


def choice(kind: type[Enum]) -> sa.Enum:
    """Return a column type for an enumeration, kept by its values as plain text."""
    return sa.Enum(
        kind,
        native_enum=False,
        create_constraint=False,
        length=20,
        values_callable=lambda members: [member.value for member in members],
    )


def row_number() -> TypeEngine[int]:
    """Return the type of row numbers: SQLite counts in INTEGER PRIMARY KEY only."""
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")
