"""Changing by hand what works and series say: what is set is locked against the scans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from app.usecases.library.scan_memo import ScanMemo
from domain.errors import StaleWrite
from domain.federation.audit import Actor
from domain.ids import LocationId, SeriesId, WorkId
from domain.library.series import Series
from domain.library.video import Video
from domain.library.work import Work
from ports.clock import Clock
from ports.unit_of_work import UnitOfWork, UnitOfWorkFactory

READ_AGAIN = "read again"  # equals no state of what lies beside a file: the next scan looks anew

Described = TypeVar("Described", Work, Series)


def work_target(work_id: WorkId) -> str:
    """Return what the audit trail calls a work."""
    return f"work:{work_id}"


def series_target(series_id: SeriesId) -> str:
    """Return what the audit trail calls a series."""
    return f"series:{series_id}"


@dataclass(frozen=True, slots=True)
class EditWork:
    """Set fields of a work by hand, or give them back to the scans."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    memo: ScanMemo

    def __call__(
        self,
        work_id: WorkId,
        changes: Mapping[str, Any],
        *,
        unlock: frozenset[str] = frozenset(),
        version: int | None = None,
        actor: Actor,
    ) -> Work:
        """Return the changed work.

        Args:
            work_id: which one.
            changes: value by name of the field; each is locked.
            unlock: fields that the next scan fills again.
            version: of the work as it was read; None: whatever it is now.
            actor: who changes it.

        Raises:
            WorkNotFound, NotOurs, Invalid
            StaleWrite: somebody else changed it since it was read.
        """
        now = self.clock.now()
        with self.unit_of_work() as tx:
            work = tx.works.get(work_id)
            work.require_ours()
            _require_version(work, version)
            told = _told(work, changes, unlock)
            if not told:
                return work
            work.edit(changes, unlock=unlock, at=now)
            tx.works.save(work)
            places = _read_again(tx, tx.videos.of(work_id)) if unlock else frozenset()
            tx.audit.append([actor.did("work.edit", work_target(work_id), at=now, detail=told)])
            tx.commit()
        for location_id in places:
            self.memo.forget(location_id)
        return work


@dataclass(frozen=True, slots=True)
class EditSeries:
    """Set fields of a series by hand, or give them back to the scans."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(
        self,
        series_id: SeriesId,
        changes: Mapping[str, Any],
        *,
        unlock: frozenset[str] = frozenset(),
        version: int | None = None,
        actor: Actor,
    ) -> Series:
        """Return the changed series; arguments and errors are as EditWork has them."""
        now = self.clock.now()
        with self.unit_of_work() as tx:
            series = tx.series.get(series_id)
            _require_version(series, version)
            told = _told(series, changes, unlock)
            if not told:
                return series
            series.edit(changes, unlock=unlock, at=now)
            tx.series.save(series)
            target = series_target(series_id)
            tx.audit.append([actor.did("series.edit", target, at=now, detail=told)])
            tx.commit()
        return series


def _require_version(stored: Described, version: int | None) -> None:
    if version is not None and stored.version != version:
        raise StaleWrite("Somebody else changed it since you read it.")


def _told(stored: Described, changes: Mapping[str, Any], unlock: frozenset[str]) -> str:
    """Name the fields that change, for the audit trail: never what was written."""
    freed = sorted(unlock & stored.locked - changes.keys())
    parts = [", ".join(sorted(changes)), f"given back: {', '.join(freed)}" if freed else ""]
    return "; ".join(part for part in parts if part)


def _read_again(tx: UnitOfWork, videos: Sequence[Video]) -> frozenset[LocationId]:
    """Have the next scan read what its sources say of videos; return where they are."""
    tx.scans.update([replace(video, extras=READ_AGAIN) for video in videos])
    return frozenset(video.location_id for video in videos)
