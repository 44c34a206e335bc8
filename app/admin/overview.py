"""The admin's start page: how the node is, and what waits for somebody."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask.views import MethodView

from app.admin.actions import Route
from app.admin.jobs import job_row
from app.admin.locations import state_of
from domain.federation.connection import Connection, ConnectionState
from domain.library.storage_location import StorageLocation
from ports.clock import Clock
from ports.library.catalogue import EVERYTHING, Catalogue
from ports.unit_of_work import ReadOnlyFactory

_LOOKED_AT = 50
_SHOWN_ENDS = 3


class Notice(NamedTuple):
    """Something that waits for an admin: what it is, and where to see to it."""

    text: str
    page: str
    link: str


class OverviewView(MethodView):
    """Counts, states, running jobs, warnings."""

    init_every_request = False

    def __init__(
        self, read_only: ReadOnlyFactory, catalogue: Catalogue, clock: Clock, base_url: str
    ) -> None:
        self._read_only, self._catalogue = read_only, catalogue
        self._clock, self._base_url = clock, base_url

    def get(self) -> ResponseReturnValue:
        now = self._clock.now()
        with self._read_only() as tx:
            locations = tx.locations.all()
            connections = [
                one for one in tx.connections.all() if one.state is not ConnectionState.REVOKED
            ]
            jobs = [job_row(tx, job, now) for job in tx.jobs.recent(limit=_LOOKED_AT)]
            has_library = bool(tx.libraries.all())
        return render_template(
            "admin/overview.html",
            totals=self._catalogue.totals(EVERYTHING),
            locations=locations,
            counts=self._catalogue.location_counts(),
            connections=connections,
            has_library=has_library,
            live=[row for row in jobs if not row.job.is_final],
            over=[row for row in jobs if row.job.is_final][:_SHOWN_ENDS],
            warnings=[*self._warnings_of_node(), *warnings_of(locations, connections)],
            state_of=state_of,
        )

    def _warnings_of_node(self) -> Iterator[Notice]:
        if not self._base_url.startswith("https://"):
            yield Notice(
                "The node's address is not an https one: passwords and films travel in the clear, "
                "and most other nodes refuse to connect. Put it behind https and set base_url.",
                url_for("admin.settings"),
                "See the settings",
            )


def warnings_of(
    locations: Sequence[StorageLocation], connections: Sequence[Connection]
) -> Iterator[Notice]:
    """Yield what of the locations and connections waits for an admin."""
    for location in locations:
        page = url_for("admin.location", item_id=location.id)
        held = location.waiting_removals
        if held:
            text = f"{location.name}: {held} videos were not found and are kept until you decide."
            yield Notice(text, url_for("admin.location_removal", item_id=location.id), "Decide")
        elif location.enabled and location.reachable is False:
            reason = location.unreachable_reason.removeprefix("unreachable: ")
            text = f"{location.name} does not answer: {reason}. Its films are shown as offline."
            yield Notice(text, page, "See to it")
    for connection in connections:
        page = url_for("admin.connection", item_id=connection.id)
        if connection.state is ConnectionState.PENDING:
            yield Notice(f"{connection.name} waits for your approval.", page, "Decide")
        elif connection.remote_state and connection.state is ConnectionState.ACTIVE:
            text = f"{connection.name} refuses us: {connection.remote_state}."
            yield Notice(text, page, "See to it")


def routes(
    *, read_only: ReadOnlyFactory, catalogue: Catalogue, clock: Clock, base_url: str
) -> Sequence[Route]:
    """Build the start page."""
    view = OverviewView.as_view("overview", read_only, catalogue, clock, base_url)
    return (Route("/", view),)
