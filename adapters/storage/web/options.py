"""What a web location is told, and its kind of storage."""

from base64 import b64encode
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from adapters.storage.redirects import AddressInvalid, absolute
from adapters.storage.registry import Kind
from adapters.storage.web.reach import Client, Reach
from adapters.storage.web.shapes import Shape
from adapters.storage.web.storage import WebStorage
from domain.library.storage_location import StorageLocation


class Content(StrEnum):
    """What is at the address; ``auto``: what the answer looks like."""

    AUTO = "auto"
    LISTING = "listing"
    FEED = "feed"
    LIST = "list"


def _check_url(url: str) -> str:
    try:
        return absolute("", url)
    except AddressInvalid as exc:
        raise ValueError(f"{exc}; write it like https://films.example.org/films/") from exc


class WebOptions(BaseModel):
    """What a web location is told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(_check_url)] = Field(
        description="Address of a directory listing, a feed, or a list of addresses"
    )
    kind: Content = Field(Content.AUTO, description="What is there; auto: by what it looks like.")
    username: str = Field("", max_length=200, description="User name (HTTP Basic), if it asks.")
    password: SecretStr | None = Field(
        None, max_length=1000, description="Password; sent to the address's server only."
    )
    depth: int = Field(10, ge=0, le=50, description="How many folders deep a listing is read.")

    @model_validator(mode="after")
    def _check_name(self) -> "WebOptions":
        if ":" in self.username or not self.username.isprintable():
            raise ValueError("a user name has no colon in it")
        if self.password and not self.username:
            raise ValueError("a password needs a user name")
        return self


def web_kind(near: Client, far: Client, *, max_objects: int) -> Kind:
    """Return the type ``web``.

    Args:
        near: reaches what the node's settings let locations reach.
        far: reaches public addresses alone.
        max_objects: that one location may hold.
    """

    def make(location: StorageLocation, secrets: Mapping[str, str]) -> WebStorage:
        options = location.options
        kind = Content(options.get("kind", Content.AUTO))
        return WebStorage(
            options["url"],
            Reach(options["url"], near, far),
            shape=None if kind is Content.AUTO else Shape(kind),
            authorization=_basic(options.get("username", ""), secrets.get("password", "")),
            depth=int(options.get("depth", 10)),
            max_objects=max_objects,
        )

    return Kind(make, WebOptions)


def _basic(username: str, password: str) -> str:
    if not username:
        return ""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()
