"""Tags, genres and people of the works that are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from domain.library.terms import term_key
from domain.text import sort_key
from ports.library.catalogue import Term, TermKind

_term = schema.term
_LAST = "\U0010ffff"  # no text begins with a prefix and comes behind the prefix and this


def found_terms(
    connection: sa.Connection, kind: TermKind, starts: str, limit: int
) -> Sequence[Term]:
    """Return terms whose name begins so, by name."""
    query = sa.select(_term.c.kind, _term.c.name, _term.c.works).where(_term.c.kind == kind)
    if first := sort_key(starts):
        query = query.where(_term.c.folded >= first, _term.c.folded <= first + _LAST)
    rows = connection.execute(query.order_by(_term.c.folded).limit(limit))
    return [Term(*row) for row in rows]


def find_term(connection: sa.Connection, kind: TermKind, name: str) -> tuple[int, int] | None:
    """Return the row of a term and how many shown works carry it, or None."""
    query = sa.select(_term.c.row, _term.c.works)
    query = query.where(_term.c.kind == kind, _term.c.folded == term_key(name))
    row: Any = connection.execute(query).first()
    return None if row is None else (row.row, row.works)
