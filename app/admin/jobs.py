"""Jobs: rows that live while they run, results that stay."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask.views import MethodView

from app.admin.actions import ButtonView, Route
from app.admin.trail import Trail
from app.browser.access import the_actor
from app.browser.words import duration, number, size
from app.usecases.jobs import CancelJob
from domain.ids import JobId
from domain.jobs import Job, JobState
from ports.clock import Clock
from ports.unit_of_work import ReadOnlyFactory, UnitOfWork

MOST = 100
_NAMES = {
    "scan": "Scan",
    "thumbnails": "Pictures",
    "thumbnail": "Picture of one video",
    "collect-resources": "Clearing up the CDN",
}
_COUNTED = ("found", "probed", "added", "updated", "missing", "removed", "made", "failed")
_WORDS = {"made": "pictures made", "probed": "looked into"}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A job as a row shows it.

    ``figures`` are (value, word) pairs; ``share`` is how far it is, 0 to 1, None where nobody
    knows; ``subject`` is the path of the page of what it works on; ``message`` says how it ended.
    """

    job: Job
    title: str
    subject: str = ""
    figures: Sequence[tuple[str, str]] = ()
    share: float | None = None
    message: str = ""

    @property
    def state(self) -> str:
        """The word of its badge."""
        stopping = self.job.cancel_requested and not self.job.is_final
        return "stopping" if stopping else str(self.job.state)

    @property
    def result(self) -> Mapping[str, Any]:
        """What it came to; empty while it runs."""
        return self.job.result or {}

    @property
    def failed(self) -> bool:
        """Whether it ended without doing what it was for."""
        return self.job.state is JobState.FAILED or self.result.get("success") is False


def job_row(tx: UnitOfWork, job: Job, now: datetime) -> JobRow:
    """Describe a job; a location that is gone meanwhile is not named."""
    title, subject = _NAMES.get(job.name, job.name.capitalize()), ""
    location_id = job.arguments.get("location_id")
    location = next((one for one in tx.locations.all() if str(one.id) == location_id), None)
    if location is not None:
        title = f"{title} of {location.name}"
        subject = url_for("admin.location", item_id=location.id)
    return JobRow(
        job=job,
        title=title,
        subject=subject,
        figures=_figures(job),
        share=_share(job, now),
        message=_message(job, location.name if location else ""),
    )


def last_job(tx: UnitOfWork, key: str, now: datetime) -> JobRow | None:
    """Return the job with that key that runs, else the newest one, else None."""
    job = tx.jobs.find_live(key) or tx.jobs.find_last(key)
    return None if job is None else job_row(tx, job, now)


class JobsView(MethodView):
    """The newest jobs; those that run are at the top and live."""

    init_every_request = False

    def __init__(self, read_only: ReadOnlyFactory, clock: Clock) -> None:
        self._read_only, self._clock = read_only, clock

    def get(self) -> ResponseReturnValue:
        now = self._clock.now()
        with self._read_only() as tx:
            rows = [job_row(tx, job, now) for job in tx.jobs.recent(limit=MOST)]
        return render_template(
            "admin/jobs.html",
            live=[row for row in rows if not row.job.is_final],
            over=[row for row in rows if row.job.is_final],
            most=MOST,
        )


class JobView(MethodView):
    """One job: state, figures, result, errors."""

    init_every_request = False

    def __init__(self, read_only: ReadOnlyFactory, clock: Clock, trail: Trail) -> None:
        self._read_only, self._clock, self._trail = read_only, clock, trail

    def get(self, item_id: UUID) -> ResponseReturnValue:
        return render_template(
            "admin/job.html",
            row=read_row(self._read_only, item_id, self._clock.now()),
            trail=self._trail.of(str(item_id), action="job."),
            people=self._trail.people(),
        )


class JobRowView(MethodView):
    """The live part of a row, for the script that keeps it up to date."""

    init_every_request = False

    def __init__(self, read_only: ReadOnlyFactory, clock: Clock) -> None:
        self._read_only, self._clock = read_only, clock

    def get(self, item_id: UUID) -> ResponseReturnValue:
        row = read_row(self._read_only, item_id, self._clock.now())
        return render_template("admin/job_row.html", row=row)


def read_row(read_only: ReadOnlyFactory, job_id: UUID, now: datetime) -> JobRow:
    """Return the row of one job; raises JobNotFound."""
    with read_only() as tx:
        return job_row(tx, tx.jobs.get(JobId(job_id)), now)


def routes(
    *, read_only: ReadOnlyFactory, clock: Clock, trail: Trail, cancel_job: CancelJob
) -> Sequence[Route]:
    """Build the pages of jobs."""

    def cancel(item_id: UUID) -> None:
        cancel_job(job_id=JobId(item_id), actor=the_actor())

    stop = ButtonView.as_view(
        "job_cancel",
        cancel,
        "The job is told to stop. What it did so far is kept.",
        lambda item_id: url_for("admin.job", item_id=item_id),
    )
    return (
        Route("/jobs", JobsView.as_view("jobs", read_only, clock)),
        Route("/jobs/<uuid:item_id>", JobView.as_view("job", read_only, clock, trail)),
        Route("/jobs/<uuid:item_id>/row", JobRowView.as_view("job_row", read_only, clock)),
        Route("/jobs/<uuid:item_id>/cancel", stop),
    )


def _message(job: Job, place: str) -> str:
    said = str((job.result or {}).get("message", ""))
    return job.error or said.removeprefix(f"{place}: ")


def _figures(job: Job) -> Sequence[tuple[str, str]]:
    said = job.progress
    shown = [
        (number(said[name]), _WORDS.get(name, name))
        for name in _COUNTED
        if said.get(name) or (name == "found" and name in said)
    ]
    if said.get("bytes_read"):
        shown.append((size(said["bytes_read"]), "read"))
    if not job.is_final:
        if said.get("files_per_second"):
            shown.append((number(said["files_per_second"]), "per second"))
        if said.get("seconds_left"):
            shown.append((duration(said["seconds_left"]), "left"))
    return shown


def _share(job: Job, now: datetime) -> float | None:
    said = job.progress
    done, whole = 0.0, 0.0
    if "total" in said:
        done, whole = float(said.get("found", 0)), float(said["total"])
    elif "seconds_left" in said and job.started_at is not None:
        done = (now - job.started_at).total_seconds()
        whole = done + float(said["seconds_left"])
    return min(1.0, done / whole) if whole > 0 else None
