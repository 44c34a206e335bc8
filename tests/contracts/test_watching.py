"""Watching folders, on the real file system."""

import time

import pytest

from adapters.storage.watching import WatchdogWatcher
from tests.films import age


class Hands:
    """A clock that a test turns."""

    def __init__(self):
        self.time = 0.0

    def __call__(self):
        return self.time


@pytest.fixture
def hands():
    return Hands()


@pytest.fixture
def watcher(hands):
    watcher = WatchdogWatcher(monotonic=hands)
    yield watcher
    watcher.close()
    watcher.close()


def settled_after(watcher, hands, change):
    """Return what is settled once the system had time to tell of a change."""
    change()
    time.sleep(0.3)
    hands.time += 11
    return list(watcher.settled())


def test_a_new_film_is_noticed_once_it_is_quiet(watcher, hands, tmp_path, new_id):
    key = new_id()
    assert watcher.keep({key: str(tmp_path)}) == {}
    assert watcher.settled() == []
    (tmp_path / "film.mp4").write_bytes(b"x")
    time.sleep(0.3)
    assert watcher.settled() == []
    hands.time += 11
    assert list(watcher.settled()) == [key]
    assert watcher.settled() == []


def test_a_folder_that_is_never_quiet_is_told_of_all_the_same(watcher, hands, tmp_path, new_id):
    key = new_id()
    watcher.keep({key: str(tmp_path)})
    for number in range(40):
        (tmp_path / f"{number}.mp4").write_bytes(b"x")
        time.sleep(0.02)
        hands.time += 9
    time.sleep(0.3)
    assert list(watcher.settled()) == [key]


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / "deep" / "film.mkv").unlink(),
        lambda folder: (folder / "deep" / "film.nfo").write_text("<movie/>"),
        lambda folder: (folder / "deep").rename(folder / "other"),
        lambda folder: (folder / "new folder").mkdir(),
    ],
)
def test_changes_below_and_beside_count(watcher, hands, tmp_path, new_id, change):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "film.mkv").write_bytes(b"x")
    age(tmp_path / "deep" / "film.mkv")
    key = new_id()
    watcher.keep({key: str(tmp_path)})
    assert settled_after(watcher, hands, lambda: change(tmp_path)) == [key]


def test_other_files_do_not_count(watcher, hands, tmp_path, new_id):
    watcher.keep({new_id(): str(tmp_path)})
    assert settled_after(watcher, hands, lambda: (tmp_path / "notes.txt").write_text("x")) == []


def test_what_is_not_kept_is_not_watched(watcher, hands, tmp_path, new_id):
    first, second = new_id(), new_id()
    watcher.keep({first: str(tmp_path), second: str(tmp_path)})
    watcher.keep({second: str(tmp_path)})
    film = tmp_path / "film.mp4"
    assert settled_after(watcher, hands, lambda: film.write_bytes(b"x")) == [second]
    watcher.keep({})
    assert settled_after(watcher, hands, film.unlink) == []


def test_a_disk_that_comes_back_counts_as_changed(watcher, hands, tmp_path, new_id):
    key, folder = new_id(), tmp_path / "disk"
    folder.mkdir()
    watcher.keep({key: str(folder)})
    assert settled_after(watcher, hands, lambda: None) == []
    folder.rename(tmp_path / "away")
    watcher.keep({key: str(folder)})
    hands.time += 11
    watcher.settled()
    (tmp_path / "away").rename(folder)
    assert settled_after(watcher, hands, lambda: watcher.keep({key: str(folder)})) == [key]
    assert settled_after(watcher, hands, lambda: watcher.keep({key: str(folder)})) == []


def test_an_absent_folder_is_told_and_watched_when_it_is_there(watcher, hands, tmp_path, new_id):
    key, folder = new_id(), tmp_path / "disk"
    assert watcher.keep({key: str(folder)}) == {key: "the folder does not exist"}
    folder.mkdir()
    assert watcher.keep({key: str(folder)}) == {}
    assert settled_after(watcher, hands, lambda: (folder / "a.mp4").write_bytes(b"x")) == [key]
    (folder / "a.mp4").unlink()
    folder.rmdir()
    assert watcher.keep({key: str(folder)}) == {key: "the folder does not exist"}
