"""Another node as a place of the contract of storages: it serves what lies in a folder."""

from adapters.http.addresses import AddressRules
from adapters.http.dial import Dialer
from adapters.http.outbound import Outbound
from adapters.http.pool import Pool
from adapters.storage.velour import VelourStorage
from ports.federation.peers import PeerAccess
from tests.federation.node import Node


class AtAPeer:
    """How to change what a VelourStorage reads. Sizes may be a minute old; it passes here."""

    def __init__(self, request, folder):
        self.node, self.now, self.ids = Node(folder / "data"), 0.0, {}
        request.addfinalizer(self.node.close)
        self.root = folder / "films"
        self.location = self.node.add_location("Films", self.root)
        self.node.serve()
        key = self.node.issue("us", "read", "stream", libraries=["Films"])
        dialer = Dialer(AddressRules(["127.0.0.1/32"]), connect_timeout_s=1, require_https=False)
        outbound = Outbound(dialer, Pool(), first_byte_timeout_s=5)
        request.addfinalizer(outbound.close)
        access = PeerAccess(self.node.url, key)
        self.storage = VelourStorage(lambda: access, outbound, monotonic=lambda: self.now)

    def put(self, name, data):
        (self.root / name).write_bytes(data)
        if name not in self.ids:
            self.ids[name] = self.node.add_film(self.location, name, len(data))
        self.now += 61

    def drop(self, name):
        (self.root / name).unlink()
        self.now += 61

    def cut_off(self):
        self.node.stop()
        self.now += 61

    def locator(self, name):
        return str(self.ids[name])
