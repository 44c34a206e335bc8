"""The form of a storage location, made from what its type asks for."""

from collections.abc import Mapping, Sequence
from typing import Any

from wtforms import BooleanField, IntegerField, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange
from wtforms.validators import Optional as MayBeEmpty

from app.browser.forms import PageForm
from app.browser.words import sentence
from domain.library.storage_location import (
    MAX_NAME,
    MAX_SCAN_EVERY_HOURS,
    Library,
    StorageLocation,
    StorageType,
)
from ports.library.storage import Option

TYPE_WORDS = {
    StorageType.LOCAL: "Folder on this machine",
    StorageType.S3: "S3 bucket",
    StorageType.JELLYFIN: "Jellyfin server",
    StorageType.WEB: "Web server or feed",
    StorageType.VELOUR: "Another node",
}
_LONGEST_OPTION = 4000
_DROP = "remove_"
_OWN_NAMES = {"s3": "S3", "url": "URL", "tls": "TLS", "id": "ID", "api": "API"}


class LocationForm(PageForm):
    """Name and library; one field for each option of the type comes with ``location_form``."""

    option_names: Sequence[str] = ()

    name = StringField("Name", [InputRequired("Give it a name."), Length(max=MAX_NAME)])
    library = SelectField("Library", description="Whoever may see the library sees its films.")
    scan_every_hours = IntegerField(
        "Scan every … hours",
        [
            MayBeEmpty(),
            NumberRange(
                1, MAX_SCAN_EVERY_HOURS, f"Type a number from 1 to {MAX_SCAN_EVERY_HOURS}."
            ),
        ],
        description="24 is once a day. Left empty, it is scanned only when somebody asks.",
    )
    watch = BooleanField(
        "Watch for changes",
        description="New and changed files are taken in within minutes, between the scans.",
    )
    enabled = BooleanField(
        "Switched on", description="A location that is switched off is not scanned."
    )

    def options(self) -> Mapping[str, str]:
        """Return the options that were filled in."""
        filled = {name: (self[name].data or "").strip() for name in self.option_names}
        return {name: value for name, value in filled.items() if value}

    def dropped(self) -> frozenset[str]:
        """Return the secrets that are to be removed: ticked, and nothing new typed."""
        return frozenset(
            name
            for name in self.option_names
            if (tick := self.drop_field(name)) is not None and tick.data and not self[name].data
        )

    def drop_field(self, name: str) -> Any:
        """Return the tick that removes the stored secret of an option, or None."""
        return self._fields.get(f"{_DROP}{name}")

    @property
    def watches(self) -> bool:
        """Whether the location is to be watched; False where its type cannot be."""
        return "watch" in self and bool(self["watch"].data)


def location_form(
    options: Mapping[str, Option],
    libraries: Sequence[Library],
    *,
    storage_type: StorageType,
    library: str | None = None,
    location: StorageLocation | None = None,
    stored_secrets: frozenset[str] = frozenset(),
) -> LocationForm:
    """Make the form.

    Args:
        options: of the type, by name.
        libraries: to choose from.
        storage_type: of the location.
        library: id of the one to begin with.
        location: the one that is changed; its values fill the form until something is sent.
        stored_secrets: names of the secret options that are stored.
    """
    fields: dict[str, Any] = {}
    for name, option in options.items():
        is_stored = name in stored_secrets
        fields[name] = _field(name, option, is_stored=is_stored)
        if is_stored and not option.required:
            fields[f"{_DROP}{name}"] = BooleanField(f"Remove the stored {_words(name).lower()}")
    made = type("TypedLocationForm", (LocationForm,), {**fields, "option_names": tuple(options)})
    begin: dict[str, Any] = {"library": library}
    if location is not None:
        begin = {
            **location.options,
            "name": location.name,
            "library": str(location.library_id),
            "enabled": location.enabled,
            "scan_every_hours": location.scan_every_hours,
            "watch": location.watch,
        }
    form: LocationForm = made(data=begin)
    form["library"].choices = [SelectChoice(str(one.id), one.name) for one in libraries]
    if location is None:
        del form.enabled
    if storage_type is not StorageType.LOCAL:
        del form.watch
    return form


def _field(name: str, option: Option, *, is_stored: bool) -> Any:
    words = sentence(option.help)
    if option.choices:
        return SelectField(
            _words(name),
            choices=list(option.choices),
            default=option.default or option.choices[0],
            description=words,
        )
    words = words if option.required else f"{words} Optional."
    if not option.secret:
        return StringField(
            _words(name),
            [Length(max=_LONGEST_OPTION)],
            description=words,
            default=option.default,
        )
    kept = " One is stored; leave this empty to keep it, or type a new one." if is_stored else ""
    rules = [Length(max=_LONGEST_OPTION)]
    return PasswordField(_words(name), rules, description=f"{words}{kept}")


def _words(name: str) -> str:
    """Write an option's name as the label of a field: ``endpoint_url`` as ``Endpoint URL``."""
    parts = [_OWN_NAMES.get(part, part) for part in name.split("_")]
    return " ".join([parts[0][:1].upper() + parts[0][1:], *parts[1:]])
