"""What a location on a Jellyfin server is told, and the type of storage it makes."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from adapters.storage.jellyfin.session import Credentials
from adapters.storage.jellyfin.storage import JellyfinStorage
from adapters.storage.registry import Kind, Secrets
from domain.library.storage_location import StorageLocation
from ports.library.storage import OptionsInvalid
from ports.outbound import Origins, WebForms


def _base_url(value: str) -> str:
    try:
        parts = urlsplit(value.strip())
        port_is_fine = parts.port != 0
    except ValueError:
        port_is_fine = False
    if (
        not port_is_fine
        or parts.scheme not in {"http", "https"}
        or not parts.hostname
        or parts.query
        or parts.fragment
        or parts.username is not None
        or not value.strip().isprintable()
        or " " in value.strip()
        or not value.isascii()
    ):
        raise ValueError("write it like https://jellyfin.example.org or http://192.168.1.5:8096")
    return value.strip().rstrip("/")


def _names(value: str) -> str:
    return ", ".join(_split(value))


def _split(value: str) -> list[str]:
    return [name.strip() for name in value.split(",") if name.strip()]


class JellyfinOptions(BaseModel):
    """Options of a location on a Jellyfin server."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: Annotated[str, AfterValidator(_base_url)] = Field(
        max_length=2000,
        description="Address of the server, as in a browser, such as https://jellyfin.example.org",
    )
    api_key: SecretStr | None = Field(
        default=None,
        max_length=1000,
        description="An API key of the server. Leave it out to read as a user.",
    )
    username: str = Field(
        default="", max_length=200, description="The user to read as, instead of an API key."
    )
    password: SecretStr | None = Field(
        default=None, max_length=1000, description="The user's password."
    )
    libraries: Annotated[str, AfterValidator(_names)] = Field(
        default="",
        max_length=4000,
        description="Names of the libraries to take, with commas between; all where empty.",
    )

    @model_validator(mode="before")
    @classmethod
    def _drop_unused(cls, given: Any) -> Any:
        """Keep no secret that is not needed: a user name makes an API key superfluous."""
        if not isinstance(given, dict):
            return given
        unused = "api_key" if given.get("username") else "password"
        return {name: value for name, value in given.items() if name != unused and value != ""}


def jellyfin_kind(
    *,
    documents: WebForms,
    origins: Origins,
    max_objects: int,
) -> Kind:
    """Return the type ``jellyfin``.

    Args:
        documents: the guarded client, for JSON and pictures.
        origins: the same, for films.
        max_objects: more items than these are not taken.
    """

    def make(location: StorageLocation, secrets: Secrets) -> JellyfinStorage:
        options = location.options
        return JellyfinStorage(
            options["base_url"],
            Credentials(
                api_key=secrets.get("api_key", ""),
                username=options.get("username", ""),
                password=secrets.get("password", ""),
            ),
            device_id=f"velour-{location.id}",
            documents=documents,
            origins=origins,
            libraries=_split(options.get("libraries", "")),
            max_objects=max_objects,
        )

    def check(options: JellyfinOptions) -> None:
        if options.api_key is None and not options.username:
            raise OptionsInvalid(
                "api_key: give an API key of the server, or a username and its password",
                field="api_key",
            )

    return Kind(make, JellyfinOptions, check)
