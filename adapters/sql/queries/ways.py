"""Which index leads to the works of a walk.

Only row numbers and sort keys are read here, from an index alone where there is one. Where a
condition leaves few works, its index leads to them and the few are sorted. Else works are met in
order, by the shelf of a condition that keeps them so or by the index of the order, and looked at
one by one; but never more than a bounded number of them without luck: then the condition that
leaves the fewest leads after all.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.queries.conditions import NO_CONDITION, Condition, Wanted, conditions
from adapters.sql.queries.counts import Counts
from adapters.sql.queries.orders import Key, Sort
from adapters.sql.queries.prepared import Prepared
from adapters.sql.queries.scope import Scope
from ports.library.catalogue import EPISODE_SORT

_work, _shelf = schema.work, schema.library_work
_MOST_MERGED = 8  # libraries whose orders are merged; more are filtered from the order of all
_PAGE = 100  # works that a page is taken to have
_MOST_SIZED = 65_536
_STRIDES = (2_000, 20_000)  # works that are looked at before the fewest are sorted
_MOST_STATEMENTS = 500
_LATER: Key = ("", 0)  # stands for a place that a prepared statement gets when it is run
_LAST_ROW = sa.select(sa.func.max(_work.c.row))


@dataclass(frozen=True, slots=True)
class Walk:
    """The works that a scope and a filter leave, in an order."""

    scope: Scope
    sort: Sort
    wanted: Wanted = NO_CONDITION


@dataclass(frozen=True, slots=True)
class _Track:
    """Rows in the order of the walk: a key, a row number, and what holds for all of them."""

    key: sa.ColumnElement[Any]
    row: sa.ColumnElement[int]
    where: list[sa.ColumnElement[bool]]
    index: str = ""


class Way:
    """One walk on one connection."""

    def __init__(
        self,
        connection: sa.Connection,
        walk: Walk,
        counts: Counts,
        statements: dict[Any, Prepared],
    ) -> None:
        self._connection, self._counts, self._statements = connection, counts, statements
        self._scope, self._sort, self._wanted = walk.scope, walk.sort, walk.wanted
        self._conditions = conditions(walk.scope, walk.wanted)
        shelves = [one for one in self._conditions if one.shelf and self._sort.field == "title"]
        self._shelf = min(shelves, key=self._size, default=None)
        along = self._shelf
        self._rest = [one for one in self._conditions if one is not along and not self._is_key(one)]

    def after(self, null: bool, behind: Key | None, limit: int) -> list[Key]:
        """Return keys of one part of the order behind a place."""
        if self._is_merged:
            return self._keys(self._merged(behind, limit).limit(limit))
        leader = min(self._conditions, key=self._size, default=None)
        if leader is None or not self._rest:
            return self._straight(null, behind, limit)
        if self._sorts(leader):
            return self._keys(self._sorted(leader, null, behind).limit(limit))
        found: list[Key] = []
        for stride in _STRIDES:
            until = self._ahead(null, behind, stride)
            part = self._ordered(null, behind, until=until)
            found += self._keys(part.limit(limit - len(found)))
            if until is None or len(found) == limit:
                return found
            behind = until
        fewest = min(self._conditions, key=self._whole_size)
        return found + self._keys(self._sorted(fewest, null, behind).limit(limit - len(found)))

    def _straight(self, null: bool, behind: Key | None, limit: int) -> list[Key]:
        """Return what follows a place where nothing has to be looked at, as on most pages."""
        shape = (self._scope.lasting, self._sort, self._wanted, null, behind is None)
        statement = self._statements.get(shape)
        if statement is None:
            place = None if behind is None else _LATER
            query = self._ordered(null, place).limit(sa.bindparam("most", 0, type_=sa.Integer))
            statement = Prepared(query, self._connection.dialect)
            if len(self._statements) >= _MOST_STATEMENTS:
                self._statements.clear()
            self._statements[shape] = statement
        values = {"most": limit}
        if behind is not None:
            values |= {"row": behind[1]} if null else {"key": behind[0], "row": behind[1]}
        return [(row[0], row[1]) for row in statement.rows(self._connection, values)]

    def some(self, null: bool, limit: int, *, skip: int, back: bool = False) -> list[Key]:
        """Return keys of one part of the order, ``skip`` from its start, or from its end."""
        leader = None if self._is_merged else min(self._conditions, key=self._size, default=None)
        if self._is_merged:
            query = self._merged(None, limit + skip, back=back)
        elif leader is not None and self._rest and self._sorts(leader):
            query = self._sorted(leader, null, None, back=back)
        else:
            query = self._ordered(null, None, back=back)
        return self._keys(query.limit(limit).offset(skip))

    def count(self, null: bool | None) -> int:
        """Count the works, or those of one part of the order."""
        question = (
            "count",
            self._scope.lasting,
            self._wanted,
            null,
            null is not None and self._sort.field,
        )
        return self._counts.get(question, self._scope.changes, lambda: self._count(null))

    def _count(self, null: bool | None) -> int:
        only = self._conditions[0] if len(self._conditions) == 1 else None
        if null is None and only is not None and only.exact and only.once:
            return self._whole_size(only)
        query = sa.select(sa.func.count()).select_from(_work).where(*self._part(null))
        if self._conditions:
            query = self._led(query, min(self._conditions, key=self._whole_size))
        return self._connection.scalar(query) or 0

    def _sorts(self, leader: Condition) -> bool:
        """Whether the works of ``leader`` are sorted, rather than met in order.

        The rarer the works that meet all conditions, the more are met before a page is full. As
        conditions depend on each other, this is a guess.
        """
        if self._sort.field == EPISODE_SORT:
            return True
        works = self._counts.get(
            "last row", self._scope.changes, lambda: self._connection.scalar(_LAST_ROW) or 0
        )
        shares = [self._size(one) / max(works, 1) for one in self._rest]
        to_meet = _PAGE / max(prod(shares), 1e-9)
        size = self._size(leader)
        return leader is not self._shelf and size <= to_meet and size < _MOST_SIZED

    def _is_key(self, condition: Condition) -> bool:
        """Whether the condition only bounds the order: its works follow one another there."""
        return condition.field == self._sort.field

    def _size(self, condition: Condition) -> int:
        """Return how many rows a condition leaves; very many are not counted out."""
        return self._measure(condition, _MOST_SIZED)

    def _whole_size(self, condition: Condition) -> int:
        return self._measure(condition, None)

    def _measure(self, condition: Condition, most: int | None) -> int:
        if condition.size is not None:
            return condition.size
        question = (self._scope.lasting, self._wanted, self._conditions.index(condition), most)
        query = sa.select(sa.func.count()).select_from(condition.rows.limit(most).subquery())
        return self._counts.get(
            question, self._scope.changes, lambda: self._connection.scalar(query) or 0
        )

    @property
    def _is_merged(self) -> bool:
        """Whether a few libraries are all there is to heed: their shelves are merged."""
        plain = len(self._conditions) == 1 + self._scope.own_only and self._wanted == NO_CONDITION
        several = 2 <= len(self._scope.libraries) <= _MOST_MERGED
        return plain and several and self._sort.field == "title"

    def _part(self, null: bool | None) -> list[sa.ColumnElement[bool]]:
        """Return what holds in one part of the order, None: in all."""
        if null is None or len(self._sort.parts) == 1:
            return [_work.c.shown]
        column = self._sort.column
        return [_work.c.shown, column.is_(None) if null else column.is_not(None)]

    def _along(self, null: bool) -> _Track:
        """Return the rows that are met in order."""
        if self._shelf is not None and self._shelf.shelf is not None:
            table = self._shelf.shelf.table
            return _Track(table.c.sort_title, table.c.work_row, [*self._shelf.shelf.where])
        bounds = [one.holds for one in self._conditions if self._is_key(one)]
        key = sa.null() if null else self._sort.column
        index = (
            f"ix_work_shown_{'sort_title' if self._sort.field == 'title' else self._sort.field}_row"
        )
        return _Track(key, _work.c.row, [*self._part(null), *bounds], index)

    def _ordered(
        self,
        null: bool,
        behind: Key | None,
        *,
        until: Key | None = None,
        back: bool = False,
        all_of_it: bool = False,
    ) -> sa.Select[Any]:
        """Meet works in order; ``all_of_it``: whether or not the rest of the conditions hold."""
        track = self._along(null)
        query = sa.select(track.key, track.row).where(*track.where)
        rest = [] if all_of_it else [one.holds for one in self._rest]
        if track.index:
            query = query.where(*rest)
            query = query.with_hint(_work, f"INDEXED BY {track.index}", dialect_name="sqlite")
        elif rest:
            query = query.where(sa.exists().where(_work.c.row == track.row, *rest))
        return self._from_place(query, track.key, track.row, behind, until, back=back)

    def _ahead(self, null: bool, behind: Key | None, stride: int) -> Key | None:
        """Return the place that many works ahead, None where there are fewer."""
        query = self._ordered(null, behind, all_of_it=True)
        found = self._keys(query.limit(1).offset(stride - 1))
        return found[0] if found else None

    def _sorted(
        self, leader: Condition, null: bool, behind: Key | None, *, back: bool = False
    ) -> sa.Select[Any]:
        """Sort all works that one condition's index leads to."""
        key = sa.literal(0) if null else self._sort.column
        query = sa.select(key.label("key"), _work.c.row).where(*self._part(null))
        query = self._led(query, leader)
        few = query.cte("few").prefix_with("MATERIALIZED")
        chosen = sa.select(sa.null() if null else few.c.key, few.c.row)
        return self._from_place(
            chosen, sa.null() if null else few.c.key, few.c.row, behind, back=back
        )

    def _led(self, query: sa.Select[Any], leader: Condition) -> sa.Select[Any]:
        """Let one condition's index lead to the works; no index of theirs would be of use."""
        rest = [one for one in self._conditions if one is not leader or not one.exact]
        query = query.where(_work.c.row.in_(leader.rows), *(one.holds for one in rest))
        return query.with_hint(_work, "NOT INDEXED", dialect_name="sqlite")

    def _merged(self, behind: Key | None, most: int, *, back: bool = False) -> sa.Select[Any]:
        """Merge the shelves of the libraries. A work may stand on several: it is met once."""
        key, row, parts = _shelf.c.sort_title, _shelf.c.work_row, []
        for library in self._scope.libraries:
            shelf = sa.select(key, row).where(_shelf.c.library_row == library)
            if self._scope.own_only:
                shelf = shelf.where(_shelf.c.own)
            part = self._from_place(shelf, key, row, behind, back=back).limit(most).subquery()
            parts.append(sa.select(part))
        merged = sa.union(*parts).subquery()
        columns = (merged.c.sort_title, merged.c.work_row)
        return self._from_place(sa.select(*columns), *columns, None, back=back)

    def _from_place(
        self,
        query: sa.Select[Any],
        key: sa.ColumnElement[Any],
        row: sa.ColumnElement[int],
        behind: Key | None,
        until: Key | None = None,
        *,
        back: bool = False,
    ) -> sa.Select[Any]:
        """Order by key and row, from behind one place on up to another."""
        down = self._sort.descending != back
        by_row_alone = isinstance(key, sa.sql.elements.Null)
        columns = [row] if by_row_alone else [key, row]
        here = sa.tuple_(*columns)

        def there(place: Key) -> sa.ColumnElement[Any]:
            names = {"row": row.type} if by_row_alone else {"key": key.type, "row": row.type}
            values = dict(zip(("key", "row"), place, strict=True))
            return sa.tuple_(*(_parameter(place, n, values[n], kind) for n, kind in names.items()))

        if behind is not None:
            query = query.where(here < there(behind) if down else here > there(behind))
        if until is not None:
            query = query.where(here >= there(until) if down else here <= there(until))
        return query.order_by(*(column.desc() if down else column for column in columns))

    def _keys(self, query: sa.Select[Any]) -> list[Key]:
        return [(row[0], row[1]) for row in self._connection.execute(query)]


def _parameter(
    place: Key, name: str, value: Any, kind: sa.types.TypeEngine[Any]
) -> sa.ColumnElement[Any]:
    """Return a value of that type, or a parameter that gets one later."""
    return sa.bindparam(name, None, kind) if place is _LATER else sa.literal(value, kind)
