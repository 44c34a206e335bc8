"""Scanning storage locations: asking for it, doing it, approving what it would remove."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from app.usecases.library.scan_pass import ScanPass, ScanTools
from app.usecases.library.scan_result import MAX_ERRORS, Tally, scan_result
from domain.errors import Conflict
from domain.federation.audit import Actor
from domain.ids import JobId, LocationId, VideoId
from domain.jobs import Job
from domain.library.removal_guard import decide
from domain.library.storage_location import LastScan, StorageLocation, StorageType
from ports.clock import Clock
from ports.ids import IdFactory
from ports.jobs import JobContext, JobQueue
from ports.library.storage import StorageEmpty, Storages, StorageUnreachable, WalkableStorage
from ports.unit_of_work import UnitOfWorkFactory

SCAN = "scan"

LocationScan = Callable[[StorageLocation, JobContext], Mapping[str, Any]]
"""Scans locations of a type that has no walk: returns a scan's result."""


class NothingToApprove(Conflict):
    """The last scan held nothing back."""

    code = "removal.not-held"
    title = "No removal waits for approval"


class ScanRunning(Conflict):
    """A scan of the location is queued or running."""

    code = "scan.running"
    title = "A scan of the location is under way"


def scan_key(location_id: LocationId) -> str:
    """Return the job key that keeps scans of a location to one at a time."""
    return f"{SCAN}:{location_id}"


@dataclass(frozen=True, slots=True)
class RequestScan:
    """Queue a scan; a location has one at a time."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    new_id: IdFactory
    queue: JobQueue

    def __call__(self, *, location_id: LocationId, actor: Actor, ring: bool = True) -> Job:
        """Return the job, an unfinished earlier one included.

        Args:
            location_id: what to scan.
            actor: who asks.
            ring: whether to wake a worker; not where the caller runs the job itself.
        """
        now = self.clock.now()
        wanted = _scan_job(JobId(self.new_id()), location_id, now)
        with self.unit_of_work() as tx:
            location = tx.locations.get(location_id)
            job = tx.jobs.add(wanted)
            tx.audit.append([actor.did("location.scan", location.name, at=now)])
            tx.commit()
        if ring:
            self.queue.ring(job.id)
        return job


@dataclass(frozen=True, slots=True)
class ApproveRemoval:
    """Let the next scan remove as many videos as the last one held back, and queue it."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    new_id: IdFactory
    queue: JobQueue

    def __call__(self, *, location_id: LocationId, actor: Actor, ring: bool = True) -> Job:
        """Return the job of that scan; raises NothingToApprove, ScanRunning, LocationNotFound."""
        now = self.clock.now()
        with self.unit_of_work() as tx:
            location = tx.locations.get(location_id)
            held = location.last_scan.held if location.last_scan else 0
            if not held:
                raise NothingToApprove
            if tx.jobs.find_live(scan_key(location_id)) is not None:
                raise ScanRunning("approve again when it is over")
            job = tx.jobs.add(_scan_job(JobId(self.new_id()), location_id, now, held))
            detail = f"{held} videos"
            tx.audit.append(
                [actor.did("location.approve-removal", location.name, at=now, detail=detail)]
            )
            tx.commit()
        if ring:
            self.queue.ring(job.id)
        return job


def _scan_job(job_id: JobId, location_id: LocationId, now: datetime, approved: int = 0) -> Job:
    arguments = {"location_id": str(location_id), "approved_missing": approved}
    return Job.asked(job_id, SCAN, arguments, now=now, key=scan_key(location_id))


