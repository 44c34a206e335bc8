"""Scans that nobody asks for: by the clock, and soon after something changed in a folder."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.usecases.library.scanning import RequestScan, scan_key
from domain.errors import DomainError
from domain.federation.audit import SYSTEM
from domain.ids import LocationId
from domain.jobs import JobState
from domain.library.storage_location import StorageLocation, StorageType
from ports.clock import Clock
from ports.library.watching import FolderWatcher
from ports.unit_of_work import ReadOnlyFactory, UnitOfWork

Report = Callable[[StorageLocation, str], None]
"""Tells the log why a folder cannot be watched."""


@dataclass(frozen=True, slots=True)
class ScanDue:
    """Ask for the scans whose time has come.

    A scan that failed or was cancelled is not asked for again before its next time.
    """

    read_only: ReadOnlyFactory
    clock: Clock
    request_scan: RequestScan

    def __call__(self) -> int:
        """Return how many scans were asked for; one that waits or runs is not asked for again."""
        now = self.clock.now()
        with self.read_only() as tx:
            due = [one.id for one in tx.locations.all() if _is_due(tx, one, now)]
        for location_id in due:
            self.request_scan(location_id=location_id, actor=SYSTEM)
        return len(due)


def _is_due(tx: UnitOfWork, location: StorageLocation, now: datetime) -> bool:
    if not location.is_scan_due(now):
        return False
    last = tx.jobs.find_last(scan_key(location.id))
    if last is None:
        return True
    return last.is_final and location.is_scan_due(now, asked_at=last.created_at)


class ScanChanged:
    """Watch the folders that are to be watched, and scan those in which something changed."""

    def __init__(
        self,
        read_only: ReadOnlyFactory,
        watcher: FolderWatcher,
        request_scan: RequestScan,
        report: Report,
    ) -> None:
        self._read_only, self._watcher = read_only, watcher
        self._request_scan, self._report = request_scan, report
        self._told: dict[LocationId, str] = {}
        self._changed: set[LocationId] = set()

    def __call__(self) -> int:
        """Bring the watches up to date; return how many scans were asked for."""
        with self._read_only() as tx:
            watched = {
                one.id: one
                for one in tx.locations.all()
                if one.watch and one.enabled and one.storage_type is StorageType.LOCAL
            }
        failed = self._watcher.keep({key: one.options["path"] for key, one in watched.items()})
        for location_id, reason in failed.items():
            if self._told.get(location_id) != reason:
                self._report(watched[location_id], reason)
        self._told = dict(failed)
        self._changed = (self._changed | set(self._watcher.settled())) & watched.keys()
        ready = [key for key in self._changed if not self._is_being_scanned(key)]
        for location_id in ready:
            self._changed.remove(location_id)
            try:
                self._request_scan(location_id=location_id, actor=SYSTEM)
            except DomainError as exc:  # it may have been removed just now
                self._report(watched[location_id], str(exc))
        return len(ready)

    def _is_being_scanned(self, location_id: LocationId) -> bool:
        """Tell whether a scan runs, which may have passed what changed already."""
        with self._read_only() as tx:
            job = tx.jobs.find_live(scan_key(location_id))
        return job is not None and job.state is JobState.RUNNING

    def close(self) -> None:
        """Watch nothing any more."""
        self._watcher.close()
