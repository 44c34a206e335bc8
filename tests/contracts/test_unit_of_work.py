"""Transactions keep all or nothing, hand out copies, and never lose a write in silence."""

import threading
from dataclasses import replace
from uuid import UUID

import pytest

from domain.errors import AlreadyExists, Conflict, StaleWrite
from domain.federation.api_key import KeyNotFound
from domain.federation.connection import ConnectionNotFound, Direction
from domain.ids import LibraryId
from domain.jobs import JobNotFound
from domain.library.storage_location import LibraryNotFound, LocationNotFound
from domain.library.video import VideoNotFound
from domain.library.work import WorkNotFound
from domain.people import UserNotFound

ABSENT = LibraryId(UUID(int=1))


def test_leaving_without_commit_rolls_back(backend, rows):
    with backend.unit_of_work() as tx:
        tx.libraries.add(rows.new_library())
    with backend.read_only() as tx:
        assert list(tx.libraries.all()) == []


def test_an_error_rolls_back(backend, rows):
    with pytest.raises(ZeroDivisionError), backend.unit_of_work() as tx:
        tx.libraries.add(rows.new_library())
        1 / 0  # noqa: B018
    with backend.read_only() as tx:
        assert list(tx.libraries.all()) == []


def test_a_block_sees_its_own_writes(backend, rows):
    library = rows.new_library()
    with backend.unit_of_work() as tx:
        tx.libraries.add(library)
        assert tx.libraries.get(library.id) == library


def test_what_is_handed_out_is_a_copy(backend, rows):
    library = rows.library()
    with backend.unit_of_work() as tx:
        tx.libraries.get(library.id).name = "changed"
        tx.commit()
    library.name = "changed too"
    with backend.read_only() as tx:
        assert tx.libraries.get(library.id).name == "Films"


def test_reading_begins_no_transaction_that_can_commit(backend, rows):
    with pytest.raises(RuntimeError), backend.read_only() as tx:
        tx.commit()


def test_a_reader_does_not_wait_for_a_writer_and_does_not_see_it(backend, rows):
    with backend.unit_of_work() as writer:
        writer.libraries.add(rows.new_library())
        with backend.read_only() as reader:
            assert list(reader.libraries.all()) == []
        writer.commit()


def test_a_reader_sees_one_state(backend, rows):
    first = rows.library("first")
    with backend.read_only() as reader:
        assert [row.id for row in reader.libraries.all()] == [first.id]
        rows.library("second")
        assert [row.id for row in reader.libraries.all()] == [first.id]


@pytest.mark.parametrize(
    ("repository", "missing"),
    [
        ("libraries", LibraryNotFound),
        ("locations", LocationNotFound),
        ("works", WorkNotFound),
        ("videos", VideoNotFound),
        ("users", UserNotFound),
        ("api_keys", KeyNotFound),
        ("connections", ConnectionNotFound),
        ("jobs", JobNotFound),
    ],
)
def test_get_raises_what_is_missing(backend, repository, missing):
    with backend.read_only() as tx, pytest.raises(missing):
        getattr(tx, repository).get(ABSENT)


def saved(backend, rows, name):
    """Return a stored entity of the repository ``name``."""
    if name == "libraries":
        return rows.library()
    if name == "locations":
        return rows.location()
    if name == "works":
        return rows.film(rows.location())[0]
    if name == "users":
        return rows.user()
    if name == "api_keys":
        return rows.key()
    if name == "connections":
        return rows.connection()
    return rows.job()


VERSIONED = ["libraries", "locations", "works", "users", "api_keys", "connections", "jobs"]


@pytest.mark.parametrize("name", VERSIONED)
def test_a_save_counts_up_and_refuses_the_stale_copy(backend, rows, name):
    entity = saved(backend, rows, name)
    with backend.unit_of_work() as tx:
        one = getattr(tx, name).get(entity.id)
        other = getattr(tx, name).get(entity.id)
        getattr(tx, name).save(one)
        tx.commit()
    assert one.version == entity.version + 1
    with backend.unit_of_work() as tx, pytest.raises(StaleWrite):
        getattr(tx, name).save(other)
    with backend.read_only() as tx:
        assert getattr(tx, name).get(entity.id) == one


@pytest.mark.parametrize("name", VERSIONED)
def test_saving_what_is_not_there_says_so(backend, rows, name):
    entity = replace(saved(backend, rows, name), id=ABSENT)
    if hasattr(entity, "name"):
        entity.name = "another name"
    if hasattr(entity, "username"):
        entity.username, entity.email = "another", "another@example.org"
    with backend.unit_of_work() as tx, pytest.raises(Exception) as caught:
        getattr(tx, name).save(entity)
    assert caught.value.code.endswith("not-found")


