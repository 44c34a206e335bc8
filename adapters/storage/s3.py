"""Videos in a bucket of any store that speaks S3."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from adapters.storage.http_objects import Asked, HttpObjects, OriginClosed
from adapters.storage.names import is_video_name
from adapters.storage.registry import Kind, Secrets
from adapters.storage.s3_listing import Bucket, Listing, environment_session, keys_session
from adapters.storage.sorted_walk import Listed, films_of
from domain.library.media_types import media_type
from domain.library.storage_location import StorageLocation
from domain.library.video import base_name, shown
from ports.byte_body import ByteBody
from ports.library.storage import (
    ObjectInfo,
    ObjectNotFound,
    OptionsInvalid,
    StorageEmpty,
    StorageUnreachable,
    UnreadableObject,
    WalkItem,
)
from ports.outbound import Origins, WebDocuments

SIGNED_S = 300  # how long an address works that this node signs for itself
_REUSED_S = 60.0  # for so long it is used again: signing costs as much as asking
_MAX_SIGNED = 1000
_MAX_KEY_BYTES = 1024
_UNSENT = frozenset({".", ".."})
_ARCHIVED = frozenset({"GLACIER", "DEEP_ARCHIVE"})
_BUCKET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}", re.ASCII)
_REGION_NAME = re.compile(r"[a-z0-9-]{1,60}", re.ASCII)


class Credentials(StrEnum):
    """Where a location's credentials come from."""

    KEYS = "keys"
    ENVIRONMENT = "environment"


class Addressing(StrEnum):
    """Where the bucket's name stands in addresses."""

    AUTO = "auto"
    PATH = "path"
    VIRTUAL = "virtual"


