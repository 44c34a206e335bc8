"""Storage locations: adding, changing, trying, scanning, removing them."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask.views import MethodView

from app.admin.actions import AskingView, ButtonView, Question, Route
from app.admin.jobs import last_job
from app.admin.location_form import TYPE_WORDS, LocationForm, location_form
from app.admin.trail import Trail
from app.browser.access import the_actor
from app.usecases.library.locations import (
    AddLocation,
    EditLocation,
    NameSecrets,
    RemoveLocation,
    TestLocation,
)
from app.usecases.library.scanning import RequestScan, scan_key
from domain.ids import LocationId
from domain.library.storage_location import StorageLocation, StorageType
from ports.clock import Clock
from ports.library.catalogue import Catalogue
from ports.library.storage import Option, Storages
from ports.unit_of_work import ReadOnlyFactory

NEVER_LOST = "No file on any disk or server is touched."
_SHOWN_ERRORS = 10


def state_of(location: StorageLocation) -> str:
    """Return the word of a location's badge."""
    if not location.enabled:
        return "disabled"
    if location.reachable is None:
        return "never scanned"
    return "reachable" if location.reachable else "offline"


def page_of(item_id: UUID) -> str:
    """Return the path of a location's page."""
    return url_for("admin.location", item_id=item_id)


class LocationsView(MethodView):
    """All locations with their states and counts."""

    init_every_request = False

    def __init__(self, read_only: ReadOnlyFactory, catalogue: Catalogue, clock: Clock) -> None:
        self._read_only, self._catalogue, self._clock = read_only, catalogue, clock

    def get(self) -> ResponseReturnValue:
        now = self._clock.now()
        with self._read_only() as tx:
            locations = tx.locations.all()
            libraries = {library.id: library for library in tx.libraries.all()}
            live = {one.id: tx.jobs.find_live(scan_key(one.id)) for one in locations}
            rows = {key: last_job(tx, job.key or "", now) for key, job in live.items() if job}
        return render_template(
            "admin/locations.html",
            locations=locations,
            libraries=libraries,
            counts=self._catalogue.location_counts(),
            live=rows,
            state_of=state_of,
            type_words=TYPE_WORDS,
        )


class LocationView(MethodView):
    """One location: what it is, its state, what can be done, what happened."""

    init_every_request = False

    def __init__(
        self,
        read_only: ReadOnlyFactory,
        catalogue: Catalogue,
        clock: Clock,
        trail: Trail,
        probe_bytes: int,
    ) -> None:
        self._read_only, self._catalogue = read_only, catalogue
        self._clock, self._trail, self._probe_bytes = clock, trail, probe_bytes

    def get(self, item_id: UUID) -> ResponseReturnValue:
        location_id = LocationId(item_id)
        with self._read_only() as tx:
            location = tx.locations.get(location_id)
            library = tx.libraries.get(location.library_id)
            has_secrets = tx.locations.secrets(location_id) is not None
            job = last_job(tx, scan_key(location_id), self._clock.now())
            connection = location.connection_id and tx.connections.get(location.connection_id)
        return render_template(
            "admin/location.html",
            location=location,
            library=library,
            connection=connection,
            has_secrets=has_secrets,
            state=state_of(location),
            type_words=TYPE_WORDS,
            most_errors=_SHOWN_ERRORS,
            probe_bytes=self._probe_bytes,
            counts=self._catalogue.location_counts().get(location_id),
            job=job,
            trail=self._trail.of(location.name, action="location."),
            people=self._trail.people(),
        )


class NewLocationView(MethodView):
    """Adds a location; the type in the address decides what is asked."""

    init_every_request = False

    def __init__(
        self, add_location: AddLocation, storages: Storages, read_only: ReadOnlyFactory
    ) -> None:
        self._add_location, self._storages, self._read_only = add_location, storages, read_only

    def get(self) -> ResponseReturnValue:
        return self._page(self._form())

    def post(self) -> ResponseReturnValue:
        form = self._form()
        location = form.submitted(
            lambda: self._add_location(
                name=form["name"].data,
                storage_type=self._type(),
                library=form["library"].data,
                options=form.options(),
                scan_every_hours=form["scan_every_hours"].data,
                watch=form.watches,
                actor=the_actor(),
            )
        )
        if location is None:
            return self._page(form)
        flash(f"{location.name} is added. Scan it, and its films are in the library.", "good")
        return redirect(page_of(location.id), code=303)

    def _type(self) -> StorageType:
        wanted = request.args.get("type", "")
        types = self._storages.types()
        return next((kind for kind in types if kind == wanted), next(iter(types)))

    def _form(self) -> LocationForm:
        with self._read_only() as tx:
            libraries = tx.libraries.all()
        options = self._storages.types()[self._type()]
        return location_form(
            options, libraries, storage_type=self._type(), library=request.args.get("library")
        )

    def _page(self, form: LocationForm) -> ResponseReturnValue:
        page = render_template(
            "admin/location_new.html",
            form=form,
            types=list(self._storages.types()),
            type_words=TYPE_WORDS,
            chosen=self._type(),
        )
        return page, form.status, form.headers


