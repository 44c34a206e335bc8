"""Two databases that live through the same hundred changes always show the same."""

import json
import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from adapters.sql.database import make_engine, sqlite_url
from domain.library.video import Availability
from ports.library.catalogue import EVERYTHING, SORTS, Visibility
from tests.conftest import FrozenClock
from tests.contracts.conftest import memory_backend, sql_backend
from tests.contracts.rows import Rows

TITLES = st.sampled_from(
    ["Amélie", "amelie 2", "100% Wolf", "snake_case", "B", "Endlich", "Unendlich"]
)
QUERIES = st.sampled_from(["ame", "endlich", "100%", "_", "", "b", "2", "wolf", "zz", "film"])
STATES = st.sampled_from(list(Availability))
YEARS = st.sampled_from([None, 1999, 2001])


class Twins(RuleBasedStateMachine):
    """SQLite beside memory. Ids that a peer's works get here differ; titles stand for them."""

    works = Bundle("works")
    videos = Bundle("videos")

    @initialize()
    def begin(self):
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(self.empty, self.folder / "velour.db")
        self.engine = make_engine(sqlite_url(self.folder / "velour.db"))
        self.sql, self.memory = sql_backend("sqlite", self.engine), memory_backend()
        self.clock = FrozenClock()
        self.rows = Rows(self.both, self.clock)
        self.shared, self.other = self.rows.new_library("shared"), self.rows.new_library("other")
        self.places = [self.rows.new_location(self.shared), self.rows.new_location(self.other)]
        self.peer = self.rows.new_connection("Bea")
        self.far = self.rows.new_location(self.other, connection_id=self.peer.id)

        def add(tx):
            for library in (self.shared, self.other):
                tx.libraries.add(library)
            tx.connections.add(self.peer, b"sealed", b"d" * 32)
            for location in (*self.places, self.far):
                tx.locations.add(location)

        self.both(add)

    def both(self, act):
        for backend in (self.sql, self.memory):
            with backend.unit_of_work() as tx:
                act(tx)
                tx.commit()

    def teardown(self):
        if hasattr(self, "engine"):
            self.engine.dispose()
            shutil.rmtree(self.folder)

    @rule(target=works, title=TITLES, year=YEARS, at=st.integers(0, 1), later=st.booleans())
    def add(self, title, year, at, later):
        self.clock.forward(seconds=int(later))
        work = self.rows.new_work(title, year=year)
        video = self.rows.new_video(work, self.places[at])
        self.both(lambda tx: tx.scans.add([(work, video)]))
        return SimpleNamespace(id=work.id, videos=[video.id])

    @rule(target=videos, work=works, at=st.integers(0, 1))
    def add_video(self, work, at):
        video = self.rows.new_video(work, self.places[at])
        self.both(lambda tx: tx.scans.add([(None, video)]))
        work.videos.append(video.id)
        return video

    @rule(work=works, state=STATES)
    def mark(self, work, state):
        self.both(lambda tx: tx.scans.set_availability(work.videos, state))

    @rule(video=videos, size=st.integers(0, 10**12))
    def update(self, video, size):
        video.file_size = size
        self.both(lambda tx: tx.scans.update([video]))

    @rule(work=works, title=TITLES, year=YEARS)
    def edit(self, work, title, year):
        def change(tx):
            stored = tx.works.get(work.id)
            stored.title, stored.year = title, year
            tx.works.save(stored)

        self.both(change)

    @rule(work=works, into=works)
    def merge(self, work, into):
        def change(tx):
            stored, target = tx.works.get(work.id), tx.works.get(into.id)
            if target.merged_into is None and target.id != stored.id:
                stored.merged_into = target.id
                tx.works.save(stored)

        self.both(change)

    @rule(work=works)
    def split(self, work):
        def change(tx):
            stored = tx.works.get(work.id)
            stored.merged_into = None
            tx.works.save(stored)

        self.both(change)

    @rule(at=st.integers(0, 1))
    def unplug(self, at):
        self.both(lambda tx: tx.scans.set_location_offline(self.places[at].id))

    @rule(number=st.integers(0, 5), title=TITLES, videos=st.integers(0, 2), has=st.booleans())
    def learn(self, number, title, videos, has):
        remote = self.rows.remote(f"r{number}", title, videos=videos, available=has)
        at = self.clock.now()
        self.both(lambda tx: tx.learnt.apply(self.peer.id, self.far.id, [remote], at=at))

    @rule(number=st.integers(0, 5))
    def forget(self, number):
        def act(tx):
            rows = tx.learnt.rows_of(self.peer.id, [f"r{number}"])
            tx.learnt.remove(self.peer.id, rows)

        self.both(act)

    @rule(online=st.booleans())
    def lose_peer(self, online):
        if online:
            self.both(lambda tx: tx.learnt.set_online(self.peer.id))
        else:
            self.both(lambda tx: tx.learnt.set_offline(self.peer.id))

    @rule(away=st.booleans())
    def move(self, away):
        def change(tx):
            location = tx.locations.get(self.places[0].id)
            location.library_id = self.other.id if away else self.shared.id
            tx.locations.save(location)

        self.both(change)

    @rule(query=QUERIES)
    def search(self, query):
        for seen_by in self.readers():
            answers = []
            for backend in (self.sql, self.memory):
                page = backend.catalogue.search_videos(seen_by, query, page=1, per_page=200)
                shown = sorted(map(self.known, page.documents))
                cards = backend.catalogue.cards(
                    seen_by, viewer=None, after=None, limit=200, query=query
                )
                answers.append((shown, page.total_count, sorted(one.title for one in cards.cards)))
            assert answers[0] == answers[1]

    @rule(sort=st.sampled_from(SORTS), limit=st.integers(1, 6))
    def walk(self, sort, limit):
        for seen_by in self.readers():
            walks = []
            for backend in (self.sql, self.memory):
                found, after = [], None
                while True:
                    part = backend.catalogue.works_after(
                        seen_by, after=after, limit=limit, sort=sort
                    )
                    found += map(self.known, part.documents)
                    if (after := part.after) is None:
                        break
                walks.append(found)
            assert walks[0] == walks[1]

    @invariant()
    def same_counts(self):
        if not hasattr(self, "engine"):
            return
        for seen_by in self.readers():
            assert self.sql.catalogue.totals(seen_by) == self.memory.catalogue.totals(seen_by)
        for of in ("library_counts", "location_counts"):
            assert getattr(self.sql.catalogue, of)() == getattr(self.memory.catalogue, of)()

    def readers(self):
        shared = frozenset({self.shared.id})
        both = frozenset({self.shared.id, self.other.id})
        return (
            EVERYTHING,
            Visibility(libraries=shared, learnt=False, metadata=False),
            Visibility(libraries=both, learnt=False, metadata=True),
            Visibility(libraries=both, learnt=True, metadata=True),
            Visibility(libraries=None, learnt=False, metadata=True),
        )

    def known(self, text):
        """Return a document without the ids that each node draws for itself."""
        document = json.loads(text)
        for each in [document, *document.get("videos", [])]:
            each["id"] = each["work_id"] = ""
        return json.dumps(document, sort_keys=True)


def test_sqlite_shows_what_memory_shows(empty_sqlite):
    class Machine(Twins):
        empty = empty_sqlite

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=timedelta(seconds=20),
            suppress_health_check=list(HealthCheck),
        ),
    )
