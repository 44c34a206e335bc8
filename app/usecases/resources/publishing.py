"""Making a new version: checks, then the switch.

The order makes a kill harmless at any point: the big part lies in the CDN under a name that no
reader is given, until one transaction makes the version, its small part and its key appear at once.
What a killed upload leaves in the CDN is collected later.
"""

import hashlib
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime

from app.usecases.resources.accounts import ResourceCaller
from app.usecases.resources.devices import own_device
from app.usecases.resources.planning import new_id
from app.usecases.resources.reading import key_place
from domain.errors import Conflict, Invalid
from domain.ids import DeviceId
from domain.resources.device import Device
from domain.resources.errors import SealedBroken
from domain.resources.manifest import Manifest
from domain.resources.names import big_key, folder_name
from domain.resources.resource import (
    Folder,
    Resource,
    StoredVersion,
    require_young,
)
from domain.resources.vlr1 import split_at
from ports.byte_body import BodyTruncated
from ports.clock import Clock
from ports.crypto import SecretBox, Secrets
from ports.resources.cdn import Cdn, CdnObject, CdnUnreachable
from ports.resources.exchange import ExchangeKeys
from ports.resources.sealing import KeyWrap, Sealer, WrapPurpose
from ports.unit_of_work import ReadOnlyFactory, UnitOfWorkFactory

MAX_SMALL_KB = 4096
_PATIENCE_S, _SLOWEST = 60.0, 1024 * 1024  # how long a big part may take to be read: B/s


class BigPartMissing(Conflict):
    """A version is published once its big part is in the CDN."""

    code = "resource.big-part-missing"
    title = "The big part of this version is not in the CDN"


class BigPartDiffers(Conflict):
    """What lies in the CDN has another length or digest than the manifest says."""

    code = "resource.big-part-differs"
    title = "The big part in the CDN is not the one that the manifest describes"


