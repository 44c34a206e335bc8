"""The form of a storage location, made from what its type asks for."""

from collections.abc import Mapping, Sequence
from typing import Any

from wtforms import BooleanField, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from app.browser.forms import PageForm
from domain.library.storage_location import MAX_NAME, Library, StorageLocation
from ports.library.storage import Option

_LONGEST_OPTION = 4000


class LocationForm(PageForm):
    """Name and library; one field for each option of the type comes with ``location_form``."""

    option_names: Sequence[str] = ()

    name = StringField("Name", [InputRequired("Give it a name."), Length(max=MAX_NAME)])
    library = SelectField("Library", description="Whoever may see the library sees its films.")
    enabled = BooleanField(
        "Switched on", description="A location that is switched off is not scanned."
    )

    def options(self) -> Mapping[str, str]:
        """Return the options that were filled in."""
        filled = {name: (self[name].data or "").strip() for name in self.option_names}
        return {name: value for name, value in filled.items() if value}


def location_form(
    options: Mapping[str, Option],
    libraries: Sequence[Library],
    *,
    library: str | None = None,
    location: StorageLocation | None = None,
    has_secrets: bool = False,
) -> LocationForm:
    """Make the form.

    Args:
        options: of the type, by name.
        libraries: to choose from.
        library: id of the one to begin with.
        location: the one that is changed; its values fill the form until something is sent.
        has_secrets: whether secrets of it are stored.
    """
    fields = {name: _field(name, option, has_secrets) for name, option in options.items()}
    made = type("TypedLocationForm", (LocationForm,), {**fields, "option_names": tuple(fields)})
    begin: dict[str, Any] = {"library": library}
    if location is not None:
        begin = {
            **location.options,
            "name": location.name,
            "library": str(location.library_id),
            "enabled": location.enabled,
        }
    form: LocationForm = made(data=begin)
    form["library"].choices = [SelectChoice(str(one.id), one.name) for one in libraries]
    if location is None:
        del form.enabled
    return form


def _field(name: str, option: Option, has_secrets: bool) -> Any:
    label = name.replace("_", " ").capitalize()
    words = option.help if option.required else f"{option.help} Optional."
    if option.choices:
        return SelectField(
            label, choices=list(option.choices), default=option.default, description=option.help
        )
    if not option.secret:
        return StringField(
            label, [Length(max=_LONGEST_OPTION)], description=words, default=option.default
        )
    kept = " One is stored; leave this empty to keep it, or type a new one." if has_secrets else ""
    return PasswordField(label, [Length(max=_LONGEST_OPTION)], description=f"{words}{kept}")
