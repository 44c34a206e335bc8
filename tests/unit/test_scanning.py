"""Scans of walkable locations, on the adapters in memory."""

from dataclasses import replace

import pytest

from adapters.memory.media import ORDINARY
from app.usecases.library.scanning import (
    NothingToApprove,
)
from domain.federation.audit import CLI
from domain.library.storage_location import StorageType
from domain.library.video import Availability
from ports.jobs import JobCancelled
from tests.unit.scan_node import Context, Node, names_of


@pytest.fixture
def node(unit_of_work, read_only, clock, new_id, storages, probe, names, assets, secret_box):
    return Node(unit_of_work, read_only, clock, new_id, storages, probe, names, assets, secret_box)


def test_a_first_scan_adds_what_it_finds(node):
    node.put("Alpha (1999).mp4", "Beta.mkv")
    result = node.scan()
    assert result == {
        "success": True,
        "message": "Disk: 2 videos found, 2 added",
        "counts": {
            "found": 2, "added": 2, "updated": 0, "missing": 0, "removed": 0, "failed": 0
        },
        "errors": [],
    }  # fmt: skip
    work = {work.title: work for work in node.works().values()}
    assert work["Alpha"].year == 1999
    assert work["Beta"].year is None
    assert node.videos()["Beta.mkv"].facts == ORDINARY
    assert node.stored.reachable
    assert node.stored.last_scan.counts.added == 2


def test_an_unchanged_location_is_neither_probed_nor_written(node):
    node.put(*names_of(30))
    node.scan()
    node.probe.probed.clear()
    before = node.videos()
    counts = node.scan()["counts"]
    assert counts == {
        "found": 30, "added": 0, "updated": 0, "missing": 0, "removed": 0, "failed": 0
    }  # fmt: skip
    assert node.probe.probed == []
    assert node.videos() == before


def test_a_changed_file_is_probed_again_and_keeps_its_id_and_work(node):
    node.put("a film.mp4", "b film.mp4")
    node.scan()
    before = node.videos()["a film.mp4"]
    node.assets.put(f"thumbnails/{before.id}.webp", b"old")
    node.put("a film.mp4", data=b"other bytes")
    assert node.scan()["counts"]["updated"] == 1
    after = node.videos()["a film.mp4"]
    assert (after.id, after.work_id) == (before.id, before.work_id)
    assert after.file_size == len(b"other bytes")
    assert not node.assets.has(f"thumbnails/{before.id}.webp")


def test_copies_under_one_name_are_one_work_and_under_two_names_two(node):
    node.put("one film.mp4", "x/one film.mkv", data=b"the same")
    node.scan()
    assert len(node.works()) == 1
    node.put("y/one film.avi", "two film.mp4", data=b"the same")
    node.scan()
    assert len(node.works()) == 2
    assert len(node.videos()) == 4


def test_the_same_title_and_year_is_one_work_and_without_a_year_it_is_not(node):
    node.put("Alpha (1999).mp4", "x/alpha (1999).mkv", "Beta.mp4", "x/Beta.mkv")
    node.scan()
    titles = sorted(work.title for work in node.works().values())
    assert titles == ["Alpha", "Beta", "Beta"]


def test_an_unreachable_location_marks_offline_and_a_later_scan_brings_all_back(node):
    node.put(*names_of(30))
    node.scan()
    node.disk.unreachable = "the folder does not exist"
    result = node.scan()
    assert result["success"] is False
    assert "Disk" in result["message"]
    assert "unreachable" in result["message"]
    assert "the folder does not exist" in result["message"]
    assert result["counts"]["removed"] == 0
    assert {video.availability for video in node.videos().values()} == {Availability.OFFLINE}
    assert node.stored.reachable is False
    node.disk.unreachable = ""
    again = node.scan()
    assert again["counts"] == {
        "found": 30, "added": 0, "updated": 0, "missing": 0, "removed": 0, "failed": 0
    }  # fmt: skip
    assert "30 back online" in again["message"]
    assert {video.availability for video in node.videos().values()} == {Availability.AVAILABLE}


def test_a_walk_that_breaks_removes_nothing(node):
    node.put(*names_of(30))
    node.scan()
    node.disk.breaks_after = 10
    assert node.scan()["success"] is False
    assert {video.availability for video in node.videos().values()} == {Availability.OFFLINE}


def test_few_missing_videos_are_removed_and_come_back_with_their_id(node):
    node.all_names = names_of(30)
    node.put(*node.all_names)
    node.scan()
    before = node.videos()
    node.take(*names_of(5))
    counts = node.scan()["counts"]
    assert (counts["missing"], counts["removed"]) == (5, 5)
    gone = [v for v in node.videos().values() if v.availability is Availability.GONE]
    assert len(gone) == 5
    assert node.scan()["counts"]["missing"] == 0
    node.put(*names_of(5))
    assert node.scan()["counts"]["added"] == 5
    assert {name: video.id for name, video in node.videos().items()} == {
        name: video.id for name, video in before.items()
    }


