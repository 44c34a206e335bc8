"""Every storage that is read or walked; another one joins by a class like those here."""

import os
import shutil

import pytest

from adapters.http.addresses import AddressRules
from adapters.http.dial import Dialer
from adapters.http.documents import Documents
from adapters.http.outbound import Outbound
from adapters.http.pool import Pool
from adapters.memory.storage import MemoryStorage
from adapters.storage.local import LocalStorage
from adapters.storage.s3 import S3Options, S3Storage
from adapters.storage.web.reach import Client, Reach
from adapters.storage.web.storage import WebStorage
from ports.library.storage import (
    FoundObject,
    ObjectChanged,
    ObjectNotFound,
    StorageEmpty,
    StorageUnreachable,
    WalkableStorage,
)
from tests.contracts.guarded import guarded_client
from tests.federation.place import AtAPeer
from tests.films import age
from tests.jellyfin.place import InJellyfin, InJellyfin12
from tests.nginx import Nginx, films_of


class InMemory:
    """How to change what a MemoryStorage holds."""

    has_paths = True

    def __init__(self, request, _folder):
        self.storage = MemoryStorage()

    def put(self, name, data):
        self.storage.objects[name] = data

    def drop(self, name):
        del self.storage.objects[name]

    def cut_off(self):
        self.storage.unreachable = "unplugged"


class InFolder:
    """How to change what a LocalStorage holds."""

    has_paths = True

    def __init__(self, request, folder):
        self.root = folder / "films"
        self.root.mkdir()
        self.storage = LocalStorage(self.root, growing_seconds=0.0)

    def put(self, name, data):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name("fresh.tmp")
        fresh.write_bytes(data)
        age(fresh)
        fresh.rename(path)

    def drop(self, name):
        (self.root / name).unlink()

    def cut_off(self):
        shutil.rmtree(self.root)


class InBucket:
    """How to change what an S3Storage reads, in a real store.

    Sizes and tags of remote objects may be a minute old; here that minute is over after a change.
    """

    has_paths = False

    def __init__(self, request, _folder):
        self.store = request.getfixturevalue("s3_store")
        self.bucket, self.now = self.store.new_bucket(), 0.0
        request.addfinalizer(lambda: self.store.remove_bucket(self.bucket))
        origins, documents = guarded_client()
        request.addfinalizer(origins.close)
        self.storage = S3Storage(
            S3Options(**self.store.options(self.bucket, prefix="the/films")),
            origins,
            documents,
            max_objects=1000,
            monotonic=lambda: self.now,
        )

    def put(self, name, data):
        self.store.client.put_object(Bucket=self.bucket, Key=f"the/films/{name}", Body=data)
        self.now += 61

    def drop(self, name):
        self.store.client.delete_object(Bucket=self.bucket, Key=f"the/films/{name}")
        self.now += 61

    def cut_off(self):
        self.store.remove_bucket(self.bucket)
        self.now += 61


class OnTheWeb:
    """How to change what a WebStorage reads: a folder that nginx lists. Time passes as above."""

    has_paths = False

    def __init__(self, request, folder):
        self.root, self.now = folder / "films", 0.0
        self.root.mkdir()
        self.nginx = Nginx(folder / "nginx", films_of(self.root, at="/films/"))
        request.addfinalizer(self.nginx.close)
        dialer = Dialer(AddressRules(["127.0.0.1/32"]), connect_timeout_s=1, require_https=False)
        outbound = Outbound(dialer, Pool(), first_byte_timeout_s=2)
        request.addfinalizer(outbound.close)
        client = Client(outbound, Documents(outbound, timeout_s=5, max_bytes=1024 * 1024))
        url = f"{self.nginx.url}/films/"
        self.storage = WebStorage(
            url, Reach(url, client, client), depth=5, max_objects=100, monotonic=lambda: self.now
        )

    def put(self, name, data):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        self.now += 61
        os.utime(path, (1_700_000_000 + self.now, 1_700_000_000 + self.now))

    def drop(self, name):
        (self.root / name).unlink()
        self.now += 61

    def cut_off(self):
        self.nginx.close()
        self.now += 61


WALKABLE = [InMemory, InFolder, InBucket, OnTheWeb, InJellyfin, InJellyfin12]
NAMES = ["memory", "local", "s3", "web", "jellyfin-10.11", "jellyfin-12.0"]


@pytest.fixture(params=WALKABLE, ids=NAMES)
def place(request, tmp_path):
    """A place that lists what it holds."""
    return request.param(request, tmp_path)


