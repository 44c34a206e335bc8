"""Scans by the clock and after changes; storyboards in slices."""

import json
from dataclasses import replace

import pytest

from adapters.memory.audit import MemoryAuditReader
from adapters.memory.media import MemoryStoryboarder
from app.usecases.jobs import Enqueue
from app.usecases.library.scanning import RequestScan, scan_key
from app.usecases.library.scheduling import ScanChanged, ScanDue
from app.usecases.library.storyboards import (
    MakeStoryboards,
    RequestStoryboards,
    image_name,
    layout_name,
)
from domain.federation.audit import CLI
from tests.unit.scan_node import Context, Doorbell, Node


@pytest.fixture
def node(unit_of_work, read_only, clock, new_id, storages, probe, names, assets, secret_box):
    return Node(unit_of_work, read_only, clock, new_id, storages, probe, names, assets, secret_box)


def change(node, **changes):
    with node.unit_of_work() as tx:
        tx.locations.save(replace(node.stored, **changes))
        tx.commit()


def scans(node):
    with node.read_only() as tx:
        return [job for job in tx.jobs.recent(limit=100) if job.key == scan_key(node.location.id)]


@pytest.fixture
def due(node):
    return ScanDue(node.read_only, node.clock, node.request)


def test_a_schedule_asks_for_one_scan_when_its_time_has_come(node, due, database):
    change(node, scan_every_hours=6)
    assert due() == 0
    node.clock.forward(hours=6)
    assert due() == 1
    assert due() == 0
    assert len(scans(node)) == 1
    assert [one.entry.action for one in MemoryAuditReader(database).iter_chain()].count(
        "location.scan"
    ) == 1


@pytest.mark.parametrize("end", ["cancelled", "failed"])
def test_a_scan_that_came_to_nothing_is_not_asked_for_again_at_once(node, due, end):
    change(node, scan_every_hours=6)
    node.clock.forward(hours=6)
    assert due() == 1
    with node.unit_of_work() as tx:
        (job,) = scans(node)
        if end == "cancelled":
            job.request_cancel(now=node.clock.now())
        else:
            job.lease("worker", now=node.clock.now())
            job.fail("worker", "internal error", now=node.clock.now())
        tx.jobs.save(job)
        tx.commit()
    node.clock.forward(hours=5)
    assert due() == 0
    node.clock.forward(hours=1)
    assert due() == 1


def test_a_clock_that_was_wrong_does_not_stop_the_schedule(node, due):
    change(node, scan_every_hours=6)
    node.put("a.mp4")
    node.clock.forward(days=9000)
    node.scan()
    node.clock.forward(days=-9000)
    assert due() == 1


def test_a_scan_starts_the_time_anew(node, due):
    change(node, scan_every_hours=6)
    node.put("a.mp4")
    node.clock.forward(hours=5)
    node.scan()
    node.clock.forward(hours=5)
    assert due() == 0
    change(node, enabled=False)
    node.clock.forward(hours=5)
    assert due() == 0


class Watcher:
    def __init__(self):
        self.kept, self.failing, self.ready, self.closed = {}, {}, [], False

    def keep(self, folders):
        self.kept = dict(folders)
        return {key: reason for key, reason in self.failing.items() if key in folders}

    def settled(self):
        ready, self.ready = self.ready, []
        return ready

    def close(self):
        self.closed = True


@pytest.fixture
def watcher():
    return Watcher()


@pytest.fixture
def told():
    return []


@pytest.fixture
def changed(node, watcher, told):
    def report(location, reason):
        told.append((location.name, reason))

    return ScanChanged(node.read_only, watcher, node.request, report)


def test_only_folders_that_are_to_be_watched_are(node, changed, watcher):
    changed()
    assert watcher.kept == {}
    change(node, watch=True)
    changed()
    assert watcher.kept == {node.location.id: "d"}
    change(node, enabled=False)
    changed()
    assert watcher.kept == {}
    changed.close()
    assert watcher.closed


def test_a_change_asks_for_a_scan(node, changed, watcher):
    change(node, watch=True)
    watcher.ready = [node.location.id]
    assert changed() == 1
    assert len(scans(node)) == 1
    assert changed() == 0


def test_a_change_during_a_scan_is_followed_by_another(node, changed, watcher):
    change(node, watch=True)
    job = node.request(location_id=node.location.id, actor=CLI)
    with node.unit_of_work() as tx:
        job.lease("worker", now=node.clock.now())
        tx.jobs.save(job)
        tx.commit()
    watcher.ready = [node.location.id]
    assert changed() == 0
    with node.unit_of_work() as tx:
        job = tx.jobs.get(job.id)
        job.finish("worker", {}, now=node.clock.now())
        tx.jobs.save(job)
        tx.commit()
    assert changed() == 1
    assert len(scans(node)) == 2
    assert changed() == 0


def test_a_folder_that_cannot_be_watched_is_told_once(node, changed, watcher, told):
    change(node, watch=True)
    watcher.failing = {node.location.id: "too many folders"}
    changed()
    changed()
    assert told == [("Disk", "too many folders")]


@pytest.fixture
def boards(node, storages, assets):
    enqueue = Enqueue(node.unit_of_work, node.clock, node.tools.new_id, node.doorbell)
    go_on = RequestStoryboards(enqueue)
    times = iter(range(0, 10_000, 8))
    return MakeStoryboards(
        node.read_only, storages, assets, MemoryStoryboarder(), go_on, monotonic=lambda: next(times)
    )


def run(boards, node, after=""):
    return boards(Context(), {"location_id": str(node.location.id), "after": after})


def test_storyboards_are_made_in_slices_that_go_on(node, boards, assets):
    node.put(*(f"film {number}.mp4" for number in range(8)))
    node.scan()
    assert run(boards, node) == {"made": 3, "failed": 0}
    with node.read_only() as tx:
        (job,) = [job for job in tx.jobs.recent(limit=9) if job.name == "storyboards"]
    assert job.arguments["after"] == "film 2.mp4"
    assert run(boards, node, job.arguments["after"]) == {"made": 3, "failed": 0}
    video = node.videos()["film 0.mp4"]
    assert assets.find(image_name(video.id)).endswith(b"film 0.mp4")
    assert json.loads(assets.find(layout_name(video.id))) == {
        "columns": 10, "count": 100, "tile_width": 160, "tile_height": 90, "interval_s": 0.6
    }  # fmt: skip


def test_a_film_without_pictures_is_not_tried_for_ever(node, boards):
    node.put("a.mp4")
    node.scan()
    boards.storyboarder.broken["a.mp4"] = "no pictures"
    assert run(boards, node) == {"made": 0, "failed": 1}
    assert run(boards, node) == {"made": 0, "failed": 0}


def test_no_film_is_fetched_over_the_network_for_a_storyboard(node, boards):
    node.disk.remote = True
    node.put("a.mp4")
    node.scan()
    assert run(boards, node) == {"made": 0, "failed": 0}


def test_the_request_waits_for_a_worker(node):
    bell = Doorbell()
    request = RequestScan(node.unit_of_work, node.clock, node.tools.new_id, bell)
    assert ScanDue(node.read_only, node.clock, request)() == 0
    assert bell.rung == []