def test_a_large_loss_is_held_until_an_admin_approves_it(node):
    node.all_names = names_of(60)
    node.put(*node.all_names)
    node.scan()
    node.take(*names_of(25))
    result = node.scan()
    assert result["success"]
    assert result["held"] is True
    assert len(result["held_items"]) == 25
    assert (result["counts"]["missing"], result["counts"]["removed"]) == (25, 0)
    assert "25 of 60" in result["message"]
    states = [video.availability for video in node.videos().values()]
    assert Availability.GONE not in states
    assert states.count(Availability.OFFLINE) == 25
    assert node.scan()["held"] is True

    job = node.approve(location_id=node.location.id, actor=CLI)
    assert node.doorbell.rung[-1] == job.id
    approved = node.scan_job(Context(), job.arguments)
    assert (approved["counts"]["missing"], approved["counts"]["removed"]) == (25, 25)
    assert "held" not in approved


def test_what_would_go_is_named_as_an_admin_knows_it(node):
    names = [f"a\u202efolder/{name}" for name in names_of(25)]
    node.put(*names, "stays.mp4")
    node.scan()
    with node.unit_of_work() as tx:
        known = tx.scans.known(node.location.id, names[:2])
        ids = [one.id for one in known.values()]
        tx.scans.update([replace(tx.videos.get(ids[0]), locator="9f/3a", filename="film.mkv")])
        tx.commit()
    node.take(*names)
    held = node.scan()["held_items"]
    assert set(held) == {"film.mkv", *(f"a\ufffdfolder/{name}" for name in names_of(24, first=1))}


def test_names_of_errors_can_be_shown(node):
    name = "a\x1b[31m\u202efolder/film\n.mp4"
    node.put(name)
    node.probe.broken[name] = "it ends too early"
    assert node.scan()["errors"][0]["item"] == "a\ufffd[31m\ufffdfolder/film\ufffd.mp4"


def test_an_approval_covers_no_more_than_was_shown(node):
    node.put(*names_of(60))
    node.scan()
    node.take(*names_of(25))
    node.scan()
    job = node.approve(location_id=node.location.id, actor=CLI)
    node.take(*names_of(10, first=30))
    assert node.scan_job(Context(), job.arguments)["held"] is True


def test_nothing_is_approved_where_nothing_is_held(node):
    node.put("a film.mp4")
    node.scan()
    with pytest.raises(NothingToApprove):
        node.approve(location_id=node.location.id, actor=CLI)


def test_what_a_feed_no_longer_names_is_kept_and_comes_back_with_it(node):
    node.disk.newest_only = True
    node.all_names = names_of(40)
    node.put(*names_of(40))
    node.scan()
    node.take(*names_of(30))
    node.put("new film.mp4")
    result = node.scan()
    assert (result["counts"]["missing"], result["counts"]["added"]) == (0, 1)
    assert "held" not in result
    assert {one.availability for one in node.videos().values()} == {Availability.AVAILABLE}
    node.disk.unreachable = "unplugged"
    node.scan()
    assert {one.availability for one in node.videos().values()} == {Availability.OFFLINE}
    node.disk.unreachable = ""
    node.disk.unreadable = {"n0000 film.mp4": "it answers nonsense"}
    message = node.scan()["message"]
    found = node.videos()
    assert len(found) == 41
    assert found.pop("n0000 film.mp4").availability is Availability.OFFLINE
    assert {one.availability for one in found.values()} == {Availability.AVAILABLE}
    assert "40 back online" in message


def test_a_renamed_file_keeps_its_video_and_its_work_follows_the_name(node):
    node.put("Old Name.mp4", "other film.mp4", data=None)
    node.scan()
    before = node.videos()["Old Name.mp4"]
    content = node.disk.objects["Old Name.mp4"]
    node.take("Old Name.mp4")
    node.put("folder/New Name (2001).mp4", data=content)
    counts = node.scan()["counts"]
    assert (counts["added"], counts["updated"], counts["missing"]) == (0, 1, 0)
    after = node.videos()["folder/New Name (2001).mp4"]
    assert (after.id, after.work_id) == (before.id, before.work_id)
    work = node.works()[after.work_id]
    assert (work.title, work.year) == ("New Name", 2001)


def test_a_whole_folder_that_moved_is_not_held(node):
    node.put(*(f"old/{name}" for name in names_of(40)))
    node.scan()
    ids = {video.id for video in node.videos().values()}
    for name in names_of(40):
        content = node.disk.objects.pop(f"old/{name}")
        node.put(f"new/{name}", data=content)
    counts = node.scan()["counts"]
    assert counts["missing"] == 0
    assert {video.id for video in node.videos().values()} == ids


