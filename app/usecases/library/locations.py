"""Libraries and storage locations: making, changing, removing, trying them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from domain.errors import Conflict
from domain.federation.audit import Actor
from domain.federation.connection import ConnectionState
from domain.ids import LibraryId, LocationId
from domain.library.storage_location import (
    Library,
    LibraryNotFound,
    LocationNotFound,
    StorageLocation,
    StorageType,
)
from ports.clock import Clock
from ports.crypto import SecretBox
from ports.ids import IdFactory
from ports.library.storage import OptionsInvalid, Storages
from ports.unit_of_work import ReadOnlyFactory, UnitOfWork, UnitOfWorkFactory


class LocationInUse(Conflict):
    """A peer's location goes with its connection, not before."""

    code = "location.in-use"
    title = "The location belongs to a connection"


def find_library(tx: UnitOfWork, ref: str) -> Library:
    """Return the library of that name or id; raises LibraryNotFound."""
    library = tx.libraries.find_by_name(ref)
    if library is not None:
        return library
    try:
        return tx.libraries.get(LibraryId(UUID(ref)))
    except ValueError:
        raise LibraryNotFound(f"there is no library {ref}") from None


def find_location(tx: UnitOfWork, ref: str) -> StorageLocation:
    """Return the location of that name or id; raises LocationNotFound."""
    location = tx.locations.find_by_name(ref)
    if location is not None:
        return location
    try:
        return tx.locations.get(LocationId(UUID(ref)))
    except ValueError:
        raise LocationNotFound(f"there is no storage location {ref}") from None


@dataclass(frozen=True, slots=True)
class CreateLibrary:
    """Make an empty library."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    new_id: IdFactory

    def __call__(self, *, name: str, description: str = "", actor: Actor) -> Library:
        """Return the new library; raises AlreadyExists, Invalid."""
        now = self.clock.now()
        library = Library(
            id=LibraryId(self.new_id()), name=name, description=description, created_at=now
        )
        with self.unit_of_work() as tx:
            tx.libraries.add(library)
            tx.audit.append([actor.did("library.create", library.name, at=now)])
            tx.commit()
        return library


@dataclass(frozen=True, slots=True)
class RemoveLibrary:
    """Remove a library that no location is in."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, *, library_id: LibraryId, actor: Actor) -> None:
        """Raise LibraryNotFound, or Conflict while a location is in it."""
        with self.unit_of_work() as tx:
            library = tx.libraries.get(library_id)
            tx.libraries.remove(library_id)
            tx.audit.append([actor.did("library.remove", library.name, at=self.clock.now())])
            tx.commit()


@dataclass(frozen=True, slots=True)
class LocationSecrets:
    """Read the secrets of a location's options, in clear, for its storage alone."""

    read_only: ReadOnlyFactory
    secret_box: SecretBox

    def __call__(self, location_id: LocationId) -> Mapping[str, str]:
        """Return them by name; raises LocationNotFound, SealBroken."""
        with self.read_only() as tx:
            sealed = tx.locations.secrets(location_id)
        return _opened(self.secret_box, location_id, sealed)


@dataclass(frozen=True, slots=True)
class NameSecrets:
    """Tell which secret options of a location are stored, without their values."""

    secrets_of: LocationSecrets

    def __call__(self, location_id: LocationId) -> frozenset[str]:
        """Return their names; raises LocationNotFound, SealBroken."""
        return frozenset(self.secrets_of(location_id))


