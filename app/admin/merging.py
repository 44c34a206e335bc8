"""Merging works, undoing that, splitting videos off."""

from collections.abc import Sequence
from uuid import UUID

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask.views import MethodView

from app.admin.actions import AskingView, ButtonView, Question, Route
from app.admin.locations import NEVER_LOST
from app.browser.access import the_actor
from app.browser.forms import act
from app.usecases.library.merging import MergeWorks, SplitVideo, UndoMerge
from domain.errors import Conflict, Invalid
from domain.ids import VideoId, WorkId
from domain.library.work import Work
from ports.clock import Clock
from ports.library.catalogue import EVERYTHING, Catalogue
from ports.unit_of_work import ReadOnlyFactory

MAX_QUERY = 200
_FOUND = 20
_WATCHED = "How far people got stays with the videos."


class MergeView(MethodView):
    """Finds the work to merge into, says what will happen, and does it."""

    init_every_request = False

    def __init__(
        self, read_only: ReadOnlyFactory, catalogue: Catalogue, clock: Clock, merge: MergeWorks
    ) -> None:
        self._read_only, self._catalogue = read_only, catalogue
        self._clock, self._merge = clock, merge

    def get(self, item_id: UUID) -> ResponseReturnValue:
        work_id = WorkId(item_id)
        into = _id(request.args.get("into", ""))
        if into is not None:
            return self._ask(work_id, into)
        query = request.args.get("q", "").strip()[:MAX_QUERY]
        with self._read_only() as tx:
            work = tx.works.get(work_id)
        found = self._catalogue.cards(
            EVERYTHING, viewer=None, after=None, limit=_FOUND, query=query or work.title
        )
        return render_template(
            "admin/merge.html",
            work=work,
            query=query,
            found=[card for card in found.cards if card.id != work_id],
            most=MAX_QUERY,
        )

    def post(self, item_id: UUID) -> ResponseReturnValue:
        into = _id(request.form.get("into", ""))
        if into is None:
            raise Invalid("choose the film to merge into", field="into")
        return act(
            lambda: self._merged(WorkId(item_id), into),
            done="Merged. The videos of both are here now; the edit page undoes it.",
            back=url_for("player.work", work_id=into),
        )

    def _merged(self, work_id: WorkId, into: WorkId) -> None:
        self._merge(work_id, into=into, actor=the_actor())

    def _ask(self, work_id: WorkId, into: WorkId) -> ResponseReturnValue:
        with self._read_only() as tx:
            work, other = tx.works.get(work_id), tx.works.get(into)
            videos, others = len(tx.videos.of(work_id)), len(tx.videos.of(into))
        return render_template(
            "admin/merge_ask.html",
            work=work,
            other=other,
            videos=videos,
            others=others,
            refusal=self._refusal(work, other),
        )

    def _refusal(self, work: Work, other: Work) -> str:
        """Return why the two cannot be merged, empty where they can: tried on copies."""
        try:
            work.merge_into(other, at=self._clock.now())
        except Conflict as refusal:
            return str(refusal)
        return ""


def _id(text: str) -> WorkId | None:
    try:
        return WorkId(UUID(text))
    except ValueError:
        return None


def routes(
    *,
    read_only: ReadOnlyFactory,
    catalogue: Catalogue,
    clock: Clock,
    merge_works: MergeWorks,
    undo_merge: UndoMerge,
    split_video: SplitVideo,
) -> Sequence[Route]:
    """Build the pages of merging and splitting."""

    def undo(item_id: UUID) -> None:
        undo_merge(WorkId(item_id), actor=the_actor())

    def question(item_id: UUID) -> Question:
        with read_only() as tx:
            video = tx.videos.get(VideoId(item_id))
            work = tx.works.get(video.work_id)
        return Question(
            title=f"Split {video.filename} off?",
            goes=(
                (
                    f"The video leaves {work.title} and becomes a film of its own, named after its "
                    "file. Edit it afterwards, or merge it into the right film."
                ),
            ),
            stays=(NEVER_LOST, _WATCHED),
            button="Split it off",
            back=url_for("admin.work_edit", item_id=work.id),
        )

    def split(item_id: UUID) -> str:
        return f"It is called {split_video(VideoId(item_id), actor=the_actor()).title}."

    def to_work_of(item_id: UUID) -> str:
        with read_only() as tx:
            return url_for("admin.work_edit", item_id=tx.videos.get(VideoId(item_id)).work_id)

    def to_work(item_id: UUID) -> str:
        return url_for("admin.work_edit", item_id=item_id)

    return (
        Route(
            "/works/<uuid:item_id>/merge",
            MergeView.as_view("work_merge", read_only, catalogue, clock, merge_works),
        ),
        Route(
            "/works/<uuid:item_id>/unmerge",
            ButtonView.as_view("work_unmerge", undo, "The film stands on its own again.", to_work),
        ),
        Route(
            "/videos/<uuid:item_id>/split",
            AskingView.as_view(
                "video_split", question, split, "The video is a film of its own.", to_work_of
            ),
        ),
    )
