"""Videos that a scan no longer finds: what would go, why it waits, approving or refusing."""

from collections.abc import Sequence
from typing import cast
from uuid import UUID

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask.views import MethodView

from app.admin.actions import AskingView, ButtonView, Question, Route
from app.admin.jobs import last_job
from app.admin.locations import NEVER_LOST, page_of
from app.browser.access import the_actor
from app.usecases.library.removal import AskAgain, RefuseRemoval
from app.usecases.library.scanning import ApproveRemoval, scan_key
from domain.ids import LocationId
from domain.library.removal_guard import HELD_SHARE, MIN_HELD
from domain.library.storage_location import StorageLocation
from ports.clock import Clock
from ports.library.catalogue import Catalogue
from ports.unit_of_work import ReadOnlyFactory

PER_PAGE = 100


def removal_page(item_id: UUID) -> str:
    """Return the path of the page that lists what would go."""
    return url_for("admin.location_removal", item_id=item_id)


class RemovalView(MethodView):
    """Everything that is missing, a page at a time, and what may be done about it."""

    init_every_request = False

    def __init__(self, read_only: ReadOnlyFactory, catalogue: Catalogue, clock: Clock) -> None:
        self._read_only, self._catalogue, self._clock = read_only, catalogue, clock

    def get(self, item_id: UUID) -> ResponseReturnValue:
        after = request.args.get("after") or None
        with self._read_only() as tx:
            location = tx.locations.get(LocationId(item_id))
            job = last_job(tx, scan_key(location.id), self._clock.now())
        return render_template(
            "admin/removal.html",
            location=location,
            waiting=location.waiting_removals,
            known=self._known(location),
            page=self._catalogue.missing(location.id, after=after, limit=PER_PAGE),
            after=after,
            job=job,
            least=MIN_HELD,
            share=round(HELD_SHARE * 100),
        )

    def _known(self, location: StorageLocation) -> int:
        counts = self._catalogue.location_counts().get(location.id)
        return counts.videos if counts else 0


class Questions:
    """What is asked before videos go that a scan did not find."""

    def __init__(self, read_only: ReadOnlyFactory, clock: Clock) -> None:
        self._read_only, self._clock = read_only, clock

    def approve(self, item_id: UUID) -> Question:
        """Ask before the next scan removes what it does not find."""
        with self._read_only() as tx:
            location = tx.locations.get(LocationId(item_id))
            job = last_job(tx, scan_key(location.id), self._clock.now())
        held = location.waiting_removals
        items = cast(Sequence[str], job.result.get("held_items", ()) if job else ())
        return Question(
            title=f"Remove {held} videos of {location.name}?",
            goes=(
                (
                    f"The next scan may remove up to {held} videos that the last one did not find, "
                    "with how far people got in them."
                ),
                (
                    "A disk that is not mounted looks the same as an emptied one. If these films "
                    "are only away, leave this and scan again when they are back."
                ),
            ),
            stays=(NEVER_LOST, "Videos that the next scan finds stay, whatever the list says."),
            button=f"Approve the removal of {held} videos",
            back=removal_page(item_id),
            items=items,
        )


def routes(
    *,
    read_only: ReadOnlyFactory,
    catalogue: Catalogue,
    clock: Clock,
    approve_removal: ApproveRemoval,
    refuse_removal: RefuseRemoval,
    ask_again: AskAgain,
) -> Sequence[Route]:
    """Build the pages of removals."""

    def approve(item_id: UUID) -> None:
        approve_removal(location_id=LocationId(item_id), actor=the_actor())

    def refuse(item_id: UUID) -> None:
        refuse_removal(location_id=LocationId(item_id), actor=the_actor())

    def reconsider(item_id: UUID) -> None:
        ask_again(location_id=LocationId(item_id), actor=the_actor())

    one = "/locations/<uuid:item_id>"
    return (
        Route(
            f"{one}/removal",
            RemovalView.as_view("location_removal", read_only, catalogue, clock),
        ),
        Route(
            f"{one}/approve",
            AskingView.as_view(
                "location_approve",
                Questions(read_only, clock).approve,
                approve,
                "Approved. The scan that removes them is on its way.",
                page_of,
            ),
        ),
        Route(
            f"{one}/refuse",
            ButtonView.as_view(
                "location_refuse",
                refuse,
                "The films stay, shown as offline. Only what goes missing later is asked about.",
                removal_page,
            ),
        ),
        Route(
            f"{one}/ask-again",
            ButtonView.as_view(
                "location_ask_again",
                reconsider,
                "A scan is on its way; decide when it is over.",
                removal_page,
            ),
        ),
    )
