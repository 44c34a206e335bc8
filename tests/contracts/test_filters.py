"""Filters in every order and for every reader: memory, SQLite and PostgreSQL show the same."""

import json
import random
import shutil
from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.sql.database import make_engine, sqlite_url
from adapters.sql.queries import ways
from domain.library.description import Credit, CreditRole, EpisodeMark
from domain.library.series import series_of
from domain.library.video import Availability
from ports.library.catalogue import (
    EPISODE_SORT,
    EVERYTHING,
    SORTS,
    CursorInvalid,
    TermKind,
    Visibility,
    WorkFilter,
    WorkKind,
)
from tests.conftest import FrozenClock
from tests.contracts.conftest import empty_postgres, memory_backend, sql_backend
from tests.contracts.rows import Rows

TAGS, GENRES = ("noir", "Noir", "sea", "Ångström", "50%"), ("Crime", "crime", "Drama")
PEOPLE = ("José", "Jose", "Ann Other", "B, C")
SEASONS = [None, 0, 1, 2]
WORKS = 120
CHECKED = settings(
    max_examples=80,
    deadline=timedelta(seconds=30),
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    database=None,
)
# What makes plans differ is made so small that a few works call for all of them.
PATIENCE = [
    {},
    {"_STRIDES": (2, 5), "_PAGE": 1, "_MOST_SIZED": 3},
    {"_STRIDES": (1,), "_PAGE": 3, "_MOST_SIZED": 1000},
    {"_STRIDES": (30, 200), "_PAGE": 0, "_MOST_SIZED": 1000, "_MOST_MERGED": 1},
]


class World:
    """The same catalogue in all three, and what is in it."""

    def __init__(self, backends):
        self.backends, self.clock, self.pick = backends, FrozenClock(), random.Random(3)
        self.rows = Rows(self.everywhere, self.clock)
        self.libraries = [self.rows.new_library(f"library {n}") for n in range(3)]
        self.places = [self.rows.new_location(library) for library in self.libraries]
        self.peer = self.rows.new_connection("Bea")
        self.far = self.rows.new_location(self.libraries[2], connection_id=self.peer.id)
        self.series = [
            series_of(EpisodeMark(series=f"Series {n}", season=1, episode=1), self.rows.new_work().id, at=self.clock.now())
            for n in range(3)
        ]  # fmt: skip
        self.everywhere(self._begin)
        self.made = [self.add() for _ in range(WORKS)]
        for number in range(30):
            remote = self.rows.remote(
                f"r{number}", f"Far {number:02}", year=self.pick.choice([None, 1999, 2001]),
                rating=self.pick.choice([None, 5.0, 8.5]), tags=tuple(self.pick.sample(TAGS, 2)),
            )  # fmt: skip
            at = self.clock.now()
            self.everywhere(lambda tx, r=remote, at=at: tx.learnt.apply(self.peer.id, self.far.id, [r], at=at))  # fmt: skip
        for film in self.pick.sample(self.made, 30):
            state = self.pick.choice(list(Availability))
            ids = [video.id for video in film.videos]
            self.everywhere(lambda tx, i=ids, s=state: tx.scans.set_availability(i, s))
        for hidden, shown in zip(self.made[:8], self.made[20:28], strict=True):
            self.everywhere(lambda tx, h=hidden, s=shown: self._merge(tx, h, s))

    def everywhere(self, act):
        for backend in self.backends:
            with backend.unit_of_work() as tx:
                act(tx)
                tx.commit()

    def _begin(self, tx):
        for library in self.libraries:
            tx.libraries.add(library)
        tx.connections.add(self.peer, b"sealed", b"d" * 32)
        for location in (*self.places, self.far):
            tx.locations.add(location)
        for series in self.series:
            tx.series.add(series)

    def _merge(self, tx, hidden, shown):
        stored = tx.works.get(hidden.work.id)
        stored.merged_into = shown.work.id
        tx.works.save(stored)

    def add(self):
        pick, number = self.pick, self.rows.count()
        self.clock.forward(seconds=pick.randrange(2))
        is_episode = pick.random() < 0.3
        work = self.rows.new_work(
            pick.choice(["Zebra", "apple", "Ängel", "42"]) + f" {number:04}",
            year=pick.choice([None, 1999, 2001, 2020]),
            rating=pick.choice([None, 2.0, 5.0, 7.5, 9.0]),
            tags=tuple(pick.sample(TAGS, pick.randrange(3))),
            genres=tuple(pick.sample(GENRES, pick.randrange(2))),
            director=pick.choice(["", "", *PEOPLE]),
            credits=tuple(Credit(name, CreditRole.ACTOR) for name in pick.sample(PEOPLE, 1)),
            series_id=pick.choice(self.series).id if is_episode else None,
            season=pick.choice(SEASONS) if is_episode else None,
            episode=pick.choice([None, 1, 2]) if is_episode else None,
        )
        videos = [self.rows.new_video(work, place) for place in pick.sample(self.places, pick.choice([1, 1, 2]))]  # fmt: skip
        pairs = [(work if not n else None, video) for n, video in enumerate(videos)]
        self.everywhere(lambda tx: tx.scans.add(pairs))
        return SimpleNamespace(work=work, videos=videos)

    def visibilities(self):
        ids = [library.id for library in self.libraries]
        return [
            EVERYTHING,
            Visibility(libraries=frozenset(ids[:1]), learnt=False, metadata=True),
            Visibility(libraries=frozenset(ids[:2]), learnt=False, metadata=True),
            Visibility(libraries=frozenset(ids[1:]), learnt=True, metadata=True),
            Visibility(libraries=None, learnt=False, metadata=True),
            Visibility(libraries=frozenset(ids), learnt=True, metadata=False),
            Visibility(libraries=frozenset(), learnt=True, metadata=True),
        ]

    def filters(self):
        maybe = lambda *values: st.one_of(st.none(), st.none(), st.sampled_from(values))  # noqa: E731
        return st.builds(
            WorkFilter,
            year=maybe(1999, 2001, 1950),
            tag=maybe(*TAGS, "NOIR", "nothing"),
            library=maybe(*(library.id for library in self.libraries)),
            availability=maybe(Availability.AVAILABLE, Availability.OFFLINE),
            min_rating=maybe(0.0, 5.0, 8.0),
            genre=maybe(*GENRES, "nothing"),
            person=maybe(*PEOPLE, "c", "ann other"),
            series=maybe(*(series.id for series in self.series)),
            season=maybe(0, 1, 2),
            kind=maybe(*WorkKind),
        )


