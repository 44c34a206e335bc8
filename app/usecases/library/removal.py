"""Deciding that what a scan no longer finds shall stay, and taking that back."""

from dataclasses import dataclass, replace

from app.usecases.library.scanning import NothingToApprove, RequestScan
from domain.federation.audit import Actor
from domain.ids import LocationId
from domain.jobs import Job
from ports.clock import Clock
from ports.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True, slots=True)
class RefuseRemoval:
    """Keep the missing videos, shown as offline; only what goes missing later is asked about."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, *, location_id: LocationId, actor: Actor) -> int:
        """Return how many videos are kept; raises NothingToApprove, LocationNotFound."""
        now = self.clock.now()
        with self.unit_of_work() as tx:
            location = tx.locations.get(location_id)
            missing = location.waiting_removals
            if not missing:
                raise NothingToApprove
            location.refuse_removal(at=now)
            tx.locations.save(location)
            detail = f"{missing} videos"
            entry = actor.did("location.refuse-removal", location.name, at=now, detail=detail)
            tx.audit.append([entry])
            tx.commit()
        return missing


@dataclass(frozen=True, slots=True)
class AskAgain:
    """Take a refusal back: the next scan, which is queued, asks about everything missing."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    request_scan: RequestScan

    def __call__(self, *, location_id: LocationId, actor: Actor) -> Job:
        """Return the job of that scan; raises LocationNotFound."""
        now = self.clock.now()
        with self.unit_of_work() as tx:
            location = tx.locations.get(location_id)
            if location.refused_at is not None:
                tx.locations.save(replace(location, refused_at=None))
                tx.audit.append([actor.did("location.ask-removal", location.name, at=now)])
                tx.commit()
        return self.request_scan(location_id=location_id, actor=actor)
