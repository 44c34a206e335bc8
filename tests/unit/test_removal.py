"""A removal that an admin refused is not asked about again until more is missing."""

import pytest

from app.usecases.library.removal import AskAgain, RefuseRemoval
from app.usecases.library.scanning import NothingToApprove
from domain.federation.audit import CLI
from domain.library.video import Availability
from tests.unit.scan_node import Node, names_of


@pytest.fixture
def node(unit_of_work, read_only, clock, new_id, storages, probe, names, assets, secret_box):
    made = Node(
        unit_of_work, read_only, clock, new_id, storages, probe, names, assets, secret_box
    )  # fmt: skip
    made.put(*names_of(60))
    made.scan()
    return made


@pytest.fixture
def refuse(node):
    return RefuseRemoval(node.unit_of_work, node.clock)


def lose(node, first, last):
    node.take(*names_of(last - first, first))
    node.all_names = names_of(60)
    node.scan()


def test_what_is_held_waits_until_it_is_refused(node, refuse, audit_reader):
    assert node.stored.waiting_removals == 0
    lose(node, 0, 30)
    assert node.stored.waiting_removals == 30

    assert refuse(location_id=node.location.id, actor=CLI) == 30

    assert (node.stored.refused_at, node.stored.waiting_removals) == (node.clock.now(), 0)
    entry = audit_reader.page(before=None, limit=1)[0].entry
    assert (entry.action, entry.detail) == ("location.refuse-removal", "30 videos")
    assert len(node.videos()) == 60


def test_the_next_scan_does_not_ask_about_what_is_kept(node, refuse):
    lose(node, 0, 30)
    refuse(location_id=node.location.id, actor=CLI)
    node.clock.forward(hours=1)
    node.scan()
    assert node.stored.waiting_removals == 0
    assert all(video.availability is not Availability.GONE for video in node.videos().values())


def test_what_goes_missing_later_is_asked_about(node, refuse):
    lose(node, 0, 30)
    refuse(location_id=node.location.id, actor=CLI)
    node.clock.forward(hours=1)
    lose(node, 30, 55)
    assert node.stored.waiting_removals == 25


def test_a_refusal_is_taken_back_by_asking_again(node, refuse, clock):
    lose(node, 0, 30)
    refuse(location_id=node.location.id, actor=CLI)
    node.clock.forward(hours=1)
    job = AskAgain(node.unit_of_work, clock, node.request)(location_id=node.location.id, actor=CLI)

    assert (job.name, node.stored.refused_at) == ("scan", None)
    node.scan()
    assert node.stored.waiting_removals == 30


def test_where_nothing_waits_there_is_nothing_to_refuse(node, refuse):
    with pytest.raises(NothingToApprove):
        refuse(location_id=node.location.id, actor=CLI)
    lose(node, 0, 30)
    refuse(location_id=node.location.id, actor=CLI)
    with pytest.raises(NothingToApprove):
        refuse(location_id=node.location.id, actor=CLI)


def test_what_was_refused_cannot_be_approved_by_an_old_page(node, refuse):
    lose(node, 0, 30)
    refuse(location_id=node.location.id, actor=CLI)
    with pytest.raises(NothingToApprove):
        node.approve(location_id=node.location.id, actor=CLI)