class ResourceIdTaken(Conflict):
    """The file has another id than the plan that this upload was made with."""

    code = "resource.id-differs"
    title = "This file has another id; begin the upload again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What an uploader sends once the big part is in the CDN.

    ``manifest`` is unsigned, and its times do not count; ``wrapped_key`` is the data key, wrapped
    on the person's device for this node. ``device_id`` None: whichever device that is.
    """

    folder: str
    manifest: Manifest
    small: bytes
    wrapped_key: bytes
    device_id: DeviceId | None = None


@dataclass(frozen=True, slots=True)
class PublishVersion:
    """Check everything, then let readers see the new version at once and whole."""

    unit_of_work: UnitOfWorkFactory
    read_only: ReadOnlyFactory
    clock: Clock
    cdn: Cdn
    sealer: Sealer
    secrets: Secrets
    secret_box: SecretBox
    exchange: ExchangeKeys
    key_wrap: KeyWrap
    max_size_bytes: int
    monotonic: Callable[[], float] = time.monotonic

    def __call__(self, caller: ResourceCaller, sent: Submission) -> int:
        """Return the version that is published. Sending the same again changes nothing.

        Raises:
            RoleMissing, FolderNotGranted, DeviceNotFound
            Invalid: manifest, small part and key do not fit each other or the limits.
            VersionNotNewer, ResourceIdTaken
            BigPartMissing, BigPartDiffers, UploadTooOld: of what lies in the CDN.
            CdnUnreachable, CdnRefuses
        """
        caller.require_uploader()
        manifest, folder = sent.manifest, folder_name(sent.folder)
        self._check(sent, folder)
        with self.read_only() as tx:
            home = caller.folder(tx, folder)
            device, exchange = own_device(tx, caller, sent.device_id)
            resource = tx.resources.find(home.id, manifest.name)
            self._require_id(home, resource, manifest)
            if resource is not None:
                present = tx.resources.find_version(resource.id, resource.current)
                if present is not None and present.has_parts_of(manifest):
                    return present.number
                resource.switch_to(manifest.version)  # refused early; decided below
        secret = self.exchange.agree(exchange, device.public_key)
        data_key = self._data_key(device, sent, secret)
        key = big_key(home.id, manifest.resource_id, manifest.version)
        self._require_big(key, manifest)
        return self._switch(caller, home, sent, data_key)

    def _check(self, sent: Submission, folder: str) -> None:
        manifest = sent.manifest
        if manifest.folder != folder:
            raise Invalid("the manifest is for another folder", field="manifest")
        if manifest.plaintext_size > self.max_size_bytes:
            raise Invalid(
                f"files of up to {self.max_size_bytes} bytes are taken here", field="plaintext_size"
            )
        if manifest.small_size > split_at(manifest.sealed_size, MAX_SMALL_KB):
            raise Invalid("the small part is larger than it may be", field="small_size")
        if not self.exchange.knows(manifest.key_id):
            raise Invalid("this node has no master key of that id", field="key_id")
        digest = hashlib.sha256(sent.small).digest()
        if (len(sent.small), digest) != (manifest.small_size, manifest.small_sha256):
            raise Invalid("it is not the small part that the manifest describes", field="small")

    def _data_key(self, device: Device, sent: Submission, secret: bytes) -> bytes:
        manifest = sent.manifest
        try:
            data_key = self.key_wrap.unwrap(
                sent.wrapped_key,
                shared_secret=secret,
                user_id=device.user_id,
                device_id=device.id,
                resource_id=manifest.resource_id,
                version=manifest.version,
                purpose=WrapPurpose.UPLOAD,
            )
        except SealedBroken as exc:
            raise Invalid(
                "the data key was not wrapped by this device for this version", field="data_key"
            ) from exc
        try:  # nothing is opened; the header and the commitment to the key are held against both
            self.sealer.open_range(
                lambda start, length: sent.small[start : start + length],
                manifest.binding,
                data_key,
                lambda _: None,
                start=0,
                length=0,
            )
        except SealedBroken as exc:
            raise Invalid(
                "the small part was not sealed with this key as this version", field="small"
            ) from exc
        return data_key

    def _require_big(self, key: str, manifest: Manifest) -> None:
        found = self.cdn.head(key)
        if found is None:
            raise BigPartMissing
        if found.size_bytes != manifest.big_size:
            raise BigPartDiffers(
                f"the object has {found.size_bytes} bytes, and the manifest says "
                f"{manifest.big_size}"
            )
        require_young(found.stored_at, self.clock.now())
        if self._digest(found) != manifest.big_sha256:
            raise BigPartDiffers("the object has another SHA-256 than the manifest says")

    def _digest(self, found: CdnObject) -> bytes:
        digest, read = hashlib.sha256(), 0
        until = self.monotonic() + _PATIENCE_S + found.size_bytes / _SLOWEST
        with closing(self.cdn.get(found.key)) as body:
            try:
                for piece in body:
                    digest.update(piece)
                    read += len(piece)
                    if read > found.size_bytes or self.monotonic() > until:
                        raise CdnUnreachable("reading the big part takes too long")
            except BodyTruncated as exc:
                raise CdnUnreachable("the CDN broke off while the big part was read") from exc
        return digest.digest()

    def _switch(
        self, caller: ResourceCaller, home: Folder, sent: Submission, data_key: bytes
    ) -> int:
        manifest, now = sent.manifest, self.clock.now()
        with self.unit_of_work() as tx:
            target = f"resource:{manifest.resource_id}"
            detail = f"version {manifest.version}, {home.name}/{manifest.name}"
            entry = caller.actor.did("resource.publish", target, at=now, detail=detail)
            tx.audit.append([entry])  # first: writers take turns from here
            caller.folder(tx, home.name)
            resource = tx.resources.find(home.id, manifest.name)
            if resource is None:
                resource = Resource(
                    id=manifest.resource_id, folder_id=home.id, name=manifest.name, created_at=now
                )
                tx.resources.add(resource)
            self._require_id(home, resource, manifest)
            resource.switch_to(manifest.version)
            tx.resources.add_version(self._stored(manifest, data_key, now), sent.small)
            tx.resources.save(resource)
            tx.commit()
        return manifest.version

    def _require_id(self, home: Folder, resource: Resource | None, manifest: Manifest) -> None:
        own = new_id(self.secrets, home, manifest.name) if resource is None else resource.id
        if own != manifest.resource_id:
            raise ResourceIdTaken

    def _stored(self, manifest: Manifest, data_key: bytes, now: datetime) -> StoredVersion:
        place = key_place(manifest.resource_id, manifest.version)
        return StoredVersion(
            resource_id=manifest.resource_id,
            number=manifest.version,
            plaintext_size=manifest.plaintext_size,
            small_size=manifest.small_size,
            big_size=manifest.big_size,
            small_sha256=manifest.small_sha256,
            big_sha256=manifest.big_sha256,
            key_id=manifest.key_id,
            sealed_key=self.secret_box.seal(data_key.hex(), place=place),
            created_at=now,
        )
