"""API keys: issuing, showing once, rotating, revoking."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from flask import render_template, url_for
from flask.typing import ResponseReturnValue
from flask.views import MethodView
from wtforms import FloatField, RadioField, SelectMultipleField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.admin.actions import AskingView, Question, Route
from app.admin.trail import Trail
from app.browser.access import the_actor
from app.browser.forms import PageForm
from app.usecases.federation.keys import IssueKey, RevokeKey, RotateKey
from domain.federation.api_key import ApiKey, KeyKind, Scope
from domain.ids import ApiKeyId, LibraryId
from domain.library.storage_location import MAX_NAME, Library
from ports.clock import Clock
from ports.unit_of_work import ReadOnlyFactory

SCOPE_WORDS = {
    Scope.READ: "Read: lists and searches the granted films",
    Scope.STREAM: "Stream: plays them and shows their pictures",
    Scope.METADATA: "Metadata: descriptions, directors, ratings and tags too",
}
KIND_WORDS = {
    KeyKind.PEER: "Another node: sees this node's own films of the granted libraries",
    KeyKind.APP: "A program of this node's people: sees what they see",
}


class Ticks(SelectMultipleField):  # type: ignore[misc] # WTForms has no types
    """Several of a few, as boxes to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class KeyForm(PageForm):
    """What a key is for and what it opens."""

    name = StringField(
        "Name",
        [InputRequired("Name it after whoever gets it."), Length(max=MAX_NAME)],
        description="Whoever gets it: a node, a program.",
    )
    kind = RadioField(
        "For", choices=[SelectChoice(*one) for one in KIND_WORDS.items()], default=KeyKind.PEER
    )
    scopes = Ticks(
        "May",
        [InputRequired("Tick at least one.")],
        choices=[SelectChoice(*one) for one in SCOPE_WORDS.items()],
        default=(Scope.READ, Scope.STREAM, Scope.METADATA),
    )
    libraries = Ticks(
        "Libraries",
        description="Another node sees only these. A program sees all of them when none is ticked.",
    )
    expires_hours = FloatField(
        "Ends after (hours)",
        [Optional()],
        description="Empty: it is good until it is revoked. 720 hours are a month.",
    )
    networks = StringField(
        "Only from these networks",
        [Length(max=1000)],
        description="Such as 192.0.2.0/24, with blanks between. Empty: from anywhere.",
    )

    def validate_libraries(self, field: Ticks) -> None:
        """Refuse a key that would open nothing."""
        if self.kind.data == KeyKind.PEER and not field.data:
            raise ValidationError("Tick at least one: a key of another node sees nothing else.")


class RotateForm(PageForm):
    """How long the old key goes on working."""

    overlap_hours = FloatField(
        "The old key goes on working for (hours)",
        [InputRequired("Type a number of hours; 0 ends the old key at once.")],
        description="Time to hand the new key over. 0 ends the old key at once.",
    )


def state_of(key: ApiKey, now: datetime) -> str:
    """Return the word of a key's badge."""
    if key.revoked_at is not None:
        return "revoked"
    return "active" if key.is_good(now) else "expired"


def page_of(item_id: UUID) -> str:
    """Return the path of a key's page."""
    return url_for("admin.key", item_id=item_id)


def _names(libraries: Sequence[Library]) -> Mapping[LibraryId, str]:
    return {library.id: library.name for library in libraries}


class KeysView(MethodView):
    """All keys, newest first; never their text."""

    init_every_request = False

    def __init__(self, read_only: ReadOnlyFactory, clock: Clock) -> None:
        self._read_only, self._clock = read_only, clock

    def get(self) -> ResponseReturnValue:
        now = self._clock.now()
        with self._read_only() as tx:
            keys, libraries = tx.api_keys.all(), tx.libraries.all()
        return render_template(
            "admin/keys.html",
            keys=[(key, state_of(key, now)) for key in keys],
            libraries=_names(libraries),
        )


class KeyView(MethodView):
    """One key: what it opens, when it was used."""

    init_every_request = False

    def __init__(self, read_only: ReadOnlyFactory, clock: Clock, trail: Trail) -> None:
        self._read_only, self._clock, self._trail = read_only, clock, trail

    def get(self, item_id: UUID) -> ResponseReturnValue:
        with self._read_only() as tx:
            key = tx.api_keys.get(ApiKeyId(item_id))
            libraries = tx.libraries.all()
            before = key.rotated_from and tx.api_keys.get(key.rotated_from)
            after = next((one for one in tx.api_keys.all() if one.rotated_from == key.id), None)
            connection = tx.connections.find_by_key(key.id)
        return render_template(
            "admin/key.html",
            key=key,
            state=state_of(key, self._clock.now()),
            libraries=_names(libraries),
            scope_words=SCOPE_WORDS,
            kind_words=KIND_WORDS,
            before=before,
            after=after,
            connection=connection,
            trail=self._trail.of(f"key:{key.prefix}"),
            people=self._trail.people(),
        )


