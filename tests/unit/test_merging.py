"""Two works shown as one, apart again, and a video split off."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from app.usecases.library.merging import ListMerged, MergeWorks, SplitVideo, UndoMerge
from app.usecases.library.watching import RecordProgress
from domain.federation.audit import CLI
from domain.federation.connection import Connection, ConnectionState, Direction
from domain.library.editing import MergeRefused, NotOurs, SplitRefused
from domain.library.storage_location import Library, StorageLocation, StorageType
from domain.library.video import MediaFacts, Video
from domain.library.work import Work
from ports.library.catalogue import EVERYTHING


class Shelf:
    """Works with their videos, and what a person sees of them."""

    def __init__(self, unit_of_work, catalogue, clock, new_id):
        self.unit_of_work, self.catalogue, self.clock = unit_of_work, catalogue, clock
        self.new_id, self.viewer = new_id, new_id()
        library = Library(id=new_id(), name="Films", created_at=clock.now())
        self.place = StorageLocation(
            id=new_id(), name="disk", storage_type=StorageType.LOCAL, library_id=library.id,
            created_at=clock.now(), options={"path": "/films"},
        )  # fmt: skip
        with unit_of_work() as tx:
            tx.libraries.add(library)
            tx.locations.add(self.place)
            tx.commit()

    def film(self, title, *names):
        now, new_id = self.clock.now(), self.new_id
        work = Work(id=new_id(), title=title, created_at=now, updated_at=now)
        videos = [
            Video(
                id=new_id(), work_id=work.id, location_id=self.place.id, filename=name,
                locator=name, file_size=1, signature="1", created_at=now, updated_at=now,
                facts=MediaFacts(duration=100.0),
            )
            for name in names or (f"{title}.mp4",)
        ]  # fmt: skip
        with self.unit_of_work() as tx:
            tx.scans.add([(work if number == 0 else None, v) for number, v in enumerate(videos)])
            tx.commit()
        return SimpleNamespace(id=work.id, videos=videos)

    def learn(self, film):
        peer = Connection(
            id=self.new_id(), name="north", direction=Direction.OUTBOUND,
            state=ConnectionState.ACTIVE, created_at=self.clock.now(),
            changed_at=self.clock.now(), remote_url="https://north.example",
        )  # fmt: skip
        with self.unit_of_work() as tx:
            tx.connections.add(peer, b"key", b"digest")
            tx.works.save(replace(tx.works.get(film.id), connection_id=peer.id, remote_id="r"))
            tx.commit()
        return film

    def seen(self):
        """Return title -> file names of what people see."""
        cards = self.catalogue.cards(EVERYTHING, viewer=None, after=None, limit=50).cards
        views = [self.catalogue.work_view(EVERYTHING, c.id, viewer=self.viewer) for c in cards]
        return {view.title: [video.filename for video in view.videos] for view in views}


@pytest.fixture
def shelf(unit_of_work, catalogue, clock, new_id):
    return Shelf(unit_of_work, catalogue, clock, new_id)


@pytest.fixture
def merge(unit_of_work, clock):
    return MergeWorks(unit_of_work, clock)


@pytest.fixture
def undo(unit_of_work, clock):
    return UndoMerge(unit_of_work, clock)


@pytest.fixture
def split(unit_of_work, clock, new_id, names):
    return SplitVideo(unit_of_work, clock, new_id, names)


def test_a_merged_work_shows_its_videos_under_the_other(shelf, merge, read_only, audit_reader):
    one, other = shelf.film("Dawn"), shelf.film("Sunrise")
    merge(one.id, into=other.id, actor=CLI)

    assert shelf.seen() == {"Sunrise": ["Dawn.mp4", "Sunrise.mp4"]}
    (hidden,) = ListMerged(read_only)(other.id)
    assert (hidden.work.id, hidden.videos) == (one.id, 1)
    entry = audit_reader.page(before=None, limit=1)[0].entry
    assert (entry.action, entry.target) == ("work.merge", f"work:{one.id}")
    assert entry.detail == f"into work:{other.id}"


def test_undoing_brings_back_everything(shelf, merge, undo):
    one, other = shelf.film("Dawn"), shelf.film("Sunrise")
    before = shelf.seen()
    merge(one.id, into=other.id, actor=CLI)
    undo(one.id, actor=CLI)
    assert shelf.seen() == before


def test_how_far_people_got_survives_merging_splitting_and_undoing(
    shelf, merge, undo, split, unit_of_work, clock
):
    one, other = shelf.film("Dawn", "a.mp4", "b.mp4"), shelf.film("Sunrise")
    b = one.videos[1]
    note = RecordProgress(unit_of_work, clock)
    note(user_id=shelf.viewer, video_id=b.id, position=42.0)
    merge(one.id, into=other.id, actor=CLI)
    undo(one.id, actor=CLI)
    apart = split(b.id, actor=CLI)

    view = shelf.catalogue.work_view(EVERYTHING, apart.id, viewer=shelf.viewer)
    assert [(video.id, video.position) for video in view.videos] == [(b.id, 42.0)]


def test_a_merge_that_makes_no_sense_is_refused(shelf, merge, undo):
    one, other, third = (shelf.film(title) for title in ("Dawn", "Sunrise", "Noon"))
    with pytest.raises(MergeRefused):
        merge(one.id, into=one.id, actor=CLI)
    with pytest.raises(MergeRefused):
        undo(one.id, actor=CLI)
    merge(one.id, into=other.id, actor=CLI)
    for work, into in ((one, third), (third, one), (other, one)):
        with pytest.raises(MergeRefused):
            merge(work.id, into=into.id, actor=CLI)
    merge(other.id, into=third.id, actor=CLI)
    assert list(shelf.seen()) == ["Noon"]


def test_our_work_never_hides_behind_another_nodes(shelf, merge):
    ours, theirs = shelf.film("Ours"), shelf.learn(shelf.film("Theirs"))
    with pytest.raises(MergeRefused, match="other way"):
        merge(ours.id, into=theirs.id, actor=CLI)
    merge(theirs.id, into=ours.id, actor=CLI)
    assert list(shelf.seen()) == ["Ours"]


def test_a_split_video_is_a_work_named_after_its_file(shelf, split, audit_reader):
    film = shelf.film("Dawn", "Dawn.mp4", "Noon (1952).mp4")
    apart = split(film.videos[1].id, actor=CLI)

    assert (apart.title, apart.year, apart.locked) == ("Noon", 1952, frozenset())
    assert shelf.seen() == {"Dawn": ["Dawn.mp4"], "Noon": ["Noon (1952).mp4"]}
    entry = audit_reader.page(before=None, limit=1)[0].entry
    assert (entry.action, entry.target) == ("work.split", f"work:{film.id}")


def test_the_only_video_of_a_work_is_not_split_off(shelf, split):
    film = shelf.film("Dawn")
    with pytest.raises(SplitRefused):
        split(film.videos[0].id, actor=CLI)
    assert shelf.seen() == {"Dawn": ["Dawn.mp4"]}


def test_another_nodes_video_is_not_split_off(shelf, split):
    film = shelf.learn(shelf.film("Theirs", "a.mp4", "b.mp4"))
    with pytest.raises(NotOurs):
        split(film.videos[0].id, actor=CLI)
