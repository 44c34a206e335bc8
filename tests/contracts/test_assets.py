"""Every asset store keeps derived files by name."""

from uuid import UUID

import pytest

from adapters.media.assets import FileAssetStore
from adapters.memory.media import MemoryAssetStore
from domain.errors import Invalid

NAME = f"thumbnails/{UUID(int=7)}.webp"


@pytest.fixture(params=["memory", "file"])
def store(request, tmp_path):
    return MemoryAssetStore() if request.param == "memory" else FileAssetStore(tmp_path / "assets")


def test_what_was_put_is_found(store):
    assert store.find(NAME) is None
    assert not store.has(NAME)
    store.put(NAME, b"one")
    assert store.find(NAME) == b"one"
    assert store.has(NAME)


def test_a_second_put_replaces(store):
    store.put(NAME, b"one")
    store.put(NAME, b"two")
    assert store.find(NAME) == b"two"


def test_an_empty_asset_is_an_asset(store):
    store.put(NAME, b"")
    assert store.find(NAME) == b""


def test_what_was_removed_is_gone_and_removing_twice_is_fine(store):
    store.put(NAME, b"one")
    store.remove(NAME)
    store.remove(NAME)
    assert store.find(NAME) is None


@pytest.mark.parametrize(
    "name",
    ["", "x", "../x.webp", "thumbnails/../../etc/passwd", f"/thumbnails/{UUID(int=7)}.webp",
     f"thumbnails/{UUID(int=7)}.webp/x", f"thumb\0nails/{UUID(int=7)}.webp",
     f"thumbnails/{UUID(int=7)}.webp\n"],
)  # fmt: skip
def test_files_are_never_kept_elsewhere(tmp_path, name):
    with pytest.raises(Invalid):
        FileAssetStore(tmp_path).put(name, b"x")


def test_no_unfinished_files_are_left(tmp_path):
    store = FileAssetStore(tmp_path)
    for number in range(20):
        store.put(NAME, bytes(number))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"{UUID(int=7)}.webp"]
