"""What has had its day: sessions nobody uses, jobs that ended long ago."""

from dataclasses import dataclass
from datetime import timedelta

from domain.people import SESSION_IDLE
from ports.clock import Clock
from ports.unit_of_work import UnitOfWorkFactory


@dataclass(frozen=True, slots=True)
class TidyUp:
    """Forget stale sessions, and jobs that ended more than ``keep_jobs`` ago."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    keep_jobs: timedelta

    def __call__(self) -> tuple[int, int]:
        """Return how many sessions and how many jobs went."""
        now = self.clock.now()
        with self.unit_of_work() as tx:
            sessions = tx.sessions.remove_stale(now - SESSION_IDLE)
            jobs = tx.jobs.remove_finished(now - self.keep_jobs)
            tx.commit()
        return sessions, jobs
