"""Libraries and storage locations."""

from dataclasses import replace

import pytest

from app.usecases.library.locations import (
    AddLocation,
    CreateLibrary,
    EditLocation,
    LocationInUse,
    LocationSecrets,
    NameSecrets,
    RemoveLibrary,
    RemoveLocation,
    find_library,
    find_location,
)
from app.usecases.library.locations import (
    TestLocation as AskLocation,
)
from domain.errors import AlreadyExists, Conflict, Invalid
from domain.federation.audit import CLI
from domain.federation.connection import Connection, ConnectionState, Direction
from domain.ids import ConnectionId
from domain.library.storage_location import LibraryNotFound, LocationNotFound, StorageType
from ports.library.storage import OptionsInvalid, StorageUnreachable


@pytest.fixture
def create_library(unit_of_work, clock, new_id):
    return CreateLibrary(unit_of_work, clock, new_id)


@pytest.fixture
def library(create_library):
    return create_library(name="Films", actor=CLI)


@pytest.fixture
def add(unit_of_work, clock, new_id, storages, secret_box, library):
    use_case = AddLocation(unit_of_work, clock, new_id, storages, secret_box)

    def add(name="Disk", **changes):
        wanted = {"storage_type": "local", "library": "Films", "options": {"path": "d"}}
        return use_case(name=name, actor=CLI, **(wanted | changes))

    return add


@pytest.fixture
def edit(unit_of_work, read_only, clock, storages, secret_box):
    use_case = EditLocation(unit_of_work, read_only, clock, storages, secret_box)

    def edit(location, **changes):
        wanted = {
            "name": location.name,
            "library": "Films",
            "options": dict(location.options),
            "enabled": True,
        }
        return use_case(location_id=location.id, actor=CLI, **(wanted | changes))

    return edit


def stored(read_only, location):
    with read_only() as tx:
        return tx.locations.get(location.id)


def test_a_library_has_a_name_of_its_own(create_library, library):
    with pytest.raises(AlreadyExists):
        create_library(name="Films", actor=CLI)


@pytest.mark.parametrize("name", ["", "   ", "x" * 101, "new\x07line"])
def test_a_bad_name_is_refused(create_library, name):
    with pytest.raises(Invalid):
        create_library(name=name, actor=CLI)


def test_things_are_found_by_name_and_by_id(read_only, library, add):
    location = add()
    with read_only() as tx:
        assert find_library(tx, "Films") == find_library(tx, str(library.id))
        assert find_location(tx, "Disk") == find_location(tx, str(location.id))
        for ref in ("nothing", "", "01a1c0d3-0000-7000-8000-000000000000"):
            with pytest.raises(LibraryNotFound):
                find_library(tx, ref)
            with pytest.raises(LocationNotFound):
                find_location(tx, ref)


def test_a_library_with_a_location_stays(unit_of_work, clock, library, add):
    add()
    with pytest.raises(Conflict):
        RemoveLibrary(unit_of_work, clock)(library_id=library.id, actor=CLI)


@pytest.mark.parametrize("storage_type", ["", "ftp", "LOCAL", "velour"])
def test_a_type_that_is_not_added_by_hand_is_refused(add, storage_type):
    with pytest.raises(OptionsInvalid) as caught:
        add(storage_type=storage_type)
    assert caught.value.field == "type"


def test_a_wrong_option_adds_nothing(read_only, add):
    with pytest.raises(OptionsInvalid, match="colour"):
        add(options={"path": "d", "colour": "red"})
    with read_only() as tx:
        assert tx.locations.all() == []


def test_secrets_are_sealed_and_not_among_the_options(read_only, add):
    location = add(options={"path": "d", "password": "hush"})
    assert stored(read_only, location).options == {"path": "d"}
    with read_only() as tx:
        assert tx.locations.secrets(location.id)


def test_a_secret_left_empty_stays(read_only, add, edit, secret_box):
    location = add(options={"path": "d", "password": "hush"})
    edit(location, options={"path": "e", "password": ""})
    place = f"storage_location:secrets:{location.id}"
    with read_only() as tx:
        assert "hush" in secret_box.open(tx.locations.secrets(location.id), place=place)
    assert stored(read_only, location).options == {"path": "e"}


def test_editing_makes_the_storage_anew(add, edit, read_only, storages):
    location = add()
    edit(location, name="New", enabled=False)
    assert (stored(read_only, location).name, stored(read_only, location).enabled) == ("New", False)
    assert storages.forgotten == [location.id]


def test_a_location_answers_or_says_why_not(add, read_only, storages):
    location, ask = add(), AskLocation(read_only, storages)
    assert "objects" in ask(location_id=location.id)
    storages.at("d").unreachable = "the folder does not exist"
    with pytest.raises(StorageUnreachable, match="does not exist"):
        ask(location_id=location.id)


def test_a_removed_location_is_gone(add, unit_of_work, read_only, clock, storages):
    location = add()
    RemoveLocation(unit_of_work, clock, storages)(location_id=location.id, actor=CLI)
    with read_only() as tx:
        assert tx.locations.all() == []


@pytest.mark.parametrize("state", [ConnectionState.ACTIVE, ConnectionState.SUSPENDED])
def test_a_living_connection_keeps_its_location(add, unit_of_work, clock, new_id, storages, state):
    location = add()
    connection = Connection(
        id=ConnectionId(new_id()),
        name="peer",
        direction=Direction.OUTBOUND,
        created_at=clock.now(),
        changed_at=clock.now(),
        state=state,
        remote_url="https://peer.example",
    )
    with unit_of_work() as tx:
        tx.connections.add(connection, b"sealed", b"digest")
        tx.locations.save(replace(tx.locations.get(location.id), connection_id=connection.id))
        tx.commit()
    with pytest.raises(LocationInUse):
        RemoveLocation(unit_of_work, clock, storages)(location_id=location.id, actor=CLI)


def test_every_change_is_in_the_audit_trail(audit_reader, add, edit):
    edit(add())
    actions = [row.entry.action for row in audit_reader.page(before=None, limit=9)]
    assert actions == ["location.edit", "location.add", "library.create"]


@pytest.fixture
def kept_secrets(read_only, secret_box):
    return LocationSecrets(read_only, secret_box)


def test_a_secret_is_kept_replaced_and_dropped(add, edit, kept_secrets):
    location = add(options={"path": "d", "password": "one"})
    assert NameSecrets(kept_secrets)(location.id) == {"password"}
    edit(location)
    assert kept_secrets(location.id) == {"password": "one"}
    edit(location, options={"path": "d", "password": "two"}, drop_secrets=frozenset({"password"}))
    assert kept_secrets(location.id) == {"password": "two"}
    edit(location, drop_secrets=frozenset({"password"}))
    assert kept_secrets(location.id) == {}


def test_a_location_is_scanned_by_schedule_and_watched(add, edit, read_only):
    location = add(scan_every_hours=24, watch=True)
    assert (location.scan_every_hours, location.watch) == (24, True)
    edit(location, scan_every_hours=None, watch=False)
    kept = stored(read_only, location)
    assert (kept.scan_every_hours, kept.watch) == (None, False)


@pytest.mark.parametrize("hours", [0, -1, 24 * 31 + 1])
def test_a_schedule_has_limits(add, hours):
    with pytest.raises(Invalid) as refused:
        add(scan_every_hours=hours)
    assert refused.value.field == "scan_every_hours"


def test_only_folders_of_this_machine_are_watched(add):
    location = add()
    with pytest.raises(Invalid):
        replace(location, storage_type=StorageType.WEB, watch=True)
