"""Alembic's entry point: on the connection that ``adapters.sql.upgrade`` hands in, else on the
running application's engine (``flask db …``).
"""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext
from flask import current_app
from sqlalchemy.types import TypeDecorator

from adapters.sql.schema import metadata
from adapters.sql.types import Uuid


def render_item(kind: str, item: Any, _: AutogenContext) -> str | Literal[False]:
    """Write our column types as the plain SQL type below them, so revisions stay frozen."""
    if kind != "type" or not isinstance(item, TypeDecorator):
        return False
    if isinstance(item, Uuid):
        return 'sa.LargeBinary(16).with_variant(sa.Uuid(), "postgresql")'
    return f"sa.{item.impl!r}"


def include_object(
    _: Any,
    name: str | None,
    kind: str,
    reflected: bool,
    __: Any,
) -> bool:
    """Leave the full-text tables and indexes out: the schema in code does not know them."""
    return not (reflected and kind in {"table", "index"} and (name or "").startswith("video_text"))


def migrate(connection: sa.Connection) -> None:
    """Run the asked-for revisions in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=render_item,
        include_object=include_object,
    )
    with context.begin_transaction():
        context.run_migrations()


if (given := context.config.attributes.get("connection")) is not None:
    migrate(given)
else:
    engine = current_app.extensions["migrate"].db.engine
    with engine.execution_options(velour_begin="BEGIN IMMEDIATE").connect() as own:
        migrate(own)
        own.commit()