@dataclass(frozen=True, slots=True)
class AddLocation:
    """Add a place to scan for videos."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    new_id: IdFactory
    storages: Storages
    secret_box: SecretBox

    def __call__(
        self,
        *,
        name: str,
        storage_type: StorageType | str,
        library: str,
        options: Mapping[str, str],
        scan_every_hours: int | None = None,
        watch: bool = False,
        actor: Actor,
    ) -> StorageLocation:
        """Return the new location.

        Args:
            name: unique among locations.
            storage_type: one of ``Storages.types()``.
            library: name or id.
            options: of the type, secrets among them.
            scan_every_hours: None: only when asked.
            watch: scan soon after something changed there; for local locations only.
            actor: who adds it.

        Raises:
            OptionsInvalid, LibraryNotFound, AlreadyExists, Invalid
        """
        kind = _storage_type(storage_type, self.storages)
        plain, secret = self.storages.check_options(kind, options)
        now = self.clock.now()
        location_id = LocationId(self.new_id())
        with self.unit_of_work() as tx:
            location = StorageLocation(
                id=location_id,
                name=name,
                storage_type=kind,
                library_id=find_library(tx, library).id,
                created_at=now,
                options=plain,
                scan_every_hours=scan_every_hours,
                watch=watch,
            )
            tx.locations.add(location, _sealed(self.secret_box, location_id, secret))
            tx.audit.append([actor.did("location.add", location.name, at=now)])
            tx.commit()
        return location


@dataclass(frozen=True, slots=True)
class EditLocation:
    """Change a location. A secret that is neither given nor dropped stays as it is."""

    unit_of_work: UnitOfWorkFactory
    read_only: ReadOnlyFactory
    clock: Clock
    storages: Storages
    secret_box: SecretBox

    def __call__(
        self,
        *,
        location_id: LocationId,
        name: str,
        library: str,
        options: Mapping[str, str],
        enabled: bool,
        drop_secrets: frozenset[str] = frozenset(),
        scan_every_hours: int | None = None,
        watch: bool = False,
        actor: Actor,
    ) -> StorageLocation:
        """Return the changed location; arguments and errors are as AddLocation has them.

        Options that did not change are not checked again: a disk may be absent just now.
        """
        with self.read_only() as tx:
            before = tx.locations.get(location_id)
            sealed = tx.locations.secrets(location_id)
        kept = _opened(self.secret_box, location_id, sealed)
        wanted = {key: value for key, value in kept.items() if key not in drop_secrets}
        wanted |= {key: value for key, value in options.items() if value or key not in kept}
        plain: Mapping[str, str] = before.options
        secret: Mapping[str, str] = kept
        if wanted != {**kept, **before.options}:
            plain, secret = self.storages.check_options(before.storage_type, wanted)
        now = self.clock.now()
        with self.unit_of_work() as tx:
            location = replace(
                tx.locations.get(location_id),
                name=name,
                library_id=find_library(tx, library).id,
                options=plain,
                enabled=enabled,
                scan_every_hours=scan_every_hours,
                watch=watch,
            )
            tx.locations.save(location)
            if secret != kept:
                tx.locations.set_secrets(location_id, _sealed(self.secret_box, location_id, secret))
            tx.audit.append([actor.did("location.edit", location.name, at=now)])
            tx.commit()
        self.storages.forget(location_id)
        return location


@dataclass(frozen=True, slots=True)
class RemoveLocation:
    """Remove a location with its videos and the works that have no other."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    storages: Storages

    def __call__(self, *, location_id: LocationId, actor: Actor) -> None:
        """Raise LocationNotFound, or LocationInUse while its connection lives."""
        with self.unit_of_work() as tx:
            location = tx.locations.get(location_id)
            if location.connection_id is not None:
                state = tx.connections.get(location.connection_id).state
                if state not in (ConnectionState.REVOKED, ConnectionState.REJECTED):
                    raise LocationInUse("revoke the connection first")
            tx.locations.remove(location_id)
            tx.audit.append([actor.did("location.remove", location.name, at=self.clock.now())])
            tx.commit()
        self.storages.forget(location_id)


@dataclass(frozen=True, slots=True)
class TestLocation:
    """Ask a location whether it answers."""

    read_only: ReadOnlyFactory
    storages: Storages

    def __call__(self, *, location_id: LocationId) -> str:
        """Return in a few words what answered; raises StorageUnreachable with the reason."""
        with self.read_only() as tx:
            location = tx.locations.get(location_id)
        return self.storages.readable(location).check()


def _storage_type(name: str, storages: Storages) -> StorageType:
    addable = storages.types()
    if name == StorageType.VELOUR:
        raise OptionsInvalid("another node is added with: connection add", field="type")
    if name not in set(addable):
        raise OptionsInvalid(f"the types are: {', '.join(addable)}", field="type")
    return StorageType(name)


def _sealed(box: SecretBox, location_id: LocationId, secret: Mapping[str, str]) -> bytes | None:
    return box.seal(json.dumps(dict(secret)), place=_place(location_id)) if secret else None


def _opened(box: SecretBox, location_id: LocationId, sealed: bytes | None) -> Mapping[str, str]:
    found: Mapping[str, str] = (
        json.loads(box.open(sealed, place=_place(location_id))) if sealed else {}
    )
    return found


def _place(location_id: LocationId) -> str:
    return f"storage_location:secrets:{location_id}"