def test_increments_by_many_threads_are_all_counted_or_refused(backend, rows):
    job = rows.job()
    counted, refused = [], []

    def increment():
        for _ in range(5):
            try:
                with backend.unit_of_work() as tx:
                    row = tx.jobs.get(job.id)
                    row.attempts += 1
                    tx.jobs.save(row)
                    tx.commit()
                counted.append(1)
            except StaleWrite:
                refused.append(1)

    threads = [threading.Thread(target=increment) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with backend.read_only() as tx:
        assert tx.jobs.get(job.id).attempts == len(counted)
    assert len(counted) + len(refused) == 20


def test_library_names_are_unique(backend, rows):
    rows.library("Films")
    other = rows.library("Series")
    with backend.unit_of_work() as tx, pytest.raises(AlreadyExists):
        tx.libraries.add(rows.new_library("Films"))
    with backend.unit_of_work() as tx, pytest.raises(AlreadyExists):
        other.name = "Films"
        tx.libraries.save(other)


def test_libraries_come_by_name(backend, rows):
    for name in ("b", "a", "c"):
        rows.library(name)
    with backend.read_only() as tx:
        assert [row.name for row in tx.libraries.all()] == ["a", "b", "c"]
        assert tx.libraries.find_by_name("b").name == "b"
        assert tx.libraries.find_by_name("d") is None


def test_a_library_stays_while_a_location_is_in_it(backend, rows):
    library = rows.library()
    location = rows.location(library)
    with backend.unit_of_work() as tx, pytest.raises(Conflict):
        tx.libraries.remove(library.id)
    rows.in_one(lambda tx: tx.locations.remove(location.id))
    rows.in_one(lambda tx: tx.libraries.remove(library.id))
    with backend.read_only() as tx, pytest.raises(LibraryNotFound):
        tx.libraries.get(library.id)


def test_a_removed_library_is_granted_no_longer(backend, rows):
    gone, kept = rows.library("gone"), rows.library("kept")
    key = rows.key(libraries=frozenset({gone.id, kept.id}))
    rows.in_one(lambda tx: tx.libraries.remove(gone.id))
    with backend.read_only() as tx:
        assert tx.api_keys.get(key.id).libraries == {kept.id}


def test_location_names_are_unique(backend, rows):
    location = rows.location(name="disk")
    library = rows.library("other")
    with backend.unit_of_work() as tx, pytest.raises(AlreadyExists):
        tx.locations.add(rows.new_location(library, "disk"))
    with backend.read_only() as tx:
        assert tx.locations.find_by_name("disk").id == location.id


def test_secrets_of_a_location_are_kept_apart(backend, rows):
    location = rows.location(secrets=b"sealed", options={"path": "/films"})
    with backend.unit_of_work() as tx:
        assert tx.locations.get(location.id).options == {"path": "/films"}
        assert tx.locations.secrets(location.id) == b"sealed"
        tx.locations.set_secrets(location.id, None)
        tx.commit()
    with backend.read_only() as tx:
        assert tx.locations.secrets(location.id) is None


def test_a_location_is_found_by_its_connection(backend, rows):
    connection, location = rows.peer()
    with backend.read_only() as tx:
        assert tx.locations.find_by_connection(connection.id).id == location.id
        assert tx.locations.find_by_connection(ABSENT) is None


def test_removing_a_location_takes_its_videos_and_works_without_another(backend, rows):
    library = rows.library()
    here, there = rows.location(library), rows.location(library)
    alone, video = rows.film(here, "Alone")
    both, other = rows.film(here, "Both")
    kept = rows.second_video(both, there)
    user = rows.user()
    rows.watch(user, video)
    rows.in_one(lambda tx: tx.locations.remove(here.id))
    with backend.read_only() as tx:
        assert tx.videos.get(kept.id).work_id == both.id
        assert tx.works.get(both.id).title == "Both"
        assert tx.watch_states.find(user.id, video.id) is None
        for repository, absent in [("works", alone), ("videos", video), ("videos", other)]:
            with pytest.raises((WorkNotFound, VideoNotFound)):
                getattr(tx, repository).get(absent.id)


def test_work_and_video_come_back_whole(backend, rows):
    work, video = rows.film(
        rows.location(),
        "Amélie “Œuvre”",
        year=2001,
        description="two\nlines",
        director="J",
        rating=8.3,
        content_rating="12",
        tags=("a", "b c"),
        external_ids={"imdb": "tt1"},
        organized=True,
        video={"etag": "e"},
    )
    with backend.read_only() as tx:
        assert tx.works.get(work.id) == work
        assert tx.videos.get(video.id) == video


def test_users_are_found_by_name_or_address_in_any_case(backend, rows):
    user = rows.user("Ann", email="Ann@Example.org")
    with backend.unit_of_work() as tx:
        assert tx.users.find("aNN").id == user.id
        assert tx.users.find("ann@EXAMPLE.org").id == user.id
        assert tx.users.find("a") is None
        for clash in (
            rows.new_user("ANN", email="x@y"),
            rows.new_user("b.b", email="ANN@example.ORG"),
        ):
            with pytest.raises(AlreadyExists):
                tx.users.add(clash)
        assert tx.users.count() == 1


def test_a_removed_user_leaves_no_sessions_and_no_watch_states(backend, rows):
    user, (_, video) = rows.user(), rows.film(rows.location())
    rows.session(user)
    rows.watch(user, video)
    rows.in_one(lambda tx: tx.users.remove(user.id))
    assert backend.credentials.find_session(b"d" * 32, rows.clock.now()) is None
    with backend.read_only() as tx:
        assert tx.watch_states.find(user.id, video.id) is None
        assert list(tx.users.all()) == []


def test_sessions_end_by_digest_by_person_and_by_age(backend, rows):
    ann, bob, now = rows.user("ann"), rows.user("bob"), rows.clock.now()
    rows.session(ann, digest=b"1" * 32)
    rows.session(ann, digest=b"2" * 32)
    rows.session(bob, digest=b"3" * 32)
    rows.session(digest=b"4" * 32)
    rows.in_one(lambda tx: tx.sessions.remove(b"1" * 32))
    rows.in_one(lambda tx: tx.sessions.remove(b"none"))
    assert backend.credentials.find_session(b"1" * 32, now) is None
    rows.in_one(lambda tx: tx.sessions.remove_of(ann.id))
    assert backend.credentials.find_session(b"2" * 32, now) is None
    rows.clock.forward(days=1)
    rows.session(digest=b"5" * 32)
    assert rows.in_one(lambda tx: tx.sessions.remove_stale(rows.clock.now())) == 2
    assert backend.credentials.find_session(b"3" * 32, now) is None
    assert backend.credentials.find_session(b"5" * 32, now) is not None


def test_a_watch_state_is_replaced(backend, rows):
    user, (_, video) = rows.user(), rows.film(rows.location())
    rows.watch(user, video, 10.0)
    state = rows.watch(user, video, 20.0, watched=True)
    with backend.read_only() as tx:
        assert tx.watch_states.find(user.id, video.id) == state


def test_keys_by_name_give_the_newest_good_one(backend, rows):
    old = rows.key("phone")
    rows.clock.forward(hours=1)
    new = rows.key("phone")
    rows.clock.forward(hours=1)
    with backend.unit_of_work() as tx:
        assert tx.api_keys.find_by_name("phone").id == new.id
        assert [key.id for key in tx.api_keys.all()] == [new.id, old.id]
        new.revoke(at=rows.clock.now())
        tx.api_keys.save(new)
        assert tx.api_keys.find_by_name("phone").id == old.id
        assert tx.api_keys.find_by_name("radio") is None


def test_touching_a_key_is_no_write_of_it(backend, rows):
    library = rows.library()
    key = rows.key(networks=("192.0.2.0/24",), libraries=frozenset({library.id}))
    now = rows.clock.now()
    rows.in_one(lambda tx: tx.api_keys.touch(key.id, at=now, address="192.0.2.7"))
    with backend.unit_of_work() as tx:
        stored = tx.api_keys.get(key.id)
        assert (stored.last_used_at, stored.last_used_from) == (now, "192.0.2.7")
        assert (stored.libraries, stored.networks) == (key.libraries, key.networks)
        tx.api_keys.save(key)


def test_connection_names_are_unique_among_those_not_revoked(backend, rows):
    first = rows.connection("Bea", digest=b"1" * 32)
    with backend.unit_of_work() as tx, pytest.raises(AlreadyExists):
        tx.connections.add(rows.new_connection("Bea"), None, b"2" * 32)
    with backend.unit_of_work() as tx:
        first.revoke(at=rows.clock.now())
        tx.connections.save(first)
        assert tx.connections.find_by_name("Bea").id == first.id
        tx.commit()
    second = rows.connection("Bea", digest=b"1" * 32)
    with backend.read_only() as tx:
        assert tx.connections.find_by_name("Bea").id == second.id


def test_an_address_and_key_are_used_once(backend, rows):
    rows.connection("Bea", digest=b"1" * 32, remote_url="https://b")
    rows.connection("Cleo", digest=b"1" * 32, remote_url="https://c")
    rows.connection("Dora", digest=b"2" * 32, remote_url="https://b")
    with backend.unit_of_work() as tx, pytest.raises(AlreadyExists):
        tx.connections.add(rows.new_connection("Eve", remote_url="https://b"), None, b"1" * 32)


def test_live_connections_are_counted_by_direction(backend, rows):
    bea, cleo = rows.connection("Bea"), rows.connection("Cleo")
    key = rows.key()
    inbound = rows.new_connection(
        "in", direction=Direction.INBOUND, remote_url="", api_key_id=key.id
    )
    rows.in_one(lambda tx: tx.connections.add(inbound, None, None))
    with backend.unit_of_work() as tx:
        assert tx.connections.count_live(bea.direction) == 2
        assert tx.connections.find_by_key(key.id).id == inbound.id
        bea.suspend(at=rows.clock.now())
        tx.connections.save(bea)
        cleo.reject(at=rows.clock.now())
        tx.connections.save(cleo)
        assert tx.connections.count_live(bea.direction) == 1
        assert [row.name for row in tx.connections.all()] == ["Bea", "Cleo", "in"]


def test_the_sealed_key_is_kept_apart(backend, rows):
    connection = rows.connection(sealed=b"sealed")
    with backend.read_only() as tx:
        assert tx.connections.sealed_key(connection.id) == b"sealed"
        with pytest.raises(ConnectionNotFound):
            tx.connections.sealed_key(ABSENT)
