"""What scans do while a location is away for an hour, and after much of it was really removed."""

import os
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from adapters.storage.jellyfin.storage import JellyfinStorage
from adapters.storage.local import LocalStorage
from adapters.storage.s3 import S3Options, S3Storage
from adapters.storage.web.reach import Client, Reach
from adapters.storage.web.storage import WebStorage
from ports.federation.peers import PeerUnreachable
from ports.outbound import OriginAnswer, WebDocument
from tests.contracts.guarded import guarded_client
from tests.films import age
from tests.jellyfin.conftest import KEY, Never
from tests.jellyfin.fake import FakeJellyfin, Running
from tests.nginx import Nginx, films_of
from tests.unit.scan_node import Context, Node, names_of

FEW, MANY = 12, 60
REMOVED = 24  # 40 % of many
HTML = b"<!doctype html><title>Sign in</title><p>Hotel network"


@dataclass
class Network:
    """The node's client, until its cable is pulled: after ``left`` more requests."""

    origins: Any
    documents: Any
    answer: Any = None  # a status, bytes of a page, or None for no answer at all
    left: int | None = None
    requests: int = field(default=0)

    def _is_out(self):
        self.requests += 1
        if self.left is None:
            return False
        self.left -= 1
        if self.left >= 0:
            return False
        if self.answer is None:
            raise PeerUnreachable("no answer")
        return True

    def fetch(self, method, url, *, headers):
        if self._is_out():
            status = self.answer if isinstance(self.answer, int) else 502
            return OriginAnswer(status, {}, None, b"out")
        return self.origins.fetch(method, url, headers=headers)

    def get(self, url, *, headers, max_bytes=None):
        if self._is_out():
            if isinstance(self.answer, int):
                return WebDocument(self.answer, {}, b"out", url)
            return WebDocument(200, {"content-type": "text/html"}, self.answer, url)
        return self.documents.get(url, headers=headers, max_bytes=max_bytes)

    def post(self, url, *, headers, content):
        return self.documents.post(url, headers=headers, content=content)


class Disk:
    """A disk that is mounted at a folder."""

    def __init__(self, request, folder):
        self.root, self.away = folder / "films", folder / "away"
        self.root.mkdir()
        self.storage = LocalStorage(self.root, growing_seconds=0)

    def put(self, name):
        (self.root / name).write_bytes(name.encode())
        age(self.root / name)

    def drop(self, name):
        (self.root / name).unlink()

    def go(self, answer):
        self.root.rename(self.away)
        if answer == "mount point":
            self.root.mkdir()

    def come_back(self):
        if self.root.exists():
            self.root.rmdir()
        self.away.rename(self.root)


class Remote:
    """What the kinds on other machines have in common: the network between."""

    def __init__(self, request):
        origins, documents = guarded_client()
        request.addfinalizer(origins.close)
        self.network = Network(origins, documents)

    def go(self, answer):
        self.network.answer, after = answer
        self.network.left = after

    def come_back(self):
        self.network.left = None


class Bucket(Remote):
    def __init__(self, request, _folder):
        super().__init__(request)
        self.store = request.getfixturevalue("s3_store")
        self.bucket = self.store.new_bucket()
        request.addfinalizer(lambda: self.store.remove_bucket(self.bucket))
        self.storage = S3Storage(
            S3Options(**self.store.options(self.bucket)),
            self.network,
            self.network,
            max_objects=1000,
            monotonic=Never(),
        )

    def put(self, name):
        self.store.client.put_object(Bucket=self.bucket, Key=name, Body=name.encode())

    def drop(self, name):
        self.store.client.delete_object(Bucket=self.bucket, Key=name)


class Web(Remote):
    def __init__(self, request, folder):
        super().__init__(request)
        self.root = folder / "films"
        self.root.mkdir()
        nginx = Nginx(folder / "nginx", films_of(self.root, at="/films/"))
        request.addfinalizer(nginx.close)
        url = f"{nginx.url}/films/"
        client = Client(self.network, self.network)
        self.storage = WebStorage(
            url, Reach(url, client, client), depth=5, max_objects=1000, monotonic=Never()
        )

    def put(self, name):
        (self.root / name).write_bytes(name.encode())
        os.utime(self.root / name, (1_700_000_000, 1_700_000_000))

    def drop(self, name):
        (self.root / name).unlink()