@dataclass(frozen=True, slots=True)
class ScanLocation:
    """The job that scans a location. Running it again after a crash continues where it was.

    ``others`` scans the types that have no walk; ``thumbnails`` is the name of the job that
    follows a scan with news, empty for none.
    """

    tools: ScanTools
    storages: Storages
    queue: JobQueue
    others: Mapping[StorageType, LocationScan]
    thumbnails: str = ""

    def __call__(self, context: JobContext, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Scan and return the result; raises LocationNotFound."""
        location_id = LocationId(UUID(arguments["location_id"]))
        with self.tools.read_only() as tx:
            location = tx.locations.get(location_id)
        if not location.enabled:
            message = f"{location.name}: the location is disabled"
            return scan_result(success=False, message=message, tally=Tally())
        if location.storage_type in self.others:
            return self.others[location.storage_type](location, context)
        started = self.tools.clock.now()
        approved = int(arguments.get("approved_missing", 0))
        try:
            storage = self.storages.walkable(location)
            if storage is not None:
                return self._walk(location, storage, context, started, approved)
            reason = f"the type {location.storage_type} cannot be scanned"
            return self._unreachable(location, started, reason, Tally())
        except StorageUnreachable as exc:
            return self._unreachable(location, started, str(exc), Tally())

    def _walk(
        self,
        location: StorageLocation,
        storage: WalkableStorage,
        context: JobContext,
        started: datetime,
        approved: int,
    ) -> Mapping[str, Any]:
        scan = ScanPass(self.tools, location, storage, context)
        empty = ""
        try:
            scan.run()
        except StorageEmpty as exc:
            # Absent disk or emptied folder: only a person can tell, by approving the removal.
            empty = str(exc)
            scan.find_missing()
            if len(scan.missing) > approved:
                scan.hold_missing()
                held_now = len(scan.missing)
                return self._unreachable(location, started, empty, scan.tally, held=held_now)
        except StorageUnreachable as exc:
            return self._unreachable(location, started, str(exc), scan.tally)
        decision = decide(known=scan.known_before, missing=len(scan.missing), approved=approved)
        held: tuple[str, ...] = ()
        if decision.held:
            scan.hold_missing()
            held = self._places(islice(scan.missing, MAX_ERRORS))
            message = f"{location.name}: {decision.reason}"
        else:
            scan.remove_missing()
            scan.tally.removed = len(scan.missing)
            message = f"{location.name}: {empty or scan.tally.in_words()}"
        news = scan.tally.added + scan.tally.updated > 0
        waiting = len(scan.missing) if decision.held else 0
        finished = self._finish(location, started, message, scan.tally, waiting, follow_up=news)
        scan.remember(finished)
        return scan_result(success=True, message=message, tally=scan.tally, held=held)

    def _places(self, video_ids: Iterable[VideoId]) -> tuple[str, ...]:
        with self.tools.read_only() as tx:
            return tuple(tx.videos.get(video_id).place for video_id in video_ids)

    def _finish(
        self,
        location: StorageLocation,
        started: datetime,
        message: str,
        tally: Tally,
        held: int,
        *,
        follow_up: bool,
    ) -> datetime:
        now = self.tools.clock.now()
        last = LastScan(
            started_at=started,
            finished_at=now,
            success=True,
            message=message,
            counts=tally.counts,
            probed=tally.probed,
            bytes_read=tally.bytes_read,
            held=held,
        )
        job = None
        with self.tools.unit_of_work() as tx:
            stored = tx.locations.get(location.id)
            stored.record_scan(last, reachable=True)
            tx.locations.save(stored)
            if follow_up and self.thumbnails:
                job = tx.jobs.add(
                    Job.asked(
                        JobId(self.tools.new_id()),
                        self.thumbnails,
                        {"location_id": str(location.id)},
                        now=now,
                        key=f"{self.thumbnails}:{location.id}",
                    )
                )
            tx.commit()
        if job is not None:
            self.queue.ring(job.id)
        return now

    def _unreachable(
        self,
        location: StorageLocation,
        started: datetime,
        reason: str,
        tally: Tally,
        *,
        held: int = 0,
    ) -> Mapping[str, Any]:
        """Mark all videos offline; nothing is lost, and the next scan brings them back."""
        message = f"{location.name}: unreachable: {reason}. Its videos are shown as offline."
        last = LastScan(
            started_at=started,
            finished_at=self.tools.clock.now(),
            success=False,
            message=message,
            counts=tally.counts,
            probed=tally.probed,
            bytes_read=tally.bytes_read,
            held=held,
        )
        with self.tools.unit_of_work() as tx:
            stored = tx.locations.get(location.id)
            tx.scans.set_location_offline(location.id)
            stored.record_scan(last, reachable=False, reason=reason)
            tx.locations.save(stored)
            tx.commit()
        return scan_result(success=False, message=message, tally=tally)
