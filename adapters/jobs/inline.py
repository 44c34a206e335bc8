"""Jobs that run where they are asked for: for tests, and for one-off commands."""

from collections.abc import Callable

from domain.ids import JobId


class InlineJobQueue:
    """Runs a job at the ring, in the caller's thread, or keeps the ring until ``run_all``."""

    def __init__(self, run: Callable[[JobId], object] | None = None) -> None:
        self.run = run
        self.rung: list[JobId] = []

    def ring(self, job_id: JobId) -> None:
        """Run the job now if a runner was given; remember the ring otherwise."""
        if self.run is not None:
            self.run(job_id)
        else:
            self.rung.append(job_id)

    def run_all(self, run: Callable[[JobId], object]) -> None:
        """Run what was rung so far, and what rings meanwhile."""
        while self.rung:
            run(self.rung.pop(0))