class Jellyfin(Remote):
    def __init__(self, request, _folder):
        super().__init__(request)
        self.fake = FakeJellyfin()
        self.fake.shelf.library("Films")
        running = Running(self.fake)
        request.addfinalizer(running.stop)
        self.storage = JellyfinStorage(
            running.url,
            KEY,
            device_id="velour-outage",
            documents=self.network,
            origins=self.network,
            monotonic=Never(),
        )

    def put(self, name):
        ids = {"Imdb": f"tt{int(name[1:5]):07}"}
        self.fake.shelf.movie(name, name.encode(), path=f"/srv/{name}", ProviderIds=ids)

    def drop(self, name):
        items = self.fake.shelf.items.values()
        self.fake.shelf.remove(next(i for i in items if i.fields.get("Path") == f"/srv/{name}").id)


NETWORK_OUTAGES = [
    ("no answer", None),
    ("401", 401),
    ("403", 403),
    ("404", 404),
    ("429", 429),
    ("502", 502),
    ("a sign-in page", HTML),
]
OUTAGES = [
    pytest.param(Disk, "nothing", id="local: nothing there"),
    pytest.param(Disk, "mount point", id="local: not mounted"),
    *(
        pytest.param(kind, (answer, after), id=f"{kind.__name__.lower()}: {words} after {after}")
        for kind in (Bucket, Web, Jellyfin)
        for words, answer in NETWORK_OUTAGES
        for after in (0, 2, 5)
    ),
]


class Only:
    """Storages that are all one."""

    def __init__(self, storage):
        self.storage = storage

    def walkable(self, _location):
        return self.storage


@pytest.fixture
def node(unit_of_work, read_only, clock, new_id, storages, probe, names, assets, secret_box):
    return Node(unit_of_work, read_only, clock, new_id, storages, probe, names, assets, secret_box)


def scan(node, place, **arguments):
    node.clock.forward(minutes=20)
    job = replace(node.scan_job, storages=Only(place.storage))
    return job(Context(), {"location_id": str(node.location.id)} | arguments)


def states(node):
    with node.read_only() as tx:
        known = list(tx.scans.iter_known(node.location.id))
        works = {tx.works.get(one.work_id).id for _, one in known}
    assert len(works) == len(known)
    return [one.availability for _, one in known]


@pytest.mark.parametrize(("kind", "outage"), OUTAGES)
def test_an_hour_without_its_source_costs_a_location_nothing(kind, outage, node, request, tmp_path):
    place = kind(request, tmp_path)
    for name in names_of(FEW):
        place.put(name)
    assert scan(node, place)["counts"]["added"] == FEW
    for name in names_of(10, first=FEW):
        place.put(name)
    place.go(outage)
    for _ in range(3):
        result = scan(node, place)
        assert result["counts"]["removed"] == 0
        assert len(states(node)) >= FEW
    if node.stored.reachable:  # it went only after everything was listed and read
        assert result["success"]
    else:
        assert not result["success"]
        assert set(states(node)) == {"offline"}
    place.come_back()
    assert scan(node, place)["success"]
    assert states(node) == ["available"] * (FEW + 10)


@pytest.mark.parametrize("kind", [Disk, Bucket, Web, Jellyfin])
def test_a_loss_of_two_fifths_waits_for_a_person(kind, node, request, tmp_path):
    place = kind(request, tmp_path)
    for name in names_of(MANY):
        place.put(name)
    scan(node, place)
    for name in names_of(REMOVED):
        place.drop(name)
    for _ in range(2):
        result = scan(node, place)
        assert (result["held"], result["counts"]["removed"]) == (True, 0)
        assert set(result["held_items"]) == set(names_of(REMOVED))
    assert sorted(states(node)) == ["available"] * (MANY - REMOVED) + ["offline"] * REMOVED
    assert scan(node, place, approved_missing=REMOVED)["counts"]["removed"] == REMOVED
    assert states(node) == ["available"] * (MANY - REMOVED)
