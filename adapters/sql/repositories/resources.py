"""Folders, resources and their versions, accounts and devices."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from adapters.sql import schema
from adapters.sql.mapper import RowMapper
from adapters.sql.repositories.people import insert_or_replace
from adapters.sql.repositories.table import VersionedTable, unique
from domain.errors import StaleWrite
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

FOLDER = RowMapper(Folder, schema.folder)
GRANT = RowMapper(Grant, schema.folder_grant)
RESOURCE = RowMapper(Resource, schema.resource)
VERSION = RowMapper(StoredVersion, schema.resource_version)
ACCOUNT = RowMapper(ResourceAccount, schema.resource_account)
DEVICE = RowMapper(Device, schema.device)


class SqlFolders:
    """Folders, and who was granted them."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._table = VersionedTable(connection, schema.folder, FOLDER, FolderNotFound)

    def get(self, folder_id: FolderId) -> Folder:
        return self._table.get(folder_id)

    def find_by_name(self, name: str) -> Folder | None:
        return self._table.first(schema.folder.c.name == name)

    def all(self) -> Sequence[Folder]:
        return _by_name(self._table.list(self._table.select))

    def add(self, folder: Folder) -> None:
        with self._table.unique("there is a folder of that name"):
            self._table.insert(folder)

    def find_granted(self, user_id: UserId, name: str) -> Folder | None:
        is_granted = schema.folder.c.id.in_(_granted(user_id))
        return self._table.first((schema.folder.c.name == name) & is_granted)

    def granted_to(self, user_id: UserId) -> Sequence[Folder]:
        granted = self._table.select.where(schema.folder.c.id.in_(_granted(user_id)))
        return _by_name(self._table.list(granted))

    def grants(self, folder_id: FolderId) -> Sequence[Grant]:
        table = schema.folder_grant
        query = sa.select(*GRANT.columns).where(table.c.folder_id == folder_id)
        rows = self._connection.execute(query.order_by(table.c.granted_at, table.c.user_id))
        return [GRANT.load(row) for row in rows]

    def grant(self, grant: Grant) -> None:
        table = schema.folder_grant
        mine = (table.c.folder_id == grant.folder_id) & (table.c.user_id == grant.user_id)
        if self._connection.execute(sa.select(table.c.user_id).where(mine)).first() is None:
            insert_or_replace(self._connection, table, GRANT.dump(grant))

    def withdraw(self, folder_id: FolderId, user_id: UserId) -> None:
        table = schema.folder_grant
        mine = (table.c.folder_id == folder_id) & (table.c.user_id == user_id)
        self._connection.execute(sa.delete(table).where(mine))


