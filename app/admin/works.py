"""Editing what works and series say, and their pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask.views import MethodView

from app.admin.actions import ButtonView, Route
from app.admin.trail import Trail
from app.admin.work_form import DescribedForm, PictureForm, described_form
from app.browser.access import the_actor
from app.usecases.library.artwork import (
    MAX_UPLOAD_BYTES,
    RemoveSeriesPoster,
    RemoveWorkPoster,
    SetSeriesPoster,
    SetWorkPoster,
)
from app.usecases.library.editing import EditSeries, EditWork, series_target, work_target
from app.usecases.library.merging import ListMerged
from domain.errors import StaleWrite
from domain.federation.audit import Actor
from domain.ids import SeriesId, WorkId
from domain.library.series import Series
from domain.library.work import Work
from ports.unit_of_work import ReadOnlyFactory, UnitOfWork

_BESIDE_A_PICTURE = 64 * 1024  # the other parts of a form that carries one


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What the pages of works, or those of series, are told apart by.

    ``name`` begins the names of their endpoints; ``read`` finds one; ``edit``, ``set_poster`` and
    ``remove_poster`` are the use cases; ``more`` returns what else the page shows.
    """

    name: str
    read: Callable[[UnitOfWork, UUID], Work | Series]
    target: Callable[[UUID], str]
    page: Callable[[UUID], str]
    edit: Callable[..., Work | Series]
    set_poster: Callable[[UUID, bytes, Actor], None]
    remove_poster: Callable[[UUID], None]
    read_only: ReadOnlyFactory
    trail: Trail
    more: Callable[[UUID], dict[str, Any]]

    def show(
        self,
        item_id: UUID,
        form: DescribedForm | None = None,
        picture: PictureForm | None = None,
    ) -> ResponseReturnValue:
        """Show the page with what was sent, or as it is stored."""
        with self.read_only() as tx:
            stored = self.read(tx, item_id)
        sent = form or picture
        page = render_template(
            "admin/described.html",
            desk=self,
            item=stored,
            form=form or described_form(stored),
            picture=picture or PictureForm(formdata=None),
            is_learnt=isinstance(stored, Work) and stored.connection_id is not None,
            trail=self.trail.of(self.target(item_id)),
            people=self.trail.people(),
            **self.more(item_id),
        )
        return page, sent.status if sent else 200, sent.headers if sent else {}

    def address(self, verb: str, item_id: UUID) -> str:
        """Return the path that does ``verb``."""
        return url_for(f"admin.{self.name}_{verb}", item_id=item_id)

    def edit_page(self, item_id: UUID) -> str:
        """Return the path of the page."""
        return self.address("edit", item_id)


class EditView(MethodView):
    """The words of a work or a series. What is typed over is locked."""

    init_every_request = False

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def get(self, item_id: UUID) -> ResponseReturnValue:
        return self._desk.show(item_id)

    def post(self, item_id: UUID) -> ResponseReturnValue:
        desk = self._desk
        with desk.read_only() as tx:
            form = described_form(desk.read(tx, item_id))
        saved = form.submitted(lambda: self._save(item_id, form))
        if saved is None:
            return self._stale(item_id, form) if form.is_stale else desk.show(item_id, form)
        flash(f"{saved.title} is saved.", "good")
        return redirect(desk.page(item_id), code=303)

    def _save(self, item_id: UUID, form: DescribedForm) -> Work | Series:
        try:
            return self._desk.edit(
                item_id,
                form.changes(),
                unlock=form.freed(),
                version=form.read_version,
                actor=the_actor(),
            )
        except StaleWrite:
            form.is_stale = True
            raise

    def _stale(self, item_id: UUID, form: DescribedForm) -> ResponseReturnValue:
        """Say who was first and with what; what was typed stays, to be sent again."""
        desk = self._desk
        with desk.read_only() as tx:
            form.read_again(desk.read(tx, item_id))
        entry = next(iter(desk.trail.of(desk.target(item_id))), None)
        who = ""
        if entry is not None:
            person = desk.trail.people().get(entry.entry.actor, entry.entry.actor)
            who = f" The last to change it was {person} ({entry.entry.detail})."
        told = " ".join(form.refused)
        form.refused = (f"{told}{who} Look at the fields that are marked, and save again.",)
        return desk.show(item_id, form)


