"""The resource API: encrypted files for known people on known devices."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin
from uuid import UUID

from flask import Blueprint, request
from flask.typing import ResponseReturnValue

from app.api import parameters
from app.api import resource_shapes as shapes
from app.api.auth import client_address
from app.api.operation import Operation, operation
from app.api.problems import Malformed
from app.api.resource_auth import ROOT, caller
from app.limits import Limits
from app.usecases.resources.accounts import LogIn
from app.usecases.resources.devices import CheckDevice
from app.usecases.resources.planning import PlanVersion, VersionPlan
from app.usecases.resources.publishing import MAX_SMALL_KB, PublishVersion, Submission
from app.usecases.resources.reading import (
    AddressForReading,
    DeliverResource,
    ListFolder,
    ListFolders,
)
from domain.errors import Invalid
from domain.ids import DeviceId
from domain.library.document import timestamp
from domain.resources.device import Fingerprint
from domain.resources.manifest import Manifest
from domain.resources.vlr1 import MAX_VERSION
from ports.resources.cdn import SignedRequest, UploadPlan

_FORM_FIELDS = frozenset({"manifest", "data_key", "device"})
_MAX_FIELDS_BYTES = 64 * 1024
# The parser takes pieces of 64 KiB, files among them, on top of what it has not sorted out yet.
_MAX_BUFFER_BYTES = 256 * 1024
_ANY, _READERS = "any role", "Operator or a higher role, and the folder granted"
_UPLOADERS = "ResourceUploader, Admin or ApiAdmin, and the folder granted"
_NOT_THERE = {404: "there is no such file in the folder, or no such device"}
_READ_ONLY: Mapping[str, Any] = {
    **dict.fromkeys(("resource_id", "key_id", "small_size_kb", "complete")),
    "parts": [],
    "part_bytes": 0,
}
_CDN = {502: "the CDN refuses, or answers nonsense"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceUses:
    """The use cases behind the routes; ``base_url`` is empty where the request's host counts."""

    log_in: LogIn
    list_folders: ListFolders
    check_device: CheckDevice
    list_folder: ListFolder
    deliver: DeliverResource
    read_address: AddressForReading
    plan: PlanVersion
    publish: PublishVersion
    limits: Limits
    base_url: str


def _declared(summary: str, roles: str, **more: Any) -> Operation:
    return Operation(summary=summary, scope=None, tag="resources", action="", roles=roles, **more)


@dataclass(frozen=True, slots=True)
class ResourceViews:
    """Views; one instance answers all requests."""

    uses: ResourceUses

    @operation(
        Operation(
            summary="Sign in",
            scope=None,
            tag="resources",
            action="",
            body=shapes.LogInBody,
            answer=shapes.Token,
            statuses={
                400: "the body cannot be read",
                401: "unknown, wrong or switched off; all look alike",
                422: "the body is not as described",
                429: "too many tries for this account or from this address",
            },
        )
    )
    def login(self) -> ResponseReturnValue:
        """Give out a token."""
        body, address = shapes.LogInBody.model_validate(request.get_json()), client_address()
        self.uses.limits.begin_sign_in(body.email, address)
        token = self.uses.log_in(email=body.email, password=body.password, address=address)
        self.uses.limits.sign_in_succeeded(body.email, address)
        return {"token": token}, 200, {"Cache-Control": "no-store"}

    @operation(_declared("Who holds the token", _ANY, answer=shapes.CurrentUser))
    def current(self) -> ResponseReturnValue:
        """Describe the caller."""
        person = caller()
        return {
            "id": str(person.user.id),
            "email": person.user.email,
            "role": person.role.label,
            "folders": [folder.name for folder in self.uses.list_folders(person)],
        }

    @operation(
        _declared(
            "Bind a device at its first call; check it at each later one",
            _ANY,
            body=shapes.CheckBody,
            answer=shapes.Checked,
            statuses={422: "an unusable key, or too little of the machine could be read"},
        )
    )
    def check(self) -> ResponseReturnValue:
        """Bind or check the caller's device."""
        device = shapes.CheckBody.model_validate(request.get_json()).device
        checked = self.uses.check_device(
            caller(),
            public_key=_bytes(device.public_key, "public_key", 32),
            fingerprint=Fingerprint.parse(device.fingerprint),
        )
        return {
            "device_id": str(checked.device.id),
            "server_public_key": _text(checked.server_public_key),
        }

    @operation(_declared("What is in a folder", _READERS, answer=shapes.Items))
    def list(self, folder: str) -> ResponseReturnValue:
        """List a folder."""
        return {
            "items": [
                {
                    "name": resource.name,
                    "version": stored.number,
                    "size": stored.plaintext_size,
                    "sha256": stored.big_sha256.hex(),
                    "small_size": stored.small_size,
                    "big_size": stored.big_size,
                    "created_at": timestamp(stored.created_at),
                }
                for resource, stored in self.uses.list_folder(caller(), folder=folder)
            ]
        }

    @operation(
        _declared(
            "Manifest, small part and wrapped key of a file's present version",
            _READERS,
            body=shapes.DeliverBody,
            answer=shapes.SignedParts,
            statuses=_NOT_THERE,
        )
    )
    def deliver(self, folder: str) -> ResponseReturnValue:
        """Hand out a small part."""
        caller().require_reader()
        body = shapes.DeliverBody.model_validate(request.get_json())
        found = self.uses.deliver(
            caller(), folder=folder, name=body.fileName, device_id=DeviceId(body.device)
        )
        return {
            "manifest": found.signed.manifest.fields(),
            "signature": _text(found.signed.signature),
            "key_id": found.signed.manifest.key_id,
            "small": _text(found.small),
            "wrapped_key": _text(found.wrapped_key),
        }

    @operation(
        _declared(
            "Publish a new version, whose big part is in the CDN already",
            _UPLOADERS,
            body=shapes.PublishForm,
            body_type="multipart/form-data",
            answer=shapes.Published,
            statuses={
                404: "no such device",
                409: "not a newer version, or the big part is missing or another one",
                413: "the form is too large",
                422: "manifest, small part and key do not fit each other",
                **_CDN,
            },
        )
    )
    def publish(self, folder: str) -> ResponseReturnValue:
        """Publish a version."""
        caller().require_uploader()  # before a byte of the form is read
        request.max_content_length = MAX_SMALL_KB * 1024 + _MAX_FIELDS_BYTES
        request.max_form_memory_size = _MAX_BUFFER_BYTES
        request.max_form_parts = 10
        fields = _fields()
        number = self.uses.publish(
            caller(),
            Submission(
                folder=folder,
                manifest=Manifest.parse(_json(fields["manifest"])),
                small=_small(),
                wrapped_key=_bytes(fields["data_key"], "data_key"),
                device_id=_device(fields.get("device")),
            ),
        )
        return {"version": number}

    @operation(
        _declared(
            "A short-lived address in the CDN, for one version of one file",
            "Operator or a higher role for reading, uploaders for writing; and the folder granted",
            query=shapes.CdnQuery,
            answer=shapes.CdnAddress,
            statuses={
                404: "there is no such file or version",
                409: "that version was published or begun",
                422: "a name, a version or a length that cannot be",
                **_CDN,
            },
        )
    )
    def cdn(self) -> ResponseReturnValue:
        """Hand out an address."""
        folder, name = _required("folder"), _required("name")
        version = _number("version", MAX_VERSION)
        purpose = parameters.single(request.args, "purpose") or "read"
        if purpose == "write":
            length = _number("length", MAX_VERSION)
            if length is None:
                raise Malformed("length is missing: the bytes of the big part", field="length")
            return self._write_plan(
                self.uses.plan(caller(), folder=folder, name=name, version=version, length=length)
            )
        if purpose != "read":
            raise Malformed("purpose takes read or write", field="purpose")
        found = self.uses.read_address(caller(), folder=folder, name=name, version=version)
        return {
            **self._address(found.request),
            "expires_at": timestamp(found.expires_at),
            "version": found.version,
            **_READ_ONLY,
        }

    def _write_plan(self, plan: VersionPlan) -> ResponseReturnValue:
        upload = plan.upload or UploadPlan()
        whole: dict[str, Any] = {"url": None, "method": "PUT", "headers": {}}
        if upload.whole is not None:
            whole = self._address(upload.whole)
        return {
            **whole,
            "expires_at": timestamp(plan.expires_at),
            "version": plan.version,
            "resource_id": str(plan.resource_id),
            "key_id": plan.key_id,
            "small_size_kb": plan.small_size_kb,
            "parts": [self._address(part) for part in upload.parts],
            "part_bytes": upload.part_bytes,
            "complete": self._address(upload.complete) if upload.complete is not None else None,
        }

    def _address(self, asked: SignedRequest) -> dict[str, Any]:
        url = self._absolute(asked.url)
        return {"url": url, "method": asked.method, "headers": dict(asked.headers)}

    def _absolute(self, url: str) -> str:
        return urljoin(self.uses.base_url or request.host_url, url)


