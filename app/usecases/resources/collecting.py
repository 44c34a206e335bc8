"""What has had its day: replaced versions, objects of no version; and keys sealed anew."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.usecases.jobs import Enqueue
from app.usecases.resources.reading import key_place
from domain.federation.audit import SYSTEM, Actor
from domain.jobs import Job
from domain.resources.resource import KEPT, is_orphan
from ports.clock import Clock
from ports.crypto import SecretBox
from ports.jobs import JobContext
from ports.resources.cdn import Cdn
from ports.unit_of_work import ReadOnlyFactory, UnitOfWorkFactory

COLLECT = "collect-resources"


@dataclass(frozen=True, slots=True)
class RequestCollection:
    """Ask for a collection; one that waits or runs counts as one."""

    enqueue: Enqueue

    def __call__(self) -> Job:
        """Return the job."""
        return self.enqueue(name=COLLECT, arguments={}, key=COLLECT)


@dataclass(frozen=True, slots=True)
class CollectOrphans:
    """Remove versions that were replaced more than a day ago, and old objects of no version.

    The row goes before its object, and an object that may still be published is too young: a kill
    at any point leaves at most something for the next run.
    """

    unit_of_work: UnitOfWorkFactory
    read_only: ReadOnlyFactory
    cdn: Cdn
    clock: Clock
    plans_life: timedelta

    def __call__(self, context: JobContext, _arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return what went: ``versions``, ``objects`` and ``unfinished`` uploads."""
        versions = self._forget_replaced(context)
        with self.read_only() as tx:
            kept = {resource.big_key(stored.number) for resource, stored in tx.resources.versions()}
        objects, now = 0, self.clock.now()
        for found in self.cdn.iter_objects():
            if found.key not in kept and is_orphan(found.stored_at, now):
                self.cdn.delete(found.key)
                objects += 1
                context.progress(versions=versions, objects=objects)
        unfinished = self.cdn.discard_unfinished(before=now - max(KEPT, self.plans_life))
        return {"versions": versions, "objects": objects, "unfinished": unfinished}

    def _forget_replaced(self, context: JobContext) -> int:
        now = self.clock.now()
        with self.read_only() as tx:
            over = [pair for pair in tx.resources.versions() if pair[1].is_over(now)]
        for count, (resource, stored) in enumerate(over, 1):
            with self.unit_of_work() as tx:
                target, detail = f"resource:{resource.id}", f"version {stored.number}"
                tx.audit.append([SYSTEM.did("resource.expire", target, at=now, detail=detail)])
                tx.resources.remove_version(resource.id, stored.number)
                tx.commit()
            self.cdn.delete(resource.big_key(stored.number))
            context.progress(versions=count, objects=0)
        return len(over)


@dataclass(frozen=True, slots=True)
class ResealKeys:
    """Seal every data key with the newest master key, so that an older one can be put away."""

    unit_of_work: UnitOfWorkFactory
    read_only: ReadOnlyFactory
    secret_box: SecretBox
    clock: Clock

    def __call__(self, *, actor: Actor) -> int:
        """Return how many keys were sealed anew; raises SealBroken where one does not open."""
        with self.read_only() as tx:
            versions = tx.resources.versions()
        for resource, stored in versions:
            place = key_place(resource.id, stored.number)
            with self.unit_of_work() as tx:
                present = tx.resources.find_version(resource.id, stored.number)
                if present is not None:
                    data_key = self.secret_box.open(present.sealed_key, place=place)
                    sealed = self.secret_box.seal(data_key, place=place)
                    tx.resources.set_sealed_key(resource.id, stored.number, sealed)
                tx.commit()
        with self.unit_of_work() as tx:
            detail = f"{len(versions)} data keys"
            tx.audit.append([actor.did("resource.reseal", at=self.clock.now(), detail=detail)])
            tx.commit()
        return len(versions)
