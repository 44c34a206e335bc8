"""Folders, resources, accounts and devices, in every database."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import AlreadyExists, StaleWrite
from domain.people import Role, User
from domain.resources.device import Device, Fingerprint
from domain.resources.errors import DeviceNotFound
from domain.resources.resource import (
    Folder,
    FolderNotFound,
    Grant,
    Resource,
    ResourceNotFound,
    StoredVersion,
)
from domain.resources.roles import ResourceRole


class Shelf:
    """Makes rows, each in a transaction of its own."""

    def __init__(self, backend, clock, new_id):
        self.backend, self.clock, self.new_id = backend, clock, new_id

    def write(self, do):
        with self.backend.unit_of_work() as tx:
            found = do(tx)
            tx.commit()
        return found

    def read(self, do):
        with self.backend.read_only() as tx:
            return do(tx)

    def user(self, name="ann"):
        user = User(
            id=self.new_id(), username=name, email=f"{name}@example.org", password_hash="x",
            role=Role.USER, created_at=self.clock.now(),
        )  # fmt: skip
        self.write(lambda tx: tx.users.add(user))
        return user

    def folder(self, name="Models"):
        folder = Folder(id=self.new_id(), name=name, created_at=self.clock.now())
        self.write(lambda tx: tx.folders.add(folder))
        return folder

    def resource(self, folder, name="a.bin"):
        resource = Resource(
            id=self.new_id(), folder_id=folder.id, name=name, created_at=self.clock.now()
        )
        self.write(lambda tx: tx.resources.add(resource))
        return resource

    def version(self, resource, number, small=b"small"):
        stored = StoredVersion(
            resource_id=resource.id, number=number, plaintext_size=10, small_size=len(small),
            big_size=5, small_sha256=b"s" * 32, big_sha256=b"b" * 32, key_id=1, sealed_key=b"k",
            created_at=self.clock.now(),
        )  # fmt: skip

        def add(tx):
            tx.resources.add_version(stored, small)
            found = tx.resources.get(resource.id)
            found.switch_to(number)
            tx.resources.save(found)

        self.write(add)
        return stored

    def device(self, user, **changes):
        device = Device(
            id=self.new_id(), user_id=user.id, public_key=b"p" * 32,
            fingerprint=Fingerprint(cpu="0" * 64, memory="1" * 64), bound_at=self.clock.now(),
        )  # fmt: skip
        return replace(device, **changes)


@pytest.fixture
def shelf(backend, clock, new_id):
    return Shelf(backend, clock, new_id)


def test_folders_have_unique_names_and_an_order(shelf):
    second, first = shelf.folder("b"), shelf.folder("a")

    assert shelf.read(lambda tx: tx.folders.all()) == [first, second]
    assert shelf.read(lambda tx: tx.folders.find_by_name("b")) == second
    assert shelf.read(lambda tx: tx.folders.get(first.id)) == first
    with pytest.raises(AlreadyExists):
        shelf.folder("a")
    with pytest.raises(FolderNotFound):
        shelf.read(lambda tx: tx.folders.get(shelf.new_id()))


def test_a_folder_is_seen_by_those_it_was_granted(shelf):
    ann, ben, folder = shelf.user("ann"), shelf.user("ben"), shelf.folder()
    grant = Grant(folder_id=folder.id, user_id=ann.id, granted_at=shelf.clock.now())
    shelf.write(lambda tx: tx.folders.grant(grant))
    shelf.clock.forward(days=1)
    later = replace(grant, granted_at=shelf.clock.now())
    shelf.write(lambda tx: tx.folders.grant(later))

    assert shelf.read(lambda tx: tx.folders.grants(folder.id)) == [grant]
    assert shelf.read(lambda tx: tx.folders.granted_to(ann.id)) == [folder]
    assert shelf.read(lambda tx: tx.folders.granted_to(ben.id)) == []
    assert shelf.read(lambda tx: tx.folders.find_granted(ann.id, "Models")) == folder
    assert shelf.read(lambda tx: tx.folders.find_granted(ben.id, "Models")) is None
    assert shelf.read(lambda tx: tx.folders.find_granted(ann.id, "Other")) is None

    shelf.write(lambda tx: tx.folders.withdraw(folder.id, ann.id))
    shelf.write(lambda tx: tx.folders.withdraw(folder.id, ann.id))
    assert shelf.read(lambda tx: tx.folders.granted_to(ann.id)) == []


def test_names_are_unique_in_their_folder_only(shelf):
    one, other = shelf.folder("one"), shelf.folder("other")
    first = shelf.resource(one)
    second = shelf.resource(other)

    assert shelf.read(lambda tx: tx.resources.find(one.id, "a.bin")) == first
    assert shelf.read(lambda tx: tx.resources.find(other.id, "a.bin")) == second
    assert shelf.read(lambda tx: tx.resources.find(one.id, "b.bin")) is None
    with pytest.raises(AlreadyExists):
        shelf.resource(one)
    taken = replace(first, name="b.bin")
    with pytest.raises(AlreadyExists):
        shelf.write(lambda tx: tx.resources.add(taken))


def test_a_new_version_replaces_those_before(shelf):
    folder = shelf.folder()
    resource = shelf.resource(folder)
    empty = shelf.resource(folder, "empty.bin")
    first = shelf.version(resource, 1, b"one")
    shelf.clock.forward(hours=1)
    second = shelf.version(resource, 5, b"five!")

    old = shelf.read(lambda tx: tx.resources.find_version(resource.id, 1))
    assert old == replace(first, replaced_at=second.created_at)
    assert shelf.read(lambda tx: tx.resources.find_version(resource.id, 5)) == second
    assert shelf.read(lambda tx: tx.resources.find_version(resource.id, 2)) is None
    ((current, stored),) = shelf.read(lambda tx: tx.resources.of(folder.id))
    assert (current.id, current.current, stored) == (resource.id, 5, second)
    assert shelf.read(lambda tx: tx.resources.small(resource.id, 1)) == b"one"
    assert shelf.read(lambda tx: tx.resources.small(resource.id, 5)) == b"five!"
    assert len(shelf.read(lambda tx: tx.resources.versions())) == 2
    with pytest.raises(AlreadyExists):
        shelf.version(resource, 5)

    shelf.clock.forward(hours=1)
    shelf.version(resource, 6)
    kept = shelf.read(lambda tx: tx.resources.find_version(resource.id, 1))
    assert kept.replaced_at == second.created_at, "the first time counts"

    shelf.write(lambda tx: tx.resources.remove_version(resource.id, 1))
    with pytest.raises(ResourceNotFound):
        shelf.read(lambda tx: tx.resources.small(resource.id, 1))
    assert shelf.read(lambda tx: tx.resources.find_version(resource.id, 1)) is None
    with pytest.raises(ResourceNotFound):
        shelf.read(lambda tx: tx.resources.small(empty.id, 1))


def test_a_data_key_is_sealed_anew(shelf):
    resource = shelf.resource(shelf.folder())
    shelf.version(resource, 1)
    shelf.write(lambda tx: tx.resources.set_sealed_key(resource.id, 1, b"new"))

    assert shelf.read(lambda tx: tx.resources.find_version(resource.id, 1)).sealed_key == b"new"


def test_two_writers_of_one_resource_do_not_both_win(shelf):
    resource = shelf.resource(shelf.folder())
    shelf.version(resource, 1)
    resource.switch_to(2)
    with pytest.raises(StaleWrite):
        shelf.write(lambda tx: tx.resources.save(resource))


def test_an_account_that_nobody_wrote_has_no_role(shelf):
    ann = shelf.user()
    account = shelf.read(lambda tx: tx.resource_accounts.find(ann.id))
    assert (account.role, account.version) == (ResourceRole.NONE, 0)

    account.role = ResourceRole.OPERATOR
    shelf.write(lambda tx: tx.resource_accounts.put(account))
    assert account.version == 1
    assert shelf.read(lambda tx: tx.resource_accounts.find(ann.id)) == account
    account.role = ResourceRole.API_ADMIN
    shelf.write(lambda tx: tx.resource_accounts.put(account))
    assert shelf.read(lambda tx: tx.resource_accounts.all()) == [account]
    stale = replace(account, version=1)
    with pytest.raises(StaleWrite):
        shelf.write(lambda tx: tx.resource_accounts.put(stale))


def test_a_person_has_one_device(shelf):
    ann, ben = shelf.user("ann"), shelf.user("ben")
    device = shelf.device(ann)
    shelf.write(lambda tx: tx.devices.put(device, exchange=1))
    shelf.clock.forward(hours=1)
    other = shelf.device(ben)
    shelf.write(lambda tx: tx.devices.put(other, exchange=2))

    assert shelf.read(lambda tx: tx.devices.get(device.id)) == device
    assert shelf.read(lambda tx: tx.devices.find_of(ann.id)) == device
    assert shelf.read(lambda tx: tx.devices.all()) == [other, device]
    assert shelf.read(lambda tx: tx.devices.exchange(other.id)) == 2
    with pytest.raises(AlreadyExists):
        shelf.write(lambda tx: tx.devices.put(shelf.device(ann), exchange=1))

    shelf.write(lambda tx: tx.devices.put(device, exchange=3))
    assert shelf.read(lambda tx: tx.devices.exchange(device.id)) == 3
    shelf.write(lambda tx: tx.devices.remove(device.id))
    assert shelf.read(lambda tx: tx.devices.find_of(ann.id)) is None
    for call in ("get", "remove", "exchange"):
        with pytest.raises(DeviceNotFound):
            shelf.write(lambda tx, call=call: getattr(tx.devices, call)(device.id))


def test_with_a_person_go_grants_role_and_device(shelf):
    ann, folder = shelf.user(), shelf.folder()

    def give(tx):
        tx.folders.grant(Grant(folder_id=folder.id, user_id=ann.id, granted_at=shelf.clock.now()))
        account = tx.resource_accounts.find(ann.id)
        account.role = ResourceRole.ADMIN
        tx.resource_accounts.put(account)
        tx.devices.put(shelf.device(ann), exchange=1)

    shelf.write(give)
    shelf.write(lambda tx: tx.users.remove(ann.id))

    assert shelf.read(lambda tx: tx.folders.grants(folder.id)) == []
    assert shelf.read(lambda tx: tx.resource_accounts.all()) == []
    assert shelf.read(lambda tx: tx.devices.all()) == []


def test_versions_past_their_day_are_over(shelf):
    stored = shelf.version(shelf.resource(shelf.folder()), 1)
    replaced = replace(stored, replaced_at=shelf.clock.now())

    assert not stored.is_over(shelf.clock.now() + timedelta(days=400))
    assert not replaced.is_over(shelf.clock.now() + timedelta(hours=23))
    assert replaced.is_over(shelf.clock.now() + timedelta(hours=24))
