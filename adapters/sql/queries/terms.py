"""Tags, genres and people of the works that are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import sqlalchemy as sa

from adapters.sql import schema
from domain.library.terms import people_of, term_key
from domain.text import sort_key
from ports.library.catalogue import Term, TermKind

_work = schema.work


def found_terms(
    connection: sa.Connection, kind: TermKind, starts: str, limit: int
) -> Sequence[Term]:
    """Return terms whose name begins so, by name."""
    columns = (_work.c.tags, _work.c.genres, _work.c.director, _work.c.credits)
    counts: Counter[str] = Counter()
    names: dict[str, str] = {}
    for tags, genres, director, credits_ in connection.execute(
        sa.select(*columns).where(_work.c.shown)
    ):
        by_kind = dict(zip(TermKind, (tags, genres, people_of(director, credits_)), strict=True))
        mine = {term_key(name): name for name in by_kind[kind]}
        counts.update(mine.keys())
        names = mine | names
    keys = sorted(key for key in names if key.startswith(sort_key(starts)))
    return [Term(kind, names[key], counts[key]) for key in keys[:limit]]
