"""A film in several locations is one work, and outlives all of them but the last."""

import pytest

from adapters.memory.media import MemoryAssetStore, MemoryMediaProbe, MemoryNameGuesser
from adapters.memory.storage import MemoryStorages
from app.usecases.library.locations import AddLocation, RemoveLocation
from domain.federation.audit import CLI
from domain.library.description import Description
from domain.library.work import WorkNotFound
from ports.library.storage import Told
from tests.unit.scan_node import Context, Node

FILM = "Alpha (1999).mp4"


@pytest.fixture
def node(backend, clock, new_id, secret_box):
    return Node(
        backend.unit_of_work, backend.read_only, clock, new_id, MemoryStorages(),
        MemoryMediaProbe(), MemoryNameGuesser(), MemoryAssetStore(), secret_box,
    )  # fmt: skip


def works(node, *locations):
    with node.read_only() as tx:
        found = {}
        for location in locations:
            for _, known in tx.scans.iter_known(location.id):
                found.setdefault(known.work_id, []).append(known.availability)
        return {tx.works.get(work_id).title: states for work_id, states in found.items()}


def test_a_film_of_three_locations_is_one_work_until_the_last_is_removed(node, secret_box):
    add = AddLocation(node.unit_of_work, node.clock, node.tools.new_id, node.storages, secret_box)
    others = [
        add(name=name, storage_type="local", library="Films", options={"path": name}, actor=CLI)
        for name in ("Bucket", "Jellyfin")
    ]
    places = [node.location, *others]
    ids = {"imdb": "tt0000001"}
    for number, path in enumerate(("d", "Bucket", "Jellyfin")):
        storage = node.storages.at(path)
        storage.objects[FILM if number < 2 else "9f/3a"] = b"%d" % number
        storage.remote = number > 0
    jellyfin = node.storages.at("Jellyfin")
    said = Description(title="Alpha", year=1999, external_ids=ids, description="Told")
    jellyfin.told["9f/3a"] = Told(description=said)
    for place in places:
        assert node.scan_job(Context(), {"location_id": str(place.id)})["counts"]["added"] == 1
    assert works(node, *places) == {"Alpha": ["available"] * 3}

    remove = RemoveLocation(node.unit_of_work, node.clock, node.storages)
    remove(location_id=others[1].id, actor=CLI)
    assert works(node, *places[:2]) == {"Alpha": ["available"] * 2}
    node.storages.at("Bucket").unreachable = "down"
    node.scan_job(Context(), {"location_id": str(others[0].id)})
    assert works(node, *places[:2]) == {"Alpha": ["available", "offline"]}
    remove(location_id=node.location.id, actor=CLI)
    assert works(node, others[0]) == {"Alpha": ["offline"]}
    node.storages.at("Bucket").unreachable = ""
    node.scan_job(Context(), {"location_id": str(others[0].id)})
    assert works(node, others[0]) == {"Alpha": ["available"]}
    with node.read_only() as tx:
        (known,) = (one for _, one in tx.scans.iter_known(others[0].id))
        work_id = known.work_id
        assert tx.works.get(work_id).description == "Told"
    remove(location_id=others[0].id, actor=CLI)
    with node.read_only() as tx, pytest.raises(WorkNotFound):
        tx.works.get(work_id)
