"""What readers get: lists, manifests with small parts and keys, addresses of big parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.usecases.resources.accounts import ResourceCaller
from app.usecases.resources.devices import own_device
from domain.ids import DeviceId, ResourceId
from domain.resources.manifest import SignedManifest
from domain.resources.names import file_name, folder_name
from domain.resources.resource import Folder, Resource, ResourceNotFound, StoredVersion
from ports.clock import Clock
from ports.crypto import Identity, SecretBox
from ports.resources.cdn import Cdn, SignedRequest
from ports.resources.exchange import ExchangeKeys
from ports.resources.sealing import KeyWrap
from ports.unit_of_work import ReadOnlyFactory, UnitOfWork, UnitOfWorkFactory


def key_place(resource_id: ResourceId, number: int) -> str:
    """Return what a data key at rest is bound to."""
    return f"resource_version:sealed_key:{resource_id}:{number}"


@dataclass(frozen=True, slots=True)
class ListFolders:
    """Say which folders a person was granted."""

    read_only: ReadOnlyFactory

    def __call__(self, caller: ResourceCaller) -> Sequence[Folder]:
        """Return them by name."""
        with self.read_only() as tx:
            return tx.folders.granted_to(caller.user.id)


@dataclass(frozen=True, slots=True)
class ListFolder:
    """Say what is in a folder."""

    read_only: ReadOnlyFactory

    def __call__(
        self, caller: ResourceCaller, *, folder: str
    ) -> Sequence[tuple[Resource, StoredVersion]]:
        """Return each resource with its present version, by name.

        Raises:
            RoleMissing, FolderNotGranted
        """
        caller.require_reader()
        with self.read_only() as tx:
            return tx.resources.of(caller.folder(tx, folder_name(folder)).id)


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a device needs besides the big part; ``wrapped_key`` opens on that device alone."""

    signed: SignedManifest
    small: bytes
    wrapped_key: bytes


@dataclass(frozen=True, slots=True)
class DeliverResource:
    """Hand out a resource's small part and its key, with a fresh manifest.

    The manifest is signed at each delivery, so a reader that asks has one that is good for
    ``manifest_life`` from then. No key leaves the node without an entry in the trail.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    identity: Identity
    secret_box: SecretBox
    exchange: ExchangeKeys
    key_wrap: KeyWrap
    manifest_life: timedelta

    def __call__(
        self, caller: ResourceCaller, *, folder: str, name: str, device_id: DeviceId
    ) -> Delivery:
        """Return the present version.

        Raises:
            RoleMissing, FolderNotGranted, ResourceNotFound, DeviceNotFound
        """
        caller.require_reader()
        folder, name, now = folder_name(folder), file_name(name), self.clock.now()
        with self.unit_of_work() as tx:
            home = caller.folder(tx, folder)
            device, exchange = own_device(tx, caller, device_id)
            resource, stored = _find(tx, home, name, None)
            target, detail = f"resource:{resource.id}", f"version {stored.number}, {folder}/{name}"
            tx.audit.append([caller.actor.did("resource.deliver", target, at=now, detail=detail)])
            small = tx.resources.small(resource.id, stored.number)
            data_key = bytes.fromhex(
                self.secret_box.open(stored.sealed_key, place=key_place(resource.id, stored.number))
            )
            tx.commit()
        manifest = resource.manifest(stored, folder=home.name, now=now, life=self.manifest_life)
        return Delivery(
            signed=SignedManifest(manifest, self.identity.sign(manifest.signed_bytes())),
            small=small,
            wrapped_key=self.key_wrap.wrap(
                data_key,
                shared_secret=self.exchange.agree(exchange, device.public_key),
                user_id=caller.user.id,
                device_id=device.id,
                resource_id=resource.id,
                version=stored.number,
            ),
        )


@dataclass(frozen=True, slots=True)
class ReadAddress:
    """An address of one version's big part; ``expires_at`` is when it ends."""

    request: SignedRequest
    version: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class AddressForReading:
    """Hand out a short-lived address of one big part."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    cdn: Cdn
    life: timedelta

    def __call__(
        self, caller: ResourceCaller, *, folder: str, name: str, version: int | None
    ) -> ReadAddress:
        """Return the address of a version; of the present one where none is named.

        Raises:
            RoleMissing, FolderNotGranted, ResourceNotFound, CdnUnreachable, CdnRefuses
        """
        caller.require_reader()
        folder, name, now = folder_name(folder), file_name(name), self.clock.now()
        with self.unit_of_work() as tx:
            resource, stored = _find(tx, caller.folder(tx, folder), name, version)
            target, detail = f"resource:{resource.id}", f"version {stored.number}, {folder}/{name}"
            tx.audit.append([caller.actor.did("resource.download", target, at=now, detail=detail)])
            tx.commit()
        key, seconds = resource.big_key(stored.number), int(self.life.total_seconds())
        address = self.cdn.presign_get(key, expires_s=seconds)
        return ReadAddress(address, stored.number, now + self.life)


def _find(
    tx: UnitOfWork, folder: Folder, name: str, version: int | None
) -> tuple[Resource, StoredVersion]:
    resource = tx.resources.find(folder.id, name)
    if resource is None:
        raise ResourceNotFound
    number = resource.current if version is None else version
    stored = tx.resources.find_version(resource.id, number)
    if stored is None:
        raise ResourceNotFound
    return resource, stored
