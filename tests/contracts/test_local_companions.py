"""Side-cars that a walk of a directory tree finds beside its films."""

import pytest

from adapters.storage import local
from adapters.storage.local import LocalStorage
from ports.library.storage import FoundObject
from tests.contracts.test_local_storage import put


@pytest.fixture
def root(tmp_path):
    path = tmp_path / "films"
    path.mkdir()
    return path


@pytest.fixture
def storage(root):
    return LocalStorage(root, growing_seconds=0.3)


def walked(storage):
    return {item.locator: item for item in storage.walk() if isinstance(item, FoundObject)}


def beside(item):
    return [(one.kind.value, one.locator, one.shared) for one in item.companions]


def test_side_cars_are_found_in_the_films_folder_alone(root, storage):
    put(root, "a/film.mp4", "a/other.mkv", "a/film.nfo", "a/film.en.srt", "film-poster.jpg")
    put(root, "a/poster.jpg", "b/one.mp4", "b/poster.jpg", "b/.hidden.jpg", "b/sub/one.nfo")
    items = walked(storage)
    assert beside(items["a/film.mp4"]) == [
        ("nfo", "a/film.nfo", False),
        ("subtitle", "a/film.en.srt", False),
    ]
    assert items["a/other.mkv"].companions == ()
    assert items["a/other.mkv"].extras == ""
    assert beside(items["b/one.mp4"]) == [("poster", "b/poster.jpg", True)]
    companion = items["b/one.mp4"].companions[0]
    assert (companion.name, companion.size_bytes) == ("poster.jpg", 4)
    assert storage.stat(companion.locator).etag == companion.signature


def test_a_changed_side_car_changes_the_extras_and_not_the_signature(root, storage):
    put(root, "film.mp4", "film.nfo")
    before = walked(storage)["film.mp4"]
    assert walked(storage)["film.mp4"] == before
    put(root, "film.nfo", content=b"another")
    after = walked(storage)["film.mp4"]
    assert after.signature == before.signature
    assert len({before.extras, after.extras, ""}) == 3
    (root / "film.nfo").unlink()
    assert walked(storage)["film.mp4"].extras == ""


@pytest.mark.parametrize("entries", [7, 8, 9, 30])
def test_a_folder_that_is_read_in_parts_gives_the_same(root, storage, monkeypatch, entries):
    put(root, *(f"{number}.mp4" for number in range(entries)))
    put(root, *(f"{number}.de.srt" for number in range(0, entries, 2)), "poster.jpg")
    whole = walked(storage)
    monkeypatch.setattr(local, "AT_ONCE", 8)
    assert walked(storage) == whole
    assert [len(whole[f"{number}.mp4"].companions) for number in range(3)] == [1, 0, 1]


def test_young_films_and_links_have_theirs_too(root, storage):
    put(root, "young.mp4", old=False)
    put(root, "young.nfo", ".kept/real.mp4", "link.de.vtt")
    (root / "link.mp4").symlink_to(root / ".kept/real.mp4")
    items = walked(storage)
    assert beside(items["young.mp4"]) == [("nfo", "young.nfo", False)]
    assert beside(items["link.mp4"]) == [("subtitle", "link.de.vtt", False)]


def test_only_files_are_side_cars(root, storage, tmp_path):
    put(root, "film.mp4", "film.nfo/inner.mp4")
    put(tmp_path, "outside.srt")
    (root / "film.srt").symlink_to(tmp_path / "outside.srt")
    items = walked(storage)
    assert items["film.mp4"].companions == ()
    assert set(items) == {"film.mp4", "film.nfo/inner.mp4"}
