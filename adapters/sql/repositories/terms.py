"""Tags, genres and people of works as rows, brought up to date before a commit.

``term`` and ``work_term`` follow from the texts of the works that are shown and are written nowhere
else. Whoever writes them has counted ``node.changes`` up first, so writers take turns here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.repositories.bulk import insert_rows
from adapters.sql.repositories.rows import new_rows
from adapters.sql.repositories.table import chunks
from domain.library.terms import people_of, term_key
from ports.library.catalogue import TermKind

_work, _term, _link = schema.work, schema.term, schema.work_term
_ROWS: sa.BindParameter[Any] = sa.bindparam("rows", expanding=True)
_CARRYING = sa.select(
    _work.c.row, _work.c.sort_title, _work.c.tags, _work.c.genres, _work.c.director, _work.c.credits
).where(
    _work.c.row.in_(_ROWS),
    _work.c.shown,
    (sa.type_coerce(_work.c.tags, sa.Text) != "[]")
    | (sa.type_coerce(_work.c.genres, sa.Text) != "[]")
    | (sa.type_coerce(_work.c.credits, sa.Text) != "[]")
    | (_work.c.director != ""),
)
_STORED = sa.select(_link.c.term_row, _link.c.sort_title, _link.c.work_row).where(
    _link.c.work_row.in_(_ROWS)
)
_UNLINK = sa.delete(_link).where(
    *(column == sa.bindparam(f"old_{column.name}") for column in _link.primary_key)
)
_COUNT = (
    sa.update(_term)
    .where(_term.c.row == sa.bindparam("number"))
    .values(works=_term.c.works + sa.bindparam("more"))
)

_Key = tuple[TermKind, str]
_Link = tuple[int, str, int]


def write_terms(connection: sa.Connection, work_rows: Iterable[int]) -> None:
    """Write what works of these rows, which may be gone, can be looked up by."""
    known: dict[_Key, int] = {}
    for rows in chunks(work_rows):
        _write(connection, rows, known)


def _write(connection: sa.Connection, rows: list[int], known: dict[_Key, int]) -> None:
    names: dict[_Key, str] = {}
    carried: list[tuple[_Key, str, int]] = []
    for row, title, *texts in connection.execute(_CARRYING, {"rows": rows}):
        mine = dict(_terms(*texts))
        names = mine | names
        carried += [(key, title, row) for key in mine]
    stored = {tuple(link) for link in connection.execute(_STORED, {"rows": rows})}
    _find(connection, names, known)
    wanted: set[_Link] = {(known[key], title, row) for key, title, row in carried}
    names_of = ("term_row", "sort_title", "work_row")
    new = [dict(zip(names_of, link, strict=True)) for link in sorted(wanted - stored)]
    insert_rows(connection, _link, new)
    old = [{f"old_{n}": v for n, v in zip(names_of, link, strict=True)} for link in stored - wanted]
    if old:
        connection.execute(_UNLINK, old)
    changes = Counter(link[0] for link in wanted - stored)
    changes.subtract(link[0] for link in stored - wanted)
    _count(connection, changes)


def _terms(
    tags: tuple[str, ...], genres: tuple[str, ...], director: str, credits_: Any
) -> Iterator[tuple[_Key, str]]:
    for kind, names in (
        (TermKind.TAG, tags),
        (TermKind.GENRE, genres),
        (TermKind.PERSON, people_of(director, credits_)),
    ):
        yield from (((kind, term_key(name)), name) for name in names)


def _find(connection: sa.Connection, names: Mapping[_Key, str], known: dict[_Key, int]) -> None:
    """Put the row numbers of terms into ``known``; add the terms that are new."""
    lacking = sorted(names.keys() - known.keys())
    query = sa.select(_term.c.folded, _term.c.row)
    for kind in TermKind:
        for some in chunks(folded for each, folded in lacking if each is kind):
            found = query.where(_term.c.kind == kind, _term.c.folded.in_(some))
            known.update(((kind, row.folded), row.row) for row in connection.execute(found))
    new = [key for key in lacking if key not in known]
    if not new:
        return
    numbers = new_rows(connection, _term, len(new))
    values = [
        {"row": row, "kind": kind, "folded": folded, "name": names[kind, folded], "works": 0}
        for row, (kind, folded) in zip(numbers, new, strict=True)
    ]
    insert_rows(connection, _term, values)
    known.update(zip(new, numbers, strict=True))


def _count(connection: sa.Connection, changes: Counter[int]) -> None:
    values = [{"number": row, "more": more} for row, more in sorted(changes.items()) if more]
    if values:
        connection.execute(_COUNT, values)
    fewer = [value["number"] for value in values if value["more"] < 0]
    for some in chunks(fewer):
        unused = sa.delete(_term).where(_term.c.row.in_(some), _term.c.works == 0)
        connection.execute(unused)