class PosterView(MethodView):
    """Takes in a picture of one's own."""

    init_every_request = False
    max_body_bytes = MAX_UPLOAD_BYTES + _BESIDE_A_PICTURE

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def post(self, item_id: UUID) -> ResponseReturnValue:
        form = PictureForm()
        done = form.submitted(lambda: self._keep(item_id, form))
        if done is None:
            return self._desk.show(item_id, picture=form)
        flash("The picture is kept, and no scan replaces it.", "good")
        return redirect(self._desk.edit_page(item_id), code=303)

    def _keep(self, item_id: UUID, form: PictureForm) -> bool:
        self._desk.set_poster(item_id, form.data_sent(), the_actor())
        return True


def routes(
    *,
    read_only: ReadOnlyFactory,
    trail: Trail,
    edit_work: EditWork,
    edit_series: EditSeries,
    set_work_poster: SetWorkPoster,
    set_series_poster: SetSeriesPoster,
    remove_work_poster: RemoveWorkPoster,
    remove_series_poster: RemoveSeriesPoster,
    list_merged: ListMerged,
) -> Sequence[Route]:
    """Build the pages where works and series are edited."""

    def parts_of(item_id: UUID) -> dict[str, Any]:
        with read_only() as tx:
            videos = tx.videos.of(WorkId(item_id))
            names = {one.id: one.name for one in tx.locations.all()}
        return {"merged": list_merged(WorkId(item_id)), "videos": videos, "places": names}

    works = Desk(
        name="work",
        read=lambda tx, item_id: tx.works.get(WorkId(item_id)),
        target=lambda item_id: work_target(WorkId(item_id)),
        page=lambda item_id: url_for("player.work", work_id=item_id),
        edit=edit_work,
        set_poster=lambda item_id, data, actor: set_work_poster(WorkId(item_id), data, actor=actor),
        remove_poster=lambda item_id: remove_work_poster(WorkId(item_id), actor=the_actor()),
        read_only=read_only,
        trail=trail,
        more=parts_of,
    )
    series = Desk(
        name="series",
        read=lambda tx, item_id: tx.series.get(SeriesId(item_id)),
        target=lambda item_id: series_target(SeriesId(item_id)),
        page=lambda item_id: url_for("player.one_series", series_id=item_id),
        edit=edit_series,
        set_poster=lambda item_id, data, actor: set_series_poster(
            SeriesId(item_id), data, actor=actor
        ),
        remove_poster=lambda item_id: remove_series_poster(SeriesId(item_id), actor=the_actor()),
        read_only=read_only,
        trail=trail,
        more=lambda _: {},
    )
    return [*_routes_of(works, "works"), *_routes_of(series, "series")]


def _routes_of(desk: Desk, folder: str) -> Sequence[Route]:
    def give_back(item_id: UUID) -> None:
        desk.edit(item_id, {}, unlock=frozenset({"poster"}), actor=the_actor())

    one, name = f"/{folder}/<uuid:item_id>", desk.name
    return (
        Route(f"{one}/edit", EditView.as_view(f"{name}_edit", desk)),
        Route(f"{one}/poster", PosterView.as_view(f"{name}_poster", desk)),
        Route(
            f"{one}/poster/remove",
            ButtonView.as_view(
                f"{name}_poster_remove",
                desk.remove_poster,
                "The picture is removed.",
                desk.edit_page,
            ),
        ),
        Route(
            f"{one}/poster/give-back",
            ButtonView.as_view(
                f"{name}_poster_give_back",
                give_back,
                "The next scan may bring another picture.",
                desk.edit_page,
            ),
        ),
    )
