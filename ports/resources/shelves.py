"""Folders, resources, accounts and devices, as parts of a unit of work."""

from collections.abc import Sequence
from typing import Protocol

from domain.ids import DeviceId, FolderId, ResourceId, UserId
from domain.resources.device import Device
from domain.resources.resource import Folder, Grant, Resource, ResourceAccount, StoredVersion


class Folders(Protocol):
    """Folders by id and by unique name, and who was granted them."""

    def get(self, folder_id: FolderId) -> Folder: ...
    def find_by_name(self, name: str) -> Folder | None: ...
    def all(self) -> Sequence[Folder]:
        """Return all, by name."""
        ...

    def add(self, folder: Folder) -> None:
        """Add; raises AlreadyExists for a taken name."""
        ...

    def find_granted(self, user_id: UserId, name: str) -> Folder | None:
        """Return the folder of that name if the person was granted it, or None."""
        ...

    def granted_to(self, user_id: UserId) -> Sequence[Folder]:
        """Return the folders that a person was granted, by name."""
        ...

    def grants(self, folder_id: FolderId) -> Sequence[Grant]:
        """Return who was granted a folder, the first one first."""
        ...

    def grant(self, grant: Grant) -> None:
        """Grant; granting again changes nothing."""
        ...

    def withdraw(self, folder_id: FolderId, user_id: UserId) -> None:
        """Take a grant back; one that does not exist is no error."""
        ...


class Resources(Protocol):
    """Resources by folder and name, their versions, and the small parts apart."""

    def get(self, resource_id: ResourceId) -> Resource: ...
    def find(self, folder_id: FolderId, name: str) -> Resource | None: ...
    def of(self, folder_id: FolderId) -> Sequence[tuple[Resource, StoredVersion]]:
        """Return a folder's resources with their current versions, by name."""
        ...

    def add(self, resource: Resource) -> None:
        """Add; raises AlreadyExists for a name that is taken in its folder, or a taken id."""
        ...

    def save(self, resource: Resource) -> None: ...
    def find_version(self, resource_id: ResourceId, number: int) -> StoredVersion | None: ...
    def versions(self) -> Sequence[tuple[Resource, StoredVersion]]:
        """Return every version of every resource, replaced ones too."""
        ...

    def add_version(self, stored: StoredVersion, small: bytes) -> None:
        """Add a version with its small part, and mark those before it as replaced by then."""
        ...

    def small(self, resource_id: ResourceId, number: int) -> bytes:
        """Return a small part; raises ResourceNotFound."""
        ...

    def set_sealed_key(self, resource_id: ResourceId, number: int, sealed_key: bytes) -> None: ...
    def remove_version(self, resource_id: ResourceId, number: int) -> None: ...


class ResourceAccounts(Protocol):
    """What people may do with resources."""

    def find(self, user_id: UserId) -> ResourceAccount:
        """Return a person's account; one of the role NONE and version 0 where there is none."""
        ...

    def all(self) -> Sequence[ResourceAccount]: ...
    def put(self, account: ResourceAccount) -> None:
        """Write an account, and count its version up; raises StaleWrite."""
        ...


class Devices(Protocol):
    """The one device of each person, and which of the node's exchange keys it was told."""

    def get(self, device_id: DeviceId) -> Device: ...
    def find_of(self, user_id: UserId) -> Device | None: ...
    def all(self) -> Sequence[Device]:
        """Return all, the newest first."""
        ...

    def put(self, device: Device, *, exchange: int) -> None:
        """Add or replace; raises AlreadyExists where the person has another device."""
        ...

    def exchange(self, device_id: DeviceId) -> int:
        """Return the version of the key that the device was told; raises DeviceNotFound."""
        ...

    def remove(self, device_id: DeviceId) -> None:
        """Remove; raises DeviceNotFound."""
        ...