@pytest.fixture(scope="module")
def world(empty_sqlite, postgres_engine, tmp_path_factory):
    path = tmp_path_factory.mktemp("filters") / "velour.db"
    shutil.copy(empty_sqlite, path)
    engine = make_engine(sqlite_url(path))
    empty_postgres(postgres_engine)
    yield World(
        [memory_backend(), sql_backend("sqlite", engine), sql_backend("postgres", postgres_engine)]
    )
    engine.dispose()


@pytest.fixture(params=PATIENCE, ids=["as it is", "sorts late", "sorts soon", "never sorts"])
def patience(request, monkeypatch):
    for name, value in request.param.items():
        monkeypatch.setattr(ways, name, value)


def walk(catalogue, seen_by, limit, **more):
    found, after = [], None
    while True:
        part = catalogue.works_after(seen_by, after=after, limit=limit, **more)
        found += [json.loads(text)["title"] for text in part.documents]
        after = part.after
        if after is None:
            return found


def test_all_show_the_same_however_they_find_it(world, patience):
    @CHECKED
    @given(st.data())
    def holds(data):
        where, limit = data.draw(world.filters()), data.draw(st.integers(3, 40))
        seen_by = data.draw(st.sampled_from(world.visibilities()))
        sort = data.draw(st.sampled_from(SORTS if where.series is None else (*SORTS, EPISODE_SORT)))
        memory, *others = (backend.catalogue for backend in world.backends)
        wanted = walk(memory, seen_by, 1000, where=where, sort=sort)
        number = data.draw(st.integers(1, 1 + len(wanted) // limit))
        on_page = wanted[(number - 1) * limit : number * limit]
        lines = {json.loads(x)["title"] for c in memory.export(seen_by, where=where) for x in c.splitlines()}  # fmt: skip
        assert lines == set(wanted)
        for catalogue in others:
            assert walk(catalogue, seen_by, limit, where=where, sort=sort) == wanted
            page = catalogue.works_page(
                seen_by, page=number, per_page=limit, where=where, sort=sort
            )
            titles = [json.loads(text)["title"] for text in page.documents]
            assert (titles, page.total_count) == (on_page, len(wanted))
            cards = catalogue.cards(
                seen_by, viewer=None, after=None, limit=1000, where=where, sort=sort
            )
            assert [card.title for card in cards.cards] == wanted
            sent = [json.loads(x)["title"] for c in catalogue.export(seen_by, where=where) for x in c.splitlines()]  # fmt: skip
            assert sorted(sent) == sorted(wanted)

    holds()


def test_a_walk_meets_all_once_while_works_are_added(world, patience):
    @settings(CHECKED, max_examples=12)
    @given(st.data())
    def holds(data):
        where, limit = data.draw(world.filters()), data.draw(st.integers(3, 40))
        seen_by = data.draw(st.sampled_from(world.visibilities()[:5]))
        sort = data.draw(st.sampled_from(SORTS))
        for backend in world.backends:
            catalogue = backend.catalogue
            there = set(walk(catalogue, seen_by, 1000, where=where, sort=sort))
            found, after = [], None
            while True:
                part = catalogue.works_after(
                    seen_by, after=after, limit=limit, where=where, sort=sort
                )
                found += [json.loads(text)["title"] for text in part.documents]
                if (after := part.after) is None:
                    break
                if data.draw(st.booleans()):
                    world.add()
            assert len(found) == len(set(found))
            assert there <= set(found)
            whole = walk(catalogue, seen_by, 1000, where=where, sort=sort)
            assert [title for title in whole if title in set(found)] == found

    holds()


def test_terms_are_the_same_and_counted_right(world):
    for kind in TermKind:
        for starts in ("", "n", "Jos", "å", "x", "%"):
            answers = [
                [
                    (term.kind, term.name.casefold().replace("é", "e"), term.works)
                    for term in backend.catalogue.terms(kind, starts=starts, limit=50)
                ]
                for backend in world.backends
            ]
            assert answers[1] == answers[0], (kind, starts)
            assert answers[2] == answers[0], (kind, starts)
    first, second = world.backends[1].catalogue.terms(TermKind.TAG, limit=2)
    assert [first.name, second.name] == ["50%", "Ångström"]


def test_series_are_the_same_for_every_reader(world):
    for seen_by in world.visibilities():
        answers = []
        for backend in world.backends:
            cards, after = [], None
            while True:
                part = backend.catalogue.series_cards(seen_by, after=after, limit=2)
                cards += part.cards
                if (after := part.after) is None:
                    break
            views = [backend.catalogue.series_view(seen_by, series.id) for series in world.series]
            answers.append((cards, views))
        assert answers[1] == answers[0]
        assert answers[2] == answers[0]


def test_the_order_of_episodes_needs_a_series(world):
    for backend in world.backends:
        with pytest.raises(CursorInvalid):
            backend.catalogue.works_after(EVERYTHING, after=None, limit=5, sort=EPISODE_SORT)