def blueprint(uses: ResourceUses) -> Blueprint:
    """Build the routes of the resource API."""
    views = ResourceViews(uses)
    routes = Blueprint("resources", __name__, url_prefix=ROOT)
    for path, view, method in (
        ("/login", views.login, "POST"),
        ("/users/current", views.current, "GET"),
        ("/resources/check", views.check, "POST"),
        ("/resources/cdn", views.cdn, "GET"),
        ("/resources/list/<folder>", views.list, "GET"),
        ("/resources/get/<folder>", views.deliver, "POST"),
        ("/resources/<folder>", views.publish, "POST"),
    ):
        routes.add_url_rule(path, view_func=view, methods=[method])
    return routes


def _fields() -> dict[str, str]:
    """Return the text fields of the form, each of them there once."""
    if request.mimetype != "multipart/form-data":
        raise Malformed("the body takes multipart/form-data", field="Content-Type")
    form, files = request.form, request.files
    for name, wanted in ((n, n in _FORM_FIELDS) for n in form):
        if not wanted or len(form.getlist(name)) != 1:
            raise Malformed("a field is unknown or stands there twice", field=name[:40])
    if set(files) != {"small"} or len(files.getlist("small")) != 1:
        raise Malformed("small is missing: one file, the small part", field="small")
    for name in ("data_key", "manifest"):
        if name not in form:
            raise Malformed(f"{name} is missing", field=name)
    return dict(form)


def _small() -> bytes:
    return request.files["small"].stream.read()


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise Malformed("manifest is not JSON", field="manifest") from exc


def _required(name: str) -> str:
    text = parameters.single(request.args, name)
    if text is None:
        raise Malformed(f"{name} is missing", field=name)
    return text


def _number(name: str, cap: int) -> int | None:
    if name not in request.args:
        return None
    return parameters.number(request.args, name, default=1, cap=cap)


def _device(text: str | None) -> DeviceId | None:
    try:
        return None if text is None else DeviceId(UUID(text))
    except ValueError as exc:
        raise Invalid("device takes an id", field="device") from exc


def _bytes(text: str, name: str, length: int | None = None) -> bytes:
    try:
        data = base64.b64decode(
            text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True
        )
    except (binascii.Error, ValueError) as exc:
        raise Invalid(f"{name} takes base64url", field=name) from exc
    if length is not None and len(data) != length:
        raise Invalid(f"{name} takes {length} bytes in base64url", field=name)
    return data


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
