"""Options of storage types, and the storages of locations."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.storage.local import LocalStorage
from adapters.storage.registry import Kind, StorageRegistry, local_kind
from domain.ids import ConnectionId, LibraryId, LocationId
from domain.library.storage_location import StorageLocation, StorageType
from ports.library.storage import OptionsInvalid, StorageUnreachable


@pytest.fixture
def registry(tmp_path):
    for name in ("inside", "keys", "assets/thumbnails"):
        (tmp_path / "data" / name).mkdir(parents=True)
    return make_registry(tmp_path / "data")


def make_registry(data_dir, **kinds):
    local = local_kind(growing_seconds=0, data_dir=data_dir)
    return StorageRegistry({StorageType.LOCAL: local, **kinds}, secrets_of=lambda _location: {})


def location(new_id, storage_type=StorageType.LOCAL, **options):
    return StorageLocation(
        id=LocationId(new_id()),
        name="place",
        storage_type=storage_type,
        library_id=LibraryId(new_id()),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        options=options,
        connection_id=ConnectionId(new_id()) if storage_type is StorageType.VELOUR else None,
    )


def test_a_folder_is_a_good_option(registry, tmp_path):
    plain, secret = registry.check_options(StorageType.LOCAL, {"path": str(tmp_path)})
    assert (plain, secret) == ({"path": str(tmp_path)}, {})


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({}, "path"),
        ({"path": ""}, "path"),
        ({"path": "films"}, "path"),
        ({"path": "/nowhere/at/all"}, "path"),
        ({"path": "/etc/hostname"}, "path"),
        ({"path": "/"}, "path"),
        ({"path": "/tmp/.."}, "path"),
        ({"path": "/tmp\0"}, "path"),
        ({"path": "/" + "x" * 5000}, "path"),
        ({"path": "/tmp", "colour": "red"}, "colour"),
    ],
)
def test_a_wrong_option_is_named(registry, options, field):
    with pytest.raises(OptionsInvalid) as caught:
        registry.check_options(StorageType.LOCAL, options)
    assert caught.value.field == field
    assert field in str(caught.value)


@pytest.mark.parametrize("inside", ["data", "data/keys", "data/assets/thumbnails", "data/../data"])
def test_the_nodes_own_data_is_no_location(registry, tmp_path, inside):
    with pytest.raises(OptionsInvalid, match="own data"):
        registry.check_options(StorageType.LOCAL, {"path": str(tmp_path / inside)})


def test_only_types_that_are_added_by_hand_are_offered(registry):
    assert set(registry.types()) == {StorageType.LOCAL}
    assert set(registry.types()[StorageType.LOCAL]) == {"path"}
    with pytest.raises(OptionsInvalid):
        registry.check_options(StorageType.S3, {})


def test_a_storage_is_made_once_and_anew_after_a_change(registry, new_id, tmp_path):
    place = location(new_id, path=str(tmp_path))
    made = registry.readable(place)
    assert isinstance(made, LocalStorage)
    assert registry.readable(place) is made
    assert registry.walkable(place) is made
    registry.forget(place.id)
    assert registry.readable(place) is not made


def test_what_another_process_changed_counts_at_the_next_use(new_id, tmp_path):
    secrets, made = {"key": "old"}, []

    def make(place, given):
        made.append((dict(place.options), dict(given)))
        return object()

    kinds = {StorageType.S3: Kind(make)}
    registry = StorageRegistry(kinds, secrets_of=lambda _location: secrets)
    place = location(new_id, StorageType.S3, bucket="films")
    first = registry.readable(place)
    place.version += 1  # a scan was noted
    assert registry.readable(place) is first
    secrets["key"] = "new"
    assert registry.readable(place) is first
    place.version += 1
    second = registry.readable(place)
    place.options = {"bucket": "other"}
    place.version += 1
    assert registry.readable(place) is not second is not first
    assert made == [
        ({"bucket": "films"}, {"key": "old"}),
        ({"bucket": "films"}, {"key": "new"}),
        ({"bucket": "other"}, {"key": "new"}),
    ]


def test_other_types_are_made_by_what_the_node_hands_in(new_id, tmp_path):
    made = object()
    registry = make_registry(
        Path(tmp_path), **{StorageType.VELOUR: Kind(lambda place, secrets: made)}
    )
    assert registry.readable(location(new_id, StorageType.VELOUR)) is made
    assert registry.walkable(location(new_id, StorageType.VELOUR)) is None


def test_a_type_that_nobody_makes_is_unreachable(registry, new_id):
    with pytest.raises(StorageUnreachable):
        registry.readable(location(new_id, StorageType.WEB))
