"""Deciding that what a scan no longer finds shall stay."""

from dataclasses import dataclass, replace

from app.usecases.library.scanning import NothingToApprove
from domain.federation.audit import Actor
from domain.ids import LocationId
from domain.library.storage_location import StorageLocation
from ports.clock import Clock
from ports.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True, slots=True)
class RefuseRemoval:
    """Keep the missing videos, shown as offline; nobody is asked again until more are missing."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, *, location_id: LocationId, actor: Actor) -> StorageLocation:
        """Return the location; raises NothingToApprove, LocationNotFound."""
        now = self.clock.now()
        with self.unit_of_work() as tx:
            location = tx.locations.get(location_id)
            missing = location.waiting_removals
            if not missing:
                raise NothingToApprove
            kept = replace(location, refused_missing=missing)
            tx.locations.save(kept)
            detail = f"{missing} videos"
            entry = actor.did("location.refuse-removal", location.name, at=now, detail=detail)
            tx.audit.append([entry])
            tx.commit()
        return kept
