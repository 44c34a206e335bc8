"""Reading one state of the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from adapters.sql.database import reading, translated


class Snapshots:
    """Opens transactions that only read, each of one consistent state."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = reading(engine)

    @contextmanager
    def open(self) -> Iterator[sa.Connection]:
        """Yield a connection in such a transaction."""
        with translated(), self._engine.begin() as connection:
            yield connection
