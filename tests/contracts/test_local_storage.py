"""Walking and reading directory trees, hostile ones too."""

import os
import tempfile
import threading
import time
from pathlib import Path

import pytest

from adapters.storage.local import LocalStorage
from ports.library.storage import (
    FoundObject,
    GrowingObject,
    ObjectChanged,
    ObjectNotFound,
    StorageEmpty,
    StorageUnreachable,
    UnreadableObject,
)
from tests.films import age

NOBODY = 65534


@pytest.fixture
def locked_root():
    """A root on which permissions count: they do not stop the superuser."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o777)
        was = os.geteuid()
        if was == 0:
            os.seteuid(NOBODY)
        try:
            (path / "films").mkdir()
            yield path / "films"
        finally:
            os.seteuid(was)


@pytest.fixture
def root(tmp_path):
    path = tmp_path / "films"
    path.mkdir()
    return path


@pytest.fixture
def storage(root):
    return LocalStorage(root, growing_seconds=0.3)


def put(root, *names, content=b"film", old=True):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if old:
            age(path)


def found(storage):
    return {item.locator for item in storage.walk() if isinstance(item, FoundObject)}


def test_videos_are_found_at_any_depth_and_nothing_else_is(root, storage):
    put(root, "a.mp4", "b/c.MKV", "b/d/e/f.webm", "g.MP4", "poster.jpg", "a.nfo", "notes", "a.srt")
    assert found(storage) == {"a.mp4", "b/c.MKV", "b/d/e/f.webm", "g.MP4"}


def test_hidden_and_partial_files_are_left_out(root, storage):
    put(root, "film.mp4", ".hidden.mp4", ".folder/film.mp4", "film.mp4.part", "x.mkv.crdownload")
    put(root, "film.part.mp4", "y.tmp", "film.tmp.mp4", "lost+found/z.mp4", "part one.mp4")
    assert found(storage) == {"film.mp4", "part one.mp4"}


def test_an_unchanged_file_keeps_its_signature_and_a_changed_one_does_not(root, storage):
    def signature():
        return next(iter(storage.walk())).signature

    put(root, "film.mp4")
    first = signature()
    assert signature() == first
    assert storage.stat("film.mp4").etag == first
    (root / "film.mp4").write_bytes(b"FILM")
    age(root / "film.mp4", seconds=60)
    assert signature() != first


def test_a_file_from_the_future_is_found_unless_it_grows(root, storage):
    for name in ("future.mp4", "growing.mp4"):
        put(root, name)
        os.utime(root / name, (4_000_000_000, 4_000_000_000))
    done = threading.Event()

    def grow():
        while not done.wait(0.05):
            with (root / "growing.mp4").open("ab") as file:
                file.write(b"x")
            os.utime(root / "growing.mp4", (4_000_000_000, 4_000_000_000))

    writer = threading.Thread(target=grow)
    writer.start()
    items = list(storage.walk())
    done.set()
    writer.join()
    assert [item.locator for item in items if isinstance(item, FoundObject)] == ["future.mp4"]
    assert GrowingObject("growing.mp4") in items
    again = {item.locator: item.signature for item in storage.walk()}
    assert again["future.mp4"] == items[0].signature


def test_a_young_file_is_found_once_it_rests(root, storage):
    put(root, "young.mp4", old=False)
    assert found(storage) == {"young.mp4"}


def test_a_file_that_grows_is_named_as_such(root):
    storage = LocalStorage(root, growing_seconds=0.5)
    put(root, "old.mp4")
    over = threading.Event()

    def grow():
        with (root / "grows.mp4").open("ab", buffering=0) as file:
            while not over.wait(0.02):
                file.write(b"more")

    writer = threading.Thread(target=grow)
    writer.start()
    time.sleep(0.05)
    items = list(storage.walk())
    over.set()
    writer.join()
    assert GrowingObject("grows.mp4") in items
    assert [item.locator for item in items if isinstance(item, FoundObject)] == ["old.mp4"]


def test_links_out_of_the_root_are_not_followed(root, storage, tmp_path):
    put(tmp_path, "outside/secret.mp4")
    put(root, "film.mp4")
    (root / "link.mp4").symlink_to(tmp_path / "outside/secret.mp4")
    (root / "folder").symlink_to(tmp_path / "outside")
    (root / "up").symlink_to("..")
    assert found(storage) == {"film.mp4"}
    for locator in ("link.mp4", "folder/secret.mp4", "up/outside/secret.mp4"):
        with pytest.raises(ObjectNotFound):
            storage.stat(locator)
        with pytest.raises(ObjectNotFound):
            storage.open(locator, start=0, length=1, etag=None)


def test_links_inside_the_root_lead_to_each_file_once(root, storage):
    put(root, "real.mp4", ".store/abc.mp4", ".store/noname")
    for link, target in (
        ("again.mp4", "real.mp4"),
        ("one.mp4", ".store/abc.mp4"),
        ("two.mp4", ".store/abc.mp4"),
        ("three.mp4", ".store/noname"),
        ("dangling.mp4", "nowhere.mp4"),
        ("itself.mp4", "itself.mp4"),
    ):
        (root / link).symlink_to(target)
    assert found(storage) == {"real.mp4", "one.mp4", "three.mp4"}
    assert b"".join(storage.open("one.mp4", start=0, length=4, etag=None)) == b"film"


def test_loops_end(root, storage):
    put(root, "a/film.mp4")
    (root / "a/loop").symlink_to(root)
    (root / "a/loop.mp4").symlink_to(root / "a", target_is_directory=True)
    assert found(storage) == {"a/film.mp4"}


def test_the_root_itself_may_be_a_link(root, tmp_path):
    put(root, "film.mp4")
    (tmp_path / "link").symlink_to(root)
    storage = LocalStorage(tmp_path / "link", growing_seconds=0)
    assert found(storage) == {"film.mp4"}
    assert storage.stat("film.mp4").size_bytes == 4


HOSTILE = [
    "'; DROP TABLE video; --.mp4",
    "<script>alert(1)</script>".replace("/", "\\") + ".mp4",
    "-rf.mp4",
    "$(reboot).mp4",
    "new\nline.mp4",
    "tab\tand\x1b[31mcolour.mp4",
    "%s%n%x.mp4",
    "\u202egpj.mp4",
    "emoji \N{CLAPPER BOARD}.mp4",
    "x" * 251 + ".mp4",
    " .mp4",
    "file:etc.mp4",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_strange_names_are_just_names(root, storage, name):
    put(root, name)
    assert found(storage) == {name}
    assert b"".join(storage.open(name, start=1, length=2, etag=None)) == b"il"


def test_names_that_are_no_text_are_reported_and_printable(root, storage):
    put(root, "good.mp4")
    for raw in (b"bad\xff.mp4", b"bad\xfe folder"):
        path = os.fsencode(root) + b"/" + raw
        if raw.endswith(b"folder"):
            os.mkdir(path)
        else:
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    items = list(storage.walk())
    reported = [item for item in items if isinstance(item, UnreadableObject)]
    assert len(reported) == 2
    for item in reported:
        item.name.encode()
        assert "UTF-8" in item.reason
    assert found(storage) == {"good.mp4"}


@pytest.mark.parametrize(
    "locator",
    ["../secret.mp4", "a/../../secret.mp4", "/etc/passwd", "", ".", "a", "a\0b", "x" * 5000,
     "..\\..\\secret.mp4", "%2e%2e/secret.mp4", "film.mp4/x"],
)  # fmt: skip
def test_a_locator_never_leads_out(root, storage, tmp_path, locator):
    put(tmp_path, "secret.mp4")
    put(root, "film.mp4", "a/film.mp4")
    with pytest.raises(ObjectNotFound):
        storage.stat(locator)
    with pytest.raises(ObjectNotFound):
        storage.open(locator, start=0, length=1, etag=None)


def test_only_regular_files_are_opened_and_nobody_waits_for_a_pipe(root, storage):
    put(root, "film.mp4")
    os.mkfifo(root / "pipe.mp4")
    assert found(storage) == {"film.mp4"}
    with pytest.raises(ObjectNotFound):
        storage.open("pipe.mp4", start=0, length=1, etag=None)


def test_a_span_is_read_and_closed(root, storage):
    put(root, "film.mp4", content=b"0123456789")
    body = storage.open("film.mp4", start=3, length=4, etag=storage.stat("film.mp4").etag)
    assert body.length == 4
    assert b"".join(body) == b"3456"
    body.close()
    body.close()


def test_another_file_of_the_same_name_is_not_served(root, storage):
    put(root, "film.mp4", content=b"0123456789")
    etag = storage.stat("film.mp4").etag
    put(root, "other.mp4", content=b"abcdefghij")
    (root / "other.mp4").replace(root / "film.mp4")
    with pytest.raises(ObjectChanged):
        storage.open("film.mp4", start=0, length=1, etag=etag)
    with pytest.raises(ObjectChanged):
        storage.open("film.mp4", start=8, length=5, etag=None)


def test_an_absent_root_is_unreachable(root, storage):
    put(root, "film.mp4")
    root.rename(root.with_name("away"))
    for call in (
        storage.check,
        lambda: list(storage.walk()),
        lambda: storage.stat("film.mp4"),
        lambda: storage.open("film.mp4", start=0, length=1, etag=None),
    ):
        with pytest.raises(StorageUnreachable, match="does not exist"):
            call()


def test_a_root_that_is_a_file_is_unreachable(tmp_path):
    put(tmp_path, "file")
    with pytest.raises(StorageUnreachable, match="not a folder"):
        list(LocalStorage(tmp_path / "file", growing_seconds=0).walk())


def test_an_empty_root_says_so(root, storage):
    with pytest.raises(StorageEmpty):
        list(storage.walk())
    with pytest.raises(StorageUnreachable):
        storage.stat("film.mp4")
    put(root, "notes.txt")
    assert found(storage) == set()
    with pytest.raises(ObjectNotFound):
        storage.stat("film.mp4")


def test_a_root_that_is_taken_away_during_the_walk_is_unreachable(root, storage):
    put(root, *(f"{n}/film.mp4" for n in range(20)))
    walk = storage.walk()
    next(walk)
    root.rename(root.with_name("away"))
    root.mkdir()
    with pytest.raises(StorageUnreachable, match="taken away"):
        list(walk)


def test_a_folder_that_may_not_be_read_is_reported_and_the_rest_is_found(locked_root):
    root, storage = locked_root, LocalStorage(locked_root, growing_seconds=0)
    put(root, "good/film.mp4", "locked/film.mp4")
    (root / "locked").chmod(0)
    try:
        items = list(storage.walk())
    finally:
        (root / "locked").chmod(0o755)
    (report,) = [item for item in items if isinstance(item, UnreadableObject)]
    assert (report.name, report.locator) == ("locked", "locked/")
    assert found(storage) == {"good/film.mp4", "locked/film.mp4"}


def test_a_root_that_may_not_be_read_is_unreachable(locked_root):
    root, storage = locked_root, LocalStorage(locked_root, growing_seconds=0)
    put(root, "film.mp4")
    root.chmod(0)
    try:
        with pytest.raises(StorageUnreachable, match="may not read"):
            list(storage.walk())
    finally:
        root.chmod(0o755)


def test_a_very_deep_tree_is_walked(root, storage):
    deep = Path("d" * 200)
    folder = root
    for _ in range(15):
        folder /= deep
        folder.mkdir()
    put(folder, "film.mp4")
    assert len(found(storage)) == 1


def test_no_descriptors_are_left_open(root, storage):
    put(root, *(f"{n}/film.mp4" for n in range(5)))
    before = len(os.listdir("/proc/self/fd"))
    list(storage.walk())
    walk = storage.walk()
    next(walk)
    del walk
    storage.stat("0/film.mp4")
    assert len(os.listdir("/proc/self/fd")) == before


def test_check_says_what_is_there(root, storage):
    put(root, "a.mp4", "b.txt")
    assert storage.check() == f"2 entries in {root}"