def test_a_broken_file_costs_one_error_and_the_rest_comes_in(node):
    node.put(*names_of(10))
    node.probe.broken["n0003 film.mp4"] = "it ends too early"
    node.disk.unreadable["odd\N{REPLACEMENT CHARACTER}.mp4"] = "the name is not UTF-8 text"
    result = node.scan()
    assert result["success"]
    assert result["counts"]["added"] == 9
    assert result["counts"]["failed"] == 2
    assert {"item": "n0003 film.mp4", "reason": "it ends too early"} in result["errors"]


def test_no_more_than_a_hundred_errors_are_listed(node):
    node.put(*names_of(150))
    node.probe.broken |= dict.fromkeys(names_of(150), "it is damaged")
    result = node.scan()
    assert result["counts"]["failed"] == 150
    assert len(result["errors"]) == 100


def test_a_disabled_location_is_not_scanned(node):
    node.put("a film.mp4")
    node.edit(
        location_id=node.location.id, name="Disk", library="Films", options={"path": "d"},
        enabled=False, actor=CLI,
    )  # fmt: skip
    result = node.scan()
    assert result["success"] is False
    assert "disabled" in result["message"]
    assert node.videos() == {}


@pytest.mark.parametrize("stop_at", [1, 2, 5, 9, 17, 30, 44])
def test_a_scan_that_dies_anywhere_is_completed_by_the_next(node, stop_at):
    node.put(*names_of(40))
    with pytest.raises(KeyboardInterrupt):
        node.scan(Context(stop_at=stop_at, error=KeyboardInterrupt))
    part = len(node.videos())
    counts = node.scan()["counts"]
    assert counts["found"] == 40
    assert counts["added"] == 40 - part
    assert len(node.videos()) == 40
    assert len(node.works()) == 40
    assert node.scan()["counts"]["added"] == 0


def test_a_cancelled_scan_ends_and_keeps_what_it_has(node):
    node.put(*names_of(40))
    with pytest.raises(JobCancelled):
        node.scan(Context(stop_at=20))
    assert 0 < len(node.videos()) < 40


def test_news_are_followed_by_pictures_and_silence_is_not(node, read_only):
    node.put("a film.mp4")
    node.scan()
    with read_only() as tx:
        assert [job.name for job in tx.jobs.recent(limit=9)] == ["thumbnails"]
    rung = len(node.doorbell.rung)
    node.scan()
    assert len(node.doorbell.rung) == rung


def test_a_location_has_one_scan_at_a_time(node):
    first = node.request(location_id=node.location.id, actor=CLI)
    second = node.request(location_id=node.location.id, actor=CLI, ring=False)
    assert first.id == second.id
    assert node.doorbell.rung == [first.id]


def test_a_peer_is_synchronised_instead_of_walked(node, unit_of_work):
    node.handlers[StorageType.VELOUR] = lambda location, context: {
        "success": True,
        "seen": location.name,
    }
    with unit_of_work() as tx:
        tx.locations.save(
            replace(tx.locations.get(node.location.id), storage_type=StorageType.VELOUR)
        )
        tx.commit()
    assert node.scan() == {"success": True, "seen": "Disk"}


def test_progress_says_how_far_the_scan_is(node):
    node.put(*names_of(20))
    context = Context()
    node.scan(context)
    assert context.reports[-1]["found"] == 20
    assert context.reports[-1]["probed"] == 20
    assert context.reports[-1]["added"] == 20


def test_what_changes_after_an_unchanged_scan_is_seen(node):
    node.put(*names_of(30))
    for _ in range(3):
        node.scan()
    node.put("n0003 film.mp4", data=b"changed")
    node.put("new film.mp4")
    node.take("n0004 film.mp4")
    counts = node.scan()["counts"]
    assert (counts["added"], counts["updated"], counts["removed"]) == (1, 1, 1)


def test_a_scan_that_dies_before_it_wrote_what_it_met_is_compared_again(node, monkeypatch):
    node.put(*names_of(10))
    node.all_names = names_of(12)
    node.scan()
    node.take("n0000 film.mp4")
    node.put("n0010 film.mp4")

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(type(node.assets), "put", die)
        node.scan()
    assert node.videos()["n0000 film.mp4"].availability == "gone"
    node.put("n0000 film.mp4", "n0011 film.mp4")
    assert node.scan()["counts"]["added"] == 2
    node.clock.forward(minutes=1)
    node.take("n0010 film.mp4")
    assert node.scan()["counts"]["removed"] == 1


def test_a_database_that_lost_rows_is_compared_again(node, database):
    node.put(*names_of(5))
    node.scan()
    earlier = database.tables.snapshot()
    node.clock.forward(hours=1)
    node.put("new film.mp4")
    node.scan()
    database.tables = earlier
    assert node.scan()["counts"]["added"] == 1


def test_walks_longer_than_memory_allows_are_walked_twice(node, monkeypatch):
    monkeypatch.setattr("app.usecases.library.scan_pass.MAX_WAITING", 10)
    node.put(*names_of(30))
    node.scan()
    assert node.scan()["counts"]["added"] == 0
    node.put(*names_of(15, first=30))
    assert node.scan()["counts"]["added"] == 15
    assert len(node.videos()) == 45
