"""The shapes of the resource API: what it takes and what it answers."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from app.api.schemas import Shape
from domain.people import MAX_PASSWORD

Base64Url = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]*$", max_length=200)]
Name = Annotated[str, Field(max_length=512)]
RoleName = Literal[
    "NONE", "Operator", "Validator", "CompanionPC", "Admin", "ResourceUploader", "ApiAdmin"
]


class Taken(BaseModel):
    """A body that is read strictly."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class LogInBody(Taken):
    """Who signs in."""

    email: Annotated[str, Field(max_length=254)]
    password: Annotated[str, Field(max_length=MAX_PASSWORD)]


class DeviceBody(Taken):
    """A device: its public key for X25519 (32 bytes), and SHA-256 digests of what it is made of."""

    public_key: Base64Url
    fingerprint: dict[str, str | None]


class CheckBody(Taken):
    """The device that calls."""

    device: DeviceBody


class DeliverBody(Taken):
    """Which file, for which device (the ``device_id`` of the check)."""

    fileName: Name  # noqa: N815 - as the API has it
    device: UUID


class PublishForm(Taken):
    """Fields of the form; ``manifest`` is the JSON of a manifest, whose times do not count."""

    manifest: str
    small: Annotated[str, Field(json_schema_extra={"format": "binary"})]
    data_key: Base64Url
    device: UUID | None = None


class CdnQuery(BaseModel):
    """Which object, and what for."""

    folder: str = Field(description="name of the folder")
    name: str = Field(description="name of the file")
    purpose: Literal["read", "write"] = Field("read", description="what the address is for")
    version: int | None = Field(None, ge=1, description="left out: the present or the next one")
    length: int | None = Field(None, ge=1, description="bytes of the big part; for writing")


class Token(Shape):
    """A token for the header ``Authorization: Bearer``."""

    token: str


class CurrentUser(Shape):
    """Who holds the token. ``folders`` are names."""

    id: UUID
    email: str
    role: RoleName
    folders: list[str]


class Checked(Shape):
    """The device is bound. ``server_public_key`` is for X25519, 32 bytes in base64url."""

    device_id: UUID
    server_public_key: str


class Item(Shape):
    """A file. ``size`` is of the plaintext in bytes, ``sha256`` of the big part in hexadecimal."""

    name: str
    version: int
    size: int
    sha256: str
    small_size: int
    big_size: int
    created_at: datetime


class Items(Shape):
    """What is in a folder, by name."""

    items: list[Item]


class SignedParts(Shape):
    """A manifest as it was signed, the small part and the key for the device; base64url texts."""

    manifest: dict[str, str | int]
    signature: str
    key_id: int
    small: str
    wrapped_key: str


class Published(Shape):
    """The version that readers get now."""

    version: int


class Address(Shape):
    """One request to the CDN; send its header fields along."""

    url: str
    method: Literal["GET", "PUT", "POST"]
    headers: dict[str, str]


class CdnAddress(Shape):
    """A request to the CDN, for reading or for writing.

    For writing also what to seal with. A large object is written in ``parts`` of ``part_bytes``
    bytes, and put together by ``complete``, which takes S3's CompleteMultipartUpload document;
    ``url`` is null then. It is null without parts, too, where the object is there already.
    """

    url: str | None
    method: Literal["GET", "PUT"]
    headers: dict[str, str]
    expires_at: datetime
    version: int
    resource_id: UUID | None
    key_id: int | None
    small_size_kb: int | None
    parts: list[Address]
    part_bytes: int
    complete: Address | None
