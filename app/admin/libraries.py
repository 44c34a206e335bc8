"""Libraries: what films are grouped in and granted by."""

from collections.abc import Sequence
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask.views import MethodView
from wtforms import StringField, TextAreaField
from wtforms.validators import InputRequired, Length

from app.admin.actions import AskingView, Question, Route
from app.admin.locations import NEVER_LOST
from app.browser.access import the_actor
from app.browser.forms import PageForm
from app.usecases.library.locations import CreateLibrary, RemoveLibrary
from domain.ids import LibraryId
from domain.library.storage_location import MAX_NAME
from ports.clock import Clock
from ports.library.catalogue import Catalogue
from ports.unit_of_work import ReadOnlyFactory


class LibraryForm(PageForm):
    """A library's name and what people read about it."""

    name = StringField("Name", [InputRequired("Give it a name."), Length(max=MAX_NAME)])
    description = TextAreaField(
        "Description", [Length(max=2000)], description="Shown above its films. May stay empty."
    )


class LibrariesView(MethodView):
    """All libraries with what is in them and who else may read them."""

    init_every_request = False

    def __init__(self, read_only: ReadOnlyFactory, catalogue: Catalogue, clock: Clock) -> None:
        self._read_only, self._catalogue, self._clock = read_only, catalogue, clock

    def get(self) -> ResponseReturnValue:
        now = self._clock.now()
        with self._read_only() as tx:
            libraries = tx.libraries.all()
            locations = tx.locations.all()
            keys = [key for key in tx.api_keys.all() if key.is_good(now)]
        return render_template(
            "admin/libraries.html",
            libraries=libraries,
            locations={
                library.id: [one for one in locations if one.library_id == library.id]
                for library in libraries
            },
            keys={
                library.id: [key for key in keys if library.id in key.libraries]
                for library in libraries
            },
            counts=self._catalogue.library_counts(),
        )


class NewLibraryView(MethodView):
    """Makes an empty library."""

    init_every_request = False

    def __init__(self, create_library: CreateLibrary) -> None:
        self._create_library = create_library

    def get(self) -> ResponseReturnValue:
        return render_template("admin/library_new.html", form=LibraryForm())

    def post(self) -> ResponseReturnValue:
        form = LibraryForm()
        library = form.submitted(
            lambda: self._create_library(
                name=form.name.data, description=form.description.data or "", actor=the_actor()
            )
        )
        if library is None:
            return render_template("admin/library_new.html", form=form), form.status, form.headers
        flash(f"The library {library.name} is there. Now say where its films are.", "good")
        return redirect(url_for("admin.location_new", library=library.id), code=303)


def routes(
    *,
    read_only: ReadOnlyFactory,
    catalogue: Catalogue,
    clock: Clock,
    create_library: CreateLibrary,
    remove_library: RemoveLibrary,
) -> Sequence[Route]:
    """Build the pages of libraries."""

    def question(item_id: UUID) -> Question:
        now = clock.now()
        with read_only() as tx:
            library = tx.libraries.get(LibraryId(item_id))
            keys = [
                key.name
                for key in tx.api_keys.all()
                if library.id in key.libraries and key.is_good(now)
            ]
        return Question(
            title=f"Remove the library {library.name}?",
            goes=(
                "Its name and description are forgotten.",
                f"Keys that grant it lose it: {', '.join(keys)}." if keys else "No key grants it.",
            ),
            stays=(
                NEVER_LOST,
                "A library that locations are in is not removed: move or remove those first.",
            ),
            button="Remove the library",
            back=url_for("admin.libraries"),
        )

    def remove(item_id: UUID) -> None:
        remove_library(library_id=LibraryId(item_id), actor=the_actor())

    return (
        Route("/libraries", LibrariesView.as_view("libraries", read_only, catalogue, clock)),
        Route("/libraries/new", NewLibraryView.as_view("library_new", create_library)),
        Route(
            "/libraries/<uuid:item_id>/remove",
            AskingView.as_view(
                "library_remove",
                question,
                remove,
                "The library is removed.",
                lambda _: url_for("admin.libraries"),
            ),
        ),
    )
