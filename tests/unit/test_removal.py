"""A removal that an admin refused is not asked about again until more is missing."""

from dataclasses import replace

import pytest

from app.usecases.library.removal import RefuseRemoval
from app.usecases.library.scanning import NothingToApprove
from domain.federation.audit import CLI
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

    refuse(location_id=node.location.id, actor=CLI)

    assert (node.stored.refused_missing, node.stored.waiting_removals) == (30, 0)
    entry = audit_reader.page(before=None, limit=1)[0].entry
    assert (entry.action, entry.detail) == ("location.refuse-removal", "30 videos")
    assert len(node.videos()) == 60


def test_the_next_scan_that_misses_as_many_does_not_ask(node, refuse):
    lose(node, 0, 30)
    refuse(location_id=node.location.id, actor=CLI)
    node.scan()
    assert node.stored.waiting_removals == 0


def test_more_missing_ask_again(node, refuse):
    lose(node, 0, 30)
    refuse(location_id=node.location.id, actor=CLI)
    lose(node, 30, 40)
    assert node.stored.waiting_removals == 40


def test_where_nothing_waits_there_is_nothing_to_refuse(node, refuse):
    with pytest.raises(NothingToApprove):
        refuse(location_id=node.location.id, actor=CLI)
    lose(node, 0, 30)
    refuse(location_id=node.location.id, actor=CLI)
    with pytest.raises(NothingToApprove):
        refuse(location_id=node.location.id, actor=CLI)


def test_held_by_the_scans_own_word_counts_too(node):
    lose(node, 0, 30)
    scan = replace(node.stored.last_scan, held=31)
    assert replace(node.stored, last_scan=scan).waiting_removals == 31
