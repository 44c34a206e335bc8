"""Connections: nodes we read from, and nodes that read from us."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask.views import MethodView
from wtforms import PasswordField, StringField, URLField
from wtforms.validators import InputRequired, Length

from app.admin.actions import AskingView, ButtonView, Question, Route
from app.admin.jobs import last_job
from app.admin.locations import state_of
from app.admin.trail import Trail
from app.browser.access import the_actor
from app.browser.forms import PageForm
from app.browser.words import number
from app.usecases.federation.connections import (
    AddConnection,
    ApproveConnection,
    RejectConnection,
    RenameConnection,
    ResumeConnection,
    RevokeConnection,
    SuspendConnection,
    TestConnection,
)
from app.usecases.library.scanning import RequestScan, scan_key
from domain.federation.connection import MOVES, Connection, ConnectionState, Direction
from domain.ids import ConnectionId
from domain.library.storage_location import MAX_NAME, LocationNotFound
from ports.clock import Clock
from ports.library.catalogue import Catalogue
from ports.unit_of_work import ReadOnlyFactory

Move = (
    ApproveConnection | SuspendConnection | ResumeConnection | RejectConnection | RevokeConnection
)

_AT_ONCE = {
    "approve": "The connection counts now.",
    "suspend": "The connection is suspended. Nothing is lost; resume it at any time.",
    "resume": "The connection counts again.",
}


class NewConnectionForm(PageForm):
    """Another node's address and the key that its admin issued."""

    name = StringField(
        "Name",
        [InputRequired("Give it a name."), Length(max=MAX_NAME)],
        description="Its films appear in a library of this name.",
    )
    url = URLField(
        "Address of the node",
        [InputRequired("Type its address."), Length(max=2000)],
        description="Such as https://films.example.org",
    )
    key = PasswordField(
        "Key",
        [InputRequired("Paste the key."), Length(max=4096)],
        description="Issued by the other node's admin; it begins with vlr_peer_. It is stored "
        "encrypted and never shown again.",
    )


class NameForm(PageForm):
    """What we call a connection."""

    name = StringField("Name", [InputRequired("Give it a name."), Length(max=MAX_NAME)])


def page_of(item_id: UUID) -> str:
    """Return the path of a connection's page."""
    return url_for("admin.connection", item_id=item_id)


def moves_of(connection: Connection) -> Sequence[str]:
    """Return the verbs that the connection's state allows, the mildest first."""
    is_pending = connection.state is ConnectionState.PENDING
    verbs = {
        ConnectionState.ACTIVE: "approve" if is_pending else "resume",
        ConnectionState.SUSPENDED: "suspend",
        ConnectionState.REJECTED: "reject",
        ConnectionState.REVOKED: "revoke",
    }
    allowed = MOVES[connection.state]
    return [verb for state, verb in verbs.items() if state in allowed]


class ConnectionsView(MethodView):
    """All connections, those that still count first."""

    init_every_request = False

    def __init__(self, read_only: ReadOnlyFactory, catalogue: Catalogue) -> None:
        self._read_only, self._catalogue = read_only, catalogue

    def get(self) -> ResponseReturnValue:
        with self._read_only() as tx:
            every = tx.connections.all()
            locations = {one.connection_id: one for one in tx.locations.all() if one.connection_id}
        ended = (ConnectionState.REJECTED, ConnectionState.REVOKED)
        return render_template(
            "admin/connections.html",
            groups=[
                (
                    direction,
                    sorted(
                        (one for one in every if one.direction is direction),
                        key=lambda one: one.state in ended,
                    ),
                )
                for direction in Direction
            ],
            locations=locations,
            counts=self._catalogue.location_counts(),
        )


class ConnectionView(MethodView):
    """One connection: who it is, what goes through it, what can be done, what happened."""

    init_every_request = False

    def __init__(
        self, read_only: ReadOnlyFactory, catalogue: Catalogue, clock: Clock, trail: Trail
    ) -> None:
        self._read_only, self._catalogue = read_only, catalogue
        self._clock, self._trail = clock, trail

    def get(self, item_id: UUID) -> ResponseReturnValue:
        with self._read_only() as tx:
            connection = tx.connections.get(ConnectionId(item_id))
            location = tx.locations.find_by_connection(connection.id)
            job = location and last_job(tx, scan_key(location.id), self._clock.now())
            key = connection.api_key_id and tx.api_keys.get(connection.api_key_id)
            names = {library.id: library.name for library in tx.libraries.all()}
        return render_template(
            "admin/connection.html",
            connection=connection,
            moves=moves_of(connection),
            is_outbound=connection.direction is Direction.OUTBOUND,
            is_active=connection.state is ConnectionState.ACTIVE,
            location=location,
            location_state=location and state_of(location),
            held=location.waiting_removals if location else 0,
            counts=location and self._catalogue.location_counts().get(location.id),
            job=job,
            key=key,
            libraries=names,
            trail=self._trail.of(f"connection:{connection.name}"),
            people=self._trail.people(),
        )


class NewConnectionView(MethodView):
    """Adds a node to read from."""

    init_every_request = False

    def __init__(self, add_connection: AddConnection) -> None:
        self._add_connection = add_connection

    def get(self) -> ResponseReturnValue:
        return render_template("admin/connection_new.html", form=NewConnectionForm())

    def post(self) -> ResponseReturnValue:
        form = NewConnectionForm()
        connection = form.submitted(
            lambda: self._add_connection(
                name=form.name.data,
                url=form.url.data,
                key=form.key.data.strip(),
                actor=the_actor(),
            )
        )
        if connection is None:
            page = render_template("admin/connection_new.html", form=form)
            return page, form.status, form.headers
        flash(f"{connection.name} is connected. Test it, then scan it.", "good")
        return redirect(page_of(connection.id), code=303)