def _check_endpoint(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("write the whole address, such as https://s3.example.org")
    if "@" in parts.netloc or parts.query or parts.fragment or parts.port == 0:
        raise ValueError("leave out names, passwords, ? and #")
    return text.rstrip("/")


def _check_bucket(name: str) -> str:
    if not _BUCKET_NAME.fullmatch(name):
        raise ValueError("that cannot be the name of a bucket")
    return name


def _check_prefix(text: str) -> str:
    parts = [part for part in text.split("/") if part]
    if _UNSENT.intersection(parts) or not text.isprintable():
        raise ValueError("folders . and .. and control characters cannot stand there")
    return "/".join(parts)


def _check_region(name: str) -> str:
    if not _REGION_NAME.fullmatch(name):
        raise ValueError("write a region as its provider does, such as eu-central-1")
    return name


class S3Options(BaseModel):
    """What a location in a bucket is told."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    bucket: Annotated[str, AfterValidator(_check_bucket)] = Field(description="Name of the bucket")
    endpoint_url: Annotated[str, AfterValidator(_check_endpoint)] | None = Field(
        None, description="Address of the store's API; empty for Amazon's"
    )
    region: Annotated[str, AfterValidator(_check_region)] = Field(
        "us-east-1", description="Region of the bucket; many stores take any"
    )
    prefix: Annotated[str, AfterValidator(_check_prefix)] = Field(
        "", description="Folder in the bucket that holds the films; empty for all of it"
    )
    credentials: Credentials = Field(
        Credentials.KEYS,
        description="keys: those given here. environment: what boto3 finds on this machine, "
        "such as the role of the instance",
    )
    access_key_id: SecretStr | None = Field(None, description="Access key")
    secret_access_key: SecretStr | None = Field(None, description="Its secret")
    session_token: SecretStr | None = Field(None, description="For temporary keys")
    redirect: bool = Field(
        default=False,
        description="Whether apps get the film from the store itself, by an address that works "
        "for a while without any key",
    )
    addressing: Addressing = Field(
        Addressing.AUTO,
        description="Whether the bucket's name stands in the path or in front of the host; "
        "auto: in the path of an endpoint_url",
    )

    @property
    def place(self) -> Bucket:
        """The bucket and where it is."""
        endpoint = self.endpoint_url
        path_style = self.addressing is Addressing.PATH
        if self.addressing is Addressing.AUTO:  # a certificate does not cover dots in the name
            path_style = endpoint is not None or "." in self.bucket
        if endpoint is None:
            domain = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
            endpoint = f"https://s3.{self.region}.{domain}"
        prefix = f"{self.prefix}/" if self.prefix else ""
        return Bucket(endpoint, self.bucket, prefix, self.region, path_style)


class S3Storage:
    """A bucket, or a folder of it. Locators are keys below the prefix.

    Args:
        options: bucket, credentials and what is allowed.
        origins: the guarded client, for films.
        documents: the same, for listings.
        max_objects: more are refused.
    """

    def __init__(
        self,
        options: S3Options,
        origins: Origins,
        documents: WebDocuments,
        *,
        max_objects: int,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._options, self._documents, self._max_objects = options, documents, max_objects
        self._bucket = options.place
        parts = urlsplit(self._bucket.endpoint)
        host = parts.netloc if self._bucket.path_style else f"{options.bucket}.{parts.netloc}"
        folder = f"/{options.bucket}" if self._bucket.path_style else ""
        self._addresses: dict[tuple[str, str], tuple[Asked, float]] = {}
        self._monotonic = monotonic
        self._root = f"{parts.scheme}://{host}{parts.path}{folder}/"
        self._objects = HttpObjects(
            self._locate, origins, who="the bucket", monotonic=monotonic, sleep=sleep
        )

    def check(self) -> str:
        """See ReadableStorage."""
        count, more = self._listing.first_page()
        objects = "object" if (count, more) == (1, False) else "objects"
        return f"{'at least ' if more else ''}{count} {objects} in {self._bucket}"

    def walk(self) -> Iterator[WalkItem]:
        """See WalkableStorage."""
        unreadable: list[UnreadableObject] = []
        for found in films_of(self._listed(unreadable)):
            yield found
            yield from unreadable
            unreadable.clear()
        yield from unreadable

    def stat(self, locator: str) -> ObjectInfo:
        """See ReadableStorage."""
        try:
            return self._objects.stat(locator)
        except ObjectNotFound:
            self._require_bucket()
            raise

    def open(self, locator: str, *, start: int, length: int, etag: str | None) -> ByteBody:
        """See ReadableStorage."""
        try:
            return self._objects.open(locator, start=start, length=length, etag=etag)
        except ObjectNotFound:
            self._require_bucket()
            raise

    def local_path(self, _locator: str) -> str | None:
        """See WalkableStorage: nothing is on this machine."""
        return None

    def redirect_url(self, locator: str, *, expires_s: int) -> str | None:
        """See Redirecting. The store is told which type and name to send along."""
        if not self._options.redirect:
            return None
        name = base_name(locator)
        return self._signed(
            "GET",
            locator,
            expires_s,
            {
                "response-content-type": media_type(name),
                "response-content-disposition": f"inline; filename*=UTF-8''{quote(name, safe='')}",
            },
        )

    @cached_property
    def _session(self) -> Any:
        is_given = self._options.credentials is Credentials.KEYS
        return keys_session() if is_given else environment_session()

    @cached_property
    def _keys(self) -> Mapping[str, str | None]:
        options = self._options
        if options.credentials is Credentials.ENVIRONMENT:
            return {}
        return {
            "aws_access_key_id": _clear(options.access_key_id),
            "aws_secret_access_key": _clear(options.secret_access_key),
            "aws_session_token": _clear(options.session_token),
        }

    @cached_property
    def _listing(self) -> Listing:
        return Listing(
            self._bucket,
            self._session,
            self._keys,
            self._documents,
            max_objects=self._max_objects,
        )

    def _listed(self, unreadable: list[UnreadableObject]) -> Iterator[Listed]:
        """Yield objects that can be read, and put aside the others."""
        is_empty = True
        for one in self._listing.objects():
            path = str(one["Key"])[len(self._bucket.prefix) :]
            is_empty = is_empty and (not path or path.endswith("/"))
            reason = _why_unreadable(path, one)
            if reason and is_video_name(path):
                unreadable.append(UnreadableObject(shown(path), reason, path))
            elif path and not reason and not path.endswith("/"):
                tag = str(one.get("ETag") or one.get("LastModified") or "").strip('"')
                size = int(one["Size"])
                yield Listed(path, size, f"{tag}-{size}")
        if is_empty:
            raise StorageEmpty(f"there is nothing in {self._bucket}")

    def _require_bucket(self) -> None:
        """Raise StorageUnreachable where not only the object but the whole bucket is absent."""
        self._listing.first_page()

    def _locate(self, method: str, locator: str) -> Asked:
        kept = self._addresses.get((method, locator))
        if kept is not None and self._monotonic() < kept[1]:
            return kept[0]
        asked = Asked(self._signed(method, locator, SIGNED_S, {}))
        if len(self._addresses) >= _MAX_SIGNED:
            self._addresses.clear()
        self._addresses[method, locator] = asked, self._monotonic() + _REUSED_S
        return asked

    def _signed(
        self, method: str, locator: str, expires_s: int, parameters: Mapping[str, str]
    ) -> str:
        """Return an address for that method alone; a Range may be asked for with it."""
        from botocore.auth import S3SigV4QueryAuth  # noqa: PLC0415 - only nodes with buckets pay
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - as above

        if _why_unsendable(locator) or not locator or locator.endswith("/"):
            raise ObjectNotFound
        path = quote(self._bucket.prefix + locator, safe="/~")
        request = AWSRequest(method=method, url=self._root + path, params=dict(parameters))
        signer = S3SigV4QueryAuth(self._credentials(), "s3", self._bucket.region, expires=expires_s)
        signer.add_auth(request)
        return str(request.url)

    def _credentials(self) -> Any:
        from botocore.credentials import Credentials as Given  # noqa: PLC0415 - as above

        if self._keys:
            return Given(*self._keys.values())
        found = self._session.get_credentials()
        if found is None:
            raise OriginClosed("boto3 finds no credentials on this machine")
        return found.get_frozen_credentials()


def s3_kind(origins: Origins, documents: WebDocuments, *, max_objects: int) -> Kind:
    """Return the type ``s3``; see S3Storage."""

    def make(location: StorageLocation, secrets: Secrets) -> S3Storage:
        try:
            options = S3Options.model_validate({**location.options, **secrets})
        except ValueError as exc:
            raise StorageUnreachable("its options are not complete; set them anew") from exc
        return S3Storage(options, origins, documents, max_objects=max_objects)

    return Kind(make, S3Options, _check_credentials)


def _check_credentials(options: S3Options) -> None:
    if options.credentials is Credentials.KEYS:
        for name in ("access_key_id", "secret_access_key"):
            if not _clear(getattr(options, name)):
                raise OptionsInvalid(
                    f"the option {name} is missing (credentials=environment does without)",
                    field=name,
                )
        return
    for name in ("access_key_id", "secret_access_key", "session_token"):
        if _clear(getattr(options, name)):
            raise OptionsInvalid(
                f"{name}: with credentials=environment no keys are given", field=name
            )


def _clear(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value().strip() or None if secret is not None else None


def _why_unreadable(path: str, one: Mapping[str, Any]) -> str:
    if not isinstance(one.get("Size"), int) or one["Size"] < 0:
        return "the listing does not say how long it is"
    if one.get("StorageClass") in _ARCHIVED:
        return "it is archived (" + str(one["StorageClass"]) + "): restore it first"
    return _why_unsendable(path)


def _why_unsendable(key: str) -> str:
    """Tell why a key cannot be asked for in an address, in which ``..`` would mean a way up."""
    if "\0" in key:
        return "its key holds a zero byte"
    if _UNSENT.intersection(key.split("/")):
        return "its key holds a folder named . or .."
    try:
        too_long = len(key.encode()) > _MAX_KEY_BYTES
    except UnicodeEncodeError:
        return "its key is not UTF-8 text"
    return "its key is too long" if too_long else ""