class EditLocationView(MethodView):
    """Changes a location. Secrets are never shown: each is set, replaced or removed."""

    init_every_request = False

    def __init__(
        self,
        edit_location: EditLocation,
        name_secrets: NameSecrets,
        storages: Storages,
        read_only: ReadOnlyFactory,
    ) -> None:
        self._edit_location, self._name_secrets = edit_location, name_secrets
        self._storages, self._read_only = storages, read_only

    def get(self, item_id: UUID) -> ResponseReturnValue:
        location, form = self._form(LocationId(item_id))
        return self._page(location, form)

    def post(self, item_id: UUID) -> ResponseReturnValue:
        location, form = self._form(LocationId(item_id))
        is_peer = location.storage_type is StorageType.VELOUR
        changed = form.submitted(
            lambda: self._edit_location(
                location_id=location.id,
                name=form["name"].data,
                library=form["library"].data,
                options=location.options if is_peer else form.options(),
                enabled=form["enabled"].data,
                drop_secrets=form.dropped(),
                scan_every_hours=form["scan_every_hours"].data,
                watch=form.watches,
                actor=the_actor(),
            )
        )
        if changed is None:
            return self._page(location, form)
        flash(f"{changed.name} is changed.", "good")
        return redirect(page_of(item_id), code=303)

    def _form(self, location_id: LocationId) -> tuple[StorageLocation, LocationForm]:
        with self._read_only() as tx:
            location = tx.locations.get(location_id)
            libraries = tx.libraries.all()
        none: Mapping[str, Option] = {}
        form = location_form(
            self._storages.types().get(location.storage_type, none),
            libraries,
            storage_type=location.storage_type,
            location=location,
            stored_secrets=self._name_secrets(location_id),
        )
        return location, form

    def _page(self, location: StorageLocation, form: LocationForm) -> ResponseReturnValue:
        page = render_template("admin/location_edit.html", form=form, location=location)
        return page, form.status, form.headers


class Questions:
    """What is asked before a location goes."""

    def __init__(self, read_only: ReadOnlyFactory, catalogue: Catalogue) -> None:
        self._read_only, self._catalogue = read_only, catalogue

    def remove(self, item_id: UUID) -> Question:
        """Ask before a location is removed."""
        with self._read_only() as tx:
            location = tx.locations.get(LocationId(item_id))
        counts = self._catalogue.location_counts().get(location.id)
        videos = counts.videos if counts else 0
        return Question(
            title=f"Remove the location {location.name}?",
            goes=(
                (
                    f"Its {videos} videos leave the library, and with them the films that are "
                    "nowhere else."
                ),
                "How far people got in those videos is forgotten.",
                "Its settings are forgotten. Adding it again starts from a new scan.",
            ),
            stays=(NEVER_LOST, "Films that other locations have too stay with what they have."),
            button="Remove the location",
            back=page_of(item_id),
        )


def routes(
    *,
    read_only: ReadOnlyFactory,
    catalogue: Catalogue,
    clock: Clock,
    trail: Trail,
    storages: Storages,
    add_location: AddLocation,
    edit_location: EditLocation,
    remove_location: RemoveLocation,
    test_location: TestLocation,
    name_secrets: NameSecrets,
    request_scan: RequestScan,
    probe_bytes: int,
) -> Sequence[Route]:
    """Build the pages; ``probe_bytes`` is what may be read of a file on another machine."""

    def scan(item_id: UUID) -> None:
        request_scan(location_id=LocationId(item_id), actor=the_actor())

    def test(item_id: UUID) -> str:
        return test_location(location_id=LocationId(item_id))

    def remove(item_id: UUID) -> None:
        remove_location(location_id=LocationId(item_id), actor=the_actor())

    def to_list(_: UUID) -> str:
        return url_for("admin.locations")

    ask = Questions(read_only, catalogue)
    one = "/locations/<uuid:item_id>"
    return (
        Route("/locations", LocationsView.as_view("locations", read_only, catalogue, clock)),
        Route(
            "/locations/new",
            NewLocationView.as_view("location_new", add_location, storages, read_only),
        ),
        Route(
            one, LocationView.as_view("location", read_only, catalogue, clock, trail, probe_bytes)
        ),
        Route(
            f"{one}/edit",
            EditLocationView.as_view(
                "location_edit", edit_location, name_secrets, storages, read_only
            ),
        ),
        Route(
            f"{one}/scan",
            ButtonView.as_view("location_scan", scan, "The scan is on its way.", page_of),
        ),
        Route(f"{one}/test", ButtonView.as_view("location_test", test, "It answers:", page_of)),
        Route(
            f"{one}/remove",
            AskingView.as_view(
                "location_remove", ask.remove, remove, "The location is removed.", to_list
            ),
        ),
    )