class NewKeyView(MethodView):
    """Issues a key and shows it, this once."""

    init_every_request = False

    def __init__(self, issue_key: IssueKey, read_only: ReadOnlyFactory) -> None:
        self._issue_key, self._read_only = issue_key, read_only

    def get(self) -> ResponseReturnValue:
        return self._page(self._form())

    def post(self) -> ResponseReturnValue:
        form = self._form()
        issued = form.submitted(
            lambda: self._issue_key(
                name=form.name.data,
                kind=form.kind.data,
                scopes=form.scopes.data,
                libraries=form.libraries.data,
                expires_hours=form.expires_hours.data,
                networks=(form.networks.data or "").replace(",", " ").split(),
                actor=the_actor(),
            )
        )
        if issued is None:
            return self._page(form)
        key, text = issued
        return render_template("admin/key_shown.html", key=key, text=text, replaced=None)

    def _form(self) -> KeyForm:
        form = KeyForm()
        with self._read_only() as tx:
            libraries = tx.libraries.all()
        form.libraries.choices = [SelectChoice(str(one.id), one.name) for one in libraries]
        return form

    def _page(self, form: KeyForm) -> ResponseReturnValue:
        return render_template("admin/key_new.html", form=form), form.status, form.headers


class RotateKeyView(MethodView):
    """Replaces a key and shows the new one, this once."""

    init_every_request = False

    def __init__(self, rotate_key: RotateKey, read_only: ReadOnlyFactory, overlap: float) -> None:
        self._rotate_key, self._read_only, self._overlap = rotate_key, read_only, overlap

    def get(self, item_id: UUID) -> ResponseReturnValue:
        return self._page(self._key(item_id), RotateForm(overlap_hours=self._overlap))

    def post(self, item_id: UUID) -> ResponseReturnValue:
        old, form = self._key(item_id), RotateForm()
        rotated = form.submitted(
            lambda: self._rotate_key(
                key_id=old.id, overlap_hours=form.overlap_hours.data, actor=the_actor()
            )
        )
        if rotated is None:
            return self._page(old, form)
        key, text = rotated
        replaced = self._key(item_id)
        return render_template("admin/key_shown.html", key=key, text=text, replaced=replaced)

    def _key(self, item_id: UUID) -> ApiKey:
        with self._read_only() as tx:
            return tx.api_keys.get(ApiKeyId(item_id))

    def _page(self, key: ApiKey, form: RotateForm) -> ResponseReturnValue:
        page = render_template("admin/key_rotate.html", key=key, form=form)
        return page, form.status, form.headers


def routes(
    *,
    read_only: ReadOnlyFactory,
    clock: Clock,
    trail: Trail,
    issue_key: IssueKey,
    revoke_key: RevokeKey,
    rotate_key: RotateKey,
    overlap_hours: float,
) -> Sequence[Route]:
    """Build the pages of keys; ``overlap_hours`` is offered when one is rotated."""

    def question(item_id: UUID) -> Question:
        with read_only() as tx:
            key = tx.api_keys.get(ApiKeyId(item_id))
        return Question(
            title=f"Revoke the key {key.name}?",
            goes=(
                "Its next request is refused, and films it plays end within half a minute.",
                "The key it replaced ends with it, if that is still good.",
                "There is no way back: whoever has it needs a new key.",
            ),
            stays=("Your films and accounts.", "What it did stays in the audit trail."),
            button="Revoke the key",
            back=page_of(item_id),
        )

    def revoke(item_id: UUID) -> None:
        revoke_key(key_id=ApiKeyId(item_id), actor=the_actor())

    one = "/keys/<uuid:item_id>"
    return (
        Route("/keys", KeysView.as_view("keys", read_only, clock)),
        Route("/keys/new", NewKeyView.as_view("key_new", issue_key, read_only)),
        Route(one, KeyView.as_view("key", read_only, clock, trail)),
        Route(
            f"{one}/revoke",
            AskingView.as_view("key_revoke", question, revoke, "The key is revoked.", page_of),
        ),
        Route(
            f"{one}/rotate",
            RotateKeyView.as_view("key_rotate", rotate_key, read_only, overlap_hours),
        ),
    )