class EditConnectionView(MethodView):
    """Renames a connection; another address or key is another connection."""

    init_every_request = False

    def __init__(self, rename: RenameConnection, read_only: ReadOnlyFactory) -> None:
        self._rename, self._read_only = rename, read_only

    def get(self, item_id: UUID) -> ResponseReturnValue:
        connection = self._connection(item_id)
        return self._page(connection, NameForm(data={"name": connection.name}))

    def post(self, item_id: UUID) -> ResponseReturnValue:
        connection, form = self._connection(item_id), NameForm()
        renamed = form.submitted(
            lambda: self._rename(
                connection_id=connection.id, name=form["name"].data, actor=the_actor()
            )
        )
        if renamed is None:
            return self._page(connection, form)
        flash(f"The connection is called {renamed.name} now.", "good")
        return redirect(page_of(item_id), code=303)

    def _connection(self, item_id: UUID) -> Connection:
        with self._read_only() as tx:
            return tx.connections.get(ConnectionId(item_id))

    def _page(self, connection: Connection, form: NameForm) -> ResponseReturnValue:
        page = render_template("admin/connection_edit.html", form=form, connection=connection)
        return page, form.status, form.headers


class Questions:
    """What is asked before a connection ends."""

    def __init__(self, read_only: ReadOnlyFactory) -> None:
        self._read_only = read_only

    def reject(self, item_id: UUID) -> Question:
        """Ask before a connection is turned down."""
        connection = self._connection(item_id)
        return Question(
            title=f"Reject the connection {connection.name}?",
            goes=(_end(connection), "It cannot be made active again, only revoked."),
            stays=("Your films and accounts.", "What it did stays in the audit trail."),
            button="Reject the connection",
            back=page_of(item_id),
        )

    def revoke(self, item_id: UUID) -> Question:
        """Ask before a connection ends for good."""
        connection = self._connection(item_id)
        outbound = connection.direction is Direction.OUTBOUND
        key = (
            "The key stored for it is of no use here any more; ask the other admin to revoke it."
            if outbound
            else "The keys that the node uses here are revoked."
        )
        kept = (
            "Its films stay listed as offline until you remove its location."
            if outbound
            else "Your films and accounts."
        )
        return Question(
            title=f"Revoke the connection {connection.name}?",
            goes=(_end(connection), key, "There is no way back: connecting again takes a new key."),
            stays=(kept, "What it did stays in the audit trail."),
            button="Revoke the connection",
            back=page_of(item_id),
        )

    def _connection(self, item_id: UUID) -> Connection:
        with self._read_only() as tx:
            return tx.connections.get(ConnectionId(item_id))


def _end(connection: Connection) -> str:
    if connection.direction is Direction.OUTBOUND:
        return f"Films of {connection.name} no longer play here and are shown as offline."
    return f"The next request of {connection.name} is refused; what it plays ends in half a minute."


def routes(
    *,
    read_only: ReadOnlyFactory,
    catalogue: Catalogue,
    clock: Clock,
    trail: Trail,
    add_connection: AddConnection,
    rename_connection: RenameConnection,
    test_connection: TestConnection,
    request_scan: RequestScan,
    moves: Mapping[str, Move],
) -> Sequence[Route]:
    """Build the pages of connections; ``moves`` holds a use case for each verb."""
    ask = Questions(read_only)

    def test(item_id: UUID) -> str:
        info = test_connection(connection_id=ConnectionId(item_id))
        return f"{info.name} {info.version} with {number(info.total_works)} films to read."

    def scan(item_id: UUID) -> None:
        with read_only() as tx:
            location = tx.locations.find_by_connection(ConnectionId(item_id))
        if location is None:
            raise LocationNotFound
        request_scan(location_id=location.id, actor=the_actor())

    def move(verb: str) -> Callable[[UUID], None]:
        def go(item_id: UUID) -> None:
            moves[verb](connection_id=ConnectionId(item_id), actor=the_actor())

        return go

    one = "/connections/<uuid:item_id>"
    ended = (("reject", ask.reject, "Rejected."), ("revoke", ask.revoke, "Revoked."))
    return (
        Route("/connections", ConnectionsView.as_view("connections", read_only, catalogue)),
        Route("/connections/new", NewConnectionView.as_view("connection_new", add_connection)),
        Route(one, ConnectionView.as_view("connection", read_only, catalogue, clock, trail)),
        Route(
            f"{one}/edit",
            EditConnectionView.as_view("connection_edit", rename_connection, read_only),
        ),
        Route(f"{one}/test", ButtonView.as_view("connection_test", test, "It answers:", page_of)),
        Route(
            f"{one}/scan",
            ButtonView.as_view("connection_scan", scan, "The scan is on its way.", page_of),
        ),
        *(
            Route(
                f"{one}/{verb}",
                ButtonView.as_view(f"connection_{verb}", move(verb), done, page_of),
            )
            for verb, done in _AT_ONCE.items()
        ),
        *(
            Route(
                f"{one}/{verb}",
                AskingView.as_view(f"connection_{verb}", question, move(verb), done, page_of),
            )
            for verb, question, done in ended
        ),
    )