@pytest.fixture(params=[*WALKABLE, AtAPeer], ids=[*NAMES, "velour"])
def source(request, tmp_path):
    """A place that is read; a peer's catalogue is no list of objects."""
    return request.param(request, tmp_path)


def found(place):
    return {one.name: one for one in place.storage.walk() if isinstance(one, FoundObject)}


def locator_of(source, name):
    return source.locator(name) if isinstance(source, AtAPeer) else found(source)[name].locator


def read(place, locator, start, length, etag=None):
    body = place.storage.open(locator, start=start, length=length, etag=etag)
    try:
        assert body.length == length
        return b"".join(body)
    finally:
        body.close()
        body.close()


def test_a_walk_finds_what_is_there_with_size_and_name(place):
    place.put("a.mp4", b"12345")
    place.put("folder/b.mkv", b"123")
    objects = found(place)
    assert {name: one.size_bytes for name, one in objects.items()} == {
        "a.mp4": 5,
        "folder/b.mkv": 3,
    }
    assert len({one.locator for one in objects.values()}) == 2


def test_a_walk_is_lazy_and_can_be_left(place):
    for number in range(5):
        place.put(f"{number}.mp4", b"x")
    walk = place.storage.walk()
    assert isinstance(next(walk), FoundObject)
    del walk
    assert len(found(place)) == 5


def test_a_signature_changes_with_the_bytes_only(place):
    place.put("a.mp4", b"one")
    before = found(place)["a.mp4"]
    assert found(place)["a.mp4"] == before
    place.put("a.mp4", b"other")
    after = found(place)["a.mp4"]
    assert after.locator == before.locator
    assert after.signature != before.signature


def test_objects_are_read_by_spans(source):
    source.put("a.mp4", bytes(range(200)))
    locator = locator_of(source, "a.mp4")
    info = source.storage.stat(locator)
    assert info.size_bytes == 200
    assert read(source, locator, 0, 200, info.etag) == bytes(range(200))
    assert read(source, locator, 7, 3, info.etag) == bytes([7, 8, 9])
    assert read(source, locator, 199, 1) == bytes([199])
    assert '"' not in (info.etag or "")


def test_bytes_of_another_object_are_not_sent(source):
    source.put("a.mp4", b"one")
    locator = locator_of(source, "a.mp4")
    etag = source.storage.stat(locator).etag
    source.put("a.mp4", b"two")
    assert source.storage.stat(locator).etag != etag
    with pytest.raises(ObjectChanged):
        source.storage.open(locator, start=0, length=3, etag=etag)


def test_what_is_gone_is_not_found_while_the_place_answers(source):
    source.put("a.mp4", b"one")
    source.put("b.mp4", b"two")
    locator = locator_of(source, "a.mp4")
    source.drop("a.mp4")
    for act in (
        lambda: source.storage.stat(locator),
        lambda: source.storage.open(locator, start=0, length=1, etag=None),
    ):
        with pytest.raises(ObjectNotFound):
            act()
    if isinstance(source.storage, WalkableStorage):
        assert set(found(source)) == {"b.mp4"}
    assert read(source, locator_of(source, "b.mp4"), 0, 3) == b"two"


def test_an_unreachable_place_is_never_an_empty_one(source):
    source.put("a.mp4", b"one")
    locator = locator_of(source, "a.mp4")
    source.cut_off()
    for act in (
        source.storage.check,
        *([lambda: list(source.storage.walk())] if hasattr(source.storage, "walk") else []),
        lambda: source.storage.stat(locator),
        lambda: source.storage.open(locator, start=0, length=1, etag=None),
    ):
        with pytest.raises(StorageUnreachable) as caught:
            act()
        assert not isinstance(caught.value, StorageEmpty)
        assert str(caught.value)


def test_a_place_that_holds_nothing_says_so(place):
    with pytest.raises(StorageEmpty):
        list(place.storage.walk())


def test_check_says_what_answered(place):
    place.put("a.mp4", b"one")
    assert "1" in place.storage.check()


def test_a_path_is_told_only_of_what_is_there(place):
    place.put("a.mp4", b"one")
    path = place.storage.local_path(found(place)["a.mp4"].locator)
    assert bool(path) is place.has_paths


@pytest.mark.parametrize("locator", ["absent.mp4", "", "../a.mp4", "/etc/passwd", "a\0b"])
def test_other_locators_are_not_found(source, locator):
    source.put("a.mp4", b"one")
    with pytest.raises(ObjectNotFound):
        source.storage.stat(locator)
