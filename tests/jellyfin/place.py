"""A Jellyfin server for the contract of storages: films go in by their names."""

from adapters.storage.jellyfin.storage import JellyfinStorage
from tests.jellyfin.conftest import KEY, Never, make_client
from tests.jellyfin.fake import FakeJellyfin, Running


class InJellyfin:
    """How to change what a JellyfinStorage reads: a name's folder is a series."""

    has_paths = False
    version = "10.11"

    def __init__(self, request, _folder):
        self.fake = FakeJellyfin(self.version)
        self.fake.shelf.library("Films")
        self.running = Running(self.fake)
        self.outbound, documents = make_client()
        self.storage = JellyfinStorage(
            self.running.url,
            KEY,
            device_id="velour-contract",
            documents=documents,
            origins=self.outbound,
            monotonic=Never(),
        )
        request.addfinalizer(self.close)

    def put(self, name, data):
        self._item(name, data)

    def drop(self, name):
        item = next(
            i for i in self.fake.shelf.items.values() if i.fields.get("Path") == f"/srv/{name}"
        )
        self.fake.shelf.remove(item.id)

    def cut_off(self):
        self.running.stop()
        self.outbound.close()

    def close(self):
        self.running.stop()
        self.outbound.close()
        assert self.fake.faults == []

    def _item(self, name, data):
        series, slash, base = name.rpartition("/")
        if slash:
            self.fake.shelf.episode(series, 1, 1, base, data, path=f"/srv/{name}")
        else:
            self.fake.shelf.movie(base, data, path=f"/srv/{name}")


class InJellyfin12(InJellyfin):
    """The same on the next version."""

    version = "12.0"