class SqlResources:
    """Resources, their versions, and the small parts."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._table = VersionedTable(connection, schema.resource, RESOURCE, ResourceNotFound)

    def get(self, resource_id: ResourceId) -> Resource:
        return self._table.get(resource_id)

    def find(self, folder_id: FolderId, name: str) -> Resource | None:
        columns = schema.resource.c
        return self._table.first((columns.folder_id == folder_id) & (columns.name == name))

    def of(self, folder_id: FolderId) -> Sequence[tuple[Resource, StoredVersion]]:
        table, version = schema.resource, schema.resource_version
        here = (table.c.folder_id == folder_id) & (version.c.number == table.c.current)
        return sorted(self._pairs(here), key=lambda pair: pair[0].name)

    def add(self, resource: Resource) -> None:
        with self._table.unique("there is a file of that name in the folder"):
            self._table.insert(resource)

    def save(self, resource: Resource) -> None:
        self._table.update(resource)

    def find_version(self, resource_id: ResourceId, number: int) -> StoredVersion | None:
        row = self._connection.execute(
            sa.select(*VERSION.columns).where(_one(schema.resource_version, resource_id, number))
        ).first()
        return None if row is None else VERSION.load(row)

    def versions(self) -> Sequence[tuple[Resource, StoredVersion]]:
        return self._pairs(sa.true())

    def add_version(self, stored: StoredVersion, small: bytes) -> None:
        table = schema.resource_version
        with self._table.unique("there is this version already"):
            self._connection.execute(sa.insert(table), VERSION.dump(stored))
        content = {"resource_id": stored.resource_id, "number": stored.number, "content": small}
        self._connection.execute(sa.insert(schema.resource_small), content)
        before = (table.c.resource_id == stored.resource_id) & (table.c.number < stored.number)
        self._connection.execute(
            sa.update(table)
            .where(before & table.c.replaced_at.is_(None))
            .values(replaced_at=stored.created_at)
        )

    def small(self, resource_id: ResourceId, number: int) -> bytes:
        table = schema.resource_small
        query = sa.select(table.c.content).where(_one(table, resource_id, number))
        content = self._connection.scalar(query)
        if content is None:
            raise ResourceNotFound
        return bytes(content)

    def set_sealed_key(self, resource_id: ResourceId, number: int, sealed_key: bytes) -> None:
        table = schema.resource_version
        mine = sa.update(table).where(_one(table, resource_id, number))
        self._connection.execute(mine.values(sealed_key=sealed_key))

    def remove_version(self, resource_id: ResourceId, number: int) -> None:
        for table in (schema.resource_small, schema.resource_version):
            self._connection.execute(sa.delete(table).where(_one(table, resource_id, number)))

    def _pairs(self, where: sa.ColumnElement[bool]) -> list[tuple[Resource, StoredVersion]]:
        table, version = schema.resource, schema.resource_version
        query = (
            sa.select(*RESOURCE.columns, *VERSION.columns)
            .join_from(table, version, version.c.resource_id == table.c.id)
            .where(where)
        )
        width = len(RESOURCE.columns)
        return [
            (RESOURCE.load(row[:width]), VERSION.load(row[width:]))
            for row in self._connection.execute(query)
        ]


class SqlResourceAccounts:
    """What people may do with resources."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def find(self, user_id: UserId) -> ResourceAccount:
        query = sa.select(*ACCOUNT.columns).where(schema.resource_account.c.id == user_id)
        row = self._connection.execute(query).first()
        return ResourceAccount(id=user_id) if row is None else ACCOUNT.load(row)

    def all(self) -> Sequence[ResourceAccount]:
        rows = self._connection.execute(sa.select(*ACCOUNT.columns))
        return [ACCOUNT.load(row) for row in rows]

    def put(self, account: ResourceAccount) -> None:
        if self.find(account.id).version != account.version:
            raise StaleWrite
        account.version += 1
        insert_or_replace(self._connection, schema.resource_account, ACCOUNT.dump(account))


class SqlDevices:
    """The one device of each person."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, device_id: DeviceId) -> Device:
        found = self._first(schema.device.c.id == device_id)
        if found is None:
            raise DeviceNotFound
        return found

    def find_of(self, user_id: UserId) -> Device | None:
        return self._first(schema.device.c.user_id == user_id)

    def all(self) -> Sequence[Device]:
        newest_first = sa.select(*DEVICE.columns).order_by(
            schema.device.c.bound_at.desc(), schema.device.c.id.desc()
        )
        return [DEVICE.load(row) for row in self._connection.execute(newest_first)]

    def put(self, device: Device, *, exchange: int) -> None:
        with unique(self._connection, "this person has another device"):
            values = DEVICE.dump(device) | {"exchange": exchange}
            insert_or_replace(self._connection, schema.device, values)

    def exchange(self, device_id: DeviceId) -> int:
        query = sa.select(schema.device.c.exchange).where(schema.device.c.id == device_id)
        found = self._connection.scalar(query)
        if found is None:
            raise DeviceNotFound
        return int(found)

    def remove(self, device_id: DeviceId) -> None:
        mine = schema.device.c.id == device_id
        if self._connection.execute(sa.delete(schema.device).where(mine)).rowcount != 1:
            raise DeviceNotFound

    def _first(self, where: sa.ColumnElement[bool]) -> Device | None:
        row = self._connection.execute(sa.select(*DEVICE.columns).where(where)).first()
        return None if row is None else DEVICE.load(row)


def _by_name(folders: Sequence[Folder]) -> Sequence[Folder]:
    return sorted(folders, key=lambda folder: folder.name)


def _granted(user_id: UserId) -> sa.Select[tuple[FolderId]]:
    table = schema.folder_grant
    return sa.select(table.c.folder_id).where(table.c.user_id == user_id)


def _one(table: sa.Table, resource_id: ResourceId, number: int) -> sa.ColumnElement[bool]:
    return (table.c.resource_id == resource_id) & (table.c.number == number)
