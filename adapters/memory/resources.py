"""Folders, resources and their versions, accounts and devices, in dictionaries."""

import copy
from collections.abc import Sequence
from dataclasses import replace

from adapters.memory.database import Tables
from adapters.memory.versions import save
from domain.errors import AlreadyExists, StaleWrite
from domain.ids import DeviceId, FolderId, ResourceId, UserId
from domain.resources.device import Device
from domain.resources.errors import DeviceNotFound
from domain.resources.resource import (
    Folder,
    FolderNotFound,
    Grant,
    Resource,
    ResourceAccount,
    ResourceNotFound,
    StoredVersion,
)


class MemoryFolders:
    """Folders, and who was granted them."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, folder_id: FolderId) -> Folder:
        folder = self._tables.folders.get(folder_id)
        if folder is None:
            raise FolderNotFound
        return copy.deepcopy(folder)

    def find_by_name(self, name: str) -> Folder | None:
        return next((folder for folder in self.all() if folder.name == name), None)

    def all(self) -> Sequence[Folder]:
        rows = sorted(self._tables.folders.values(), key=lambda folder: folder.name)
        return copy.deepcopy(rows)

    def add(self, folder: Folder) -> None:
        if self.find_by_name(folder.name) is not None:
            raise AlreadyExists("there is a folder of that name")
        self._tables.folders[folder.id] = copy.deepcopy(folder)

    def find_granted(self, user_id: UserId, name: str) -> Folder | None:
        return next((one for one in self.granted_to(user_id) if one.name == name), None)

    def granted_to(self, user_id: UserId) -> Sequence[Folder]:
        return [one for one in self.all() if (one.id, user_id) in self._tables.folder_grants]

    def grants(self, folder_id: FolderId) -> Sequence[Grant]:
        rows = [one for one in self._tables.folder_grants.values() if one.folder_id == folder_id]
        return sorted(rows, key=lambda grant: (grant.granted_at, grant.user_id))

    def grant(self, grant: Grant) -> None:
        self._tables.folder_grants.setdefault((grant.folder_id, grant.user_id), grant)

    def withdraw(self, folder_id: FolderId, user_id: UserId) -> None:
        self._tables.folder_grants.pop((folder_id, user_id), None)


class MemoryResources:
    """Resources, their versions, and the small parts."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, resource_id: ResourceId) -> Resource:
        resource = self._tables.resources.get(resource_id)
        if resource is None:
            raise ResourceNotFound
        return copy.deepcopy(resource)

    def find(self, folder_id: FolderId, name: str) -> Resource | None:
        for resource in self._tables.resources.values():
            if (resource.folder_id, resource.name) == (folder_id, name):
                return copy.deepcopy(resource)
        return None

    def of(self, folder_id: FolderId) -> Sequence[tuple[Resource, StoredVersion]]:
        here = [
            (resource, stored)
            for resource, stored in self.versions()
            if resource.folder_id == folder_id and stored.number == resource.current
        ]
        return sorted(here, key=lambda pair: pair[0].name)

    def add(self, resource: Resource) -> None:
        is_taken = self.find(resource.folder_id, resource.name) is not None
        if is_taken or resource.id in self._tables.resources:
            raise AlreadyExists("there is a file of that name in the folder")
        self._tables.resources[resource.id] = copy.deepcopy(resource)

    def save(self, resource: Resource) -> None:
        save(self._tables.resources, resource.id, resource, ResourceNotFound)

    def find_version(self, resource_id: ResourceId, number: int) -> StoredVersion | None:
        return self._tables.resource_versions.get((resource_id, number))

    def versions(self) -> Sequence[tuple[Resource, StoredVersion]]:
        rows = self._tables.resource_versions.values()
        return [(self.get(stored.resource_id), stored) for stored in rows]

    def add_version(self, stored: StoredVersion, small: bytes) -> None:
        versions = self._tables.resource_versions
        key = (stored.resource_id, stored.number)
        if key in versions:
            raise AlreadyExists("there is this version already")
        for other in list(versions.values()):
            is_before = other.resource_id == stored.resource_id and other.number < stored.number
            if is_before and other.replaced_at is None:
                replaced = replace(other, replaced_at=stored.created_at)
                versions[other.resource_id, other.number] = replaced
        versions[key] = stored
        self._tables.resource_smalls[key] = small

    def small(self, resource_id: ResourceId, number: int) -> bytes:
        small = self._tables.resource_smalls.get((resource_id, number))
        if small is None:
            raise ResourceNotFound
        return small

    def set_sealed_key(self, resource_id: ResourceId, number: int, sealed_key: bytes) -> None:
        found = self.find_version(resource_id, number)
        if found is not None:
            changed = replace(found, sealed_key=sealed_key)
            self._tables.resource_versions[resource_id, number] = changed

    def remove_version(self, resource_id: ResourceId, number: int) -> None:
        self._tables.resource_versions.pop((resource_id, number), None)
        self._tables.resource_smalls.pop((resource_id, number), None)


class MemoryResourceAccounts:
    """What people may do with resources."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def find(self, user_id: UserId) -> ResourceAccount:
        found = self._tables.resource_accounts.get(user_id)
        return ResourceAccount(id=user_id) if found is None else copy.deepcopy(found)

    def all(self) -> Sequence[ResourceAccount]:
        return copy.deepcopy(list(self._tables.resource_accounts.values()))

    def put(self, account: ResourceAccount) -> None:
        if self.find(account.id).version != account.version:
            raise StaleWrite
        account.version += 1
        self._tables.resource_accounts[account.id] = copy.deepcopy(account)


class MemoryDevices:
    """The one device of each person."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def get(self, device_id: DeviceId) -> Device:
        if device_id not in self._tables.devices:
            raise DeviceNotFound
        return self._tables.devices[device_id][0]

    def find_of(self, user_id: UserId) -> Device | None:
        return next((one for one in self.all() if one.user_id == user_id), None)

    def all(self) -> Sequence[Device]:
        rows = [device for device, _ in self._tables.devices.values()]
        return sorted(rows, key=lambda device: (device.bound_at, device.id), reverse=True)

    def put(self, device: Device, *, exchange: int) -> None:
        other = self.find_of(device.user_id)
        if other is not None and other.id != device.id:
            raise AlreadyExists("this person has another device")
        self._tables.devices[device.id] = device, exchange

    def exchange(self, device_id: DeviceId) -> int:
        self.get(device_id)
        return self._tables.devices[device_id][1]

    def remove(self, device_id: DeviceId) -> None:
        self.get(device_id)
        del self._tables.devices[device_id]
