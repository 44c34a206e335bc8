"""What a sync and a request to a peer rely on, whatever keeps the rows."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.federation.connection import Connection, ConnectionState, Direction
from domain.federation.remote_work import RemoteVideo, RemoteWork
from domain.ids import ConnectionId, LibraryId, LocationId
from domain.library.storage_location import Library, StorageLocation, StorageType
from domain.library.video import Fingerprints, MediaFacts
from ports.federation.credentials import PeerHolder

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def remote(number):
    video = RemoteVideo(
        remote_id=f"v{number}",
        filename="film.mp4",
        file_size=100,
        facts=MediaFacts(),
        fingerprints=Fingerprints(),
        web_compatible=True,
        available=True,
    )
    return RemoteWork(
        remote_id=f"w{number}",
        title=f"Film {number}",
        year=None,
        description="",
        director="",
        rating=None,
        content_rating=None,
        tags=(),
        external_ids={},
        videos=(video,),
        digest=bytes([number]) * 32,
    )


@pytest.fixture
def connect(backend, new_id):
    """Add an outbound connection with its location; return both ids."""

    def connect(name, state=ConnectionState.ACTIVE):
        connection = Connection(
            id=ConnectionId(new_id()),
            name=name,
            direction=Direction.OUTBOUND,
            created_at=NOW,
            changed_at=NOW,
            state=state,
            remote_url=f"http://{name}.example",
        )
        library = Library(id=LibraryId(new_id()), name=name, created_at=NOW)
        location = StorageLocation(
            id=LocationId(new_id()),
            name=name,
            storage_type=StorageType.VELOUR,
            library_id=library.id,
            created_at=NOW,
            connection_id=connection.id,
        )
        with backend.unit_of_work() as tx:
            tx.libraries.add(library)
            tx.connections.add(connection, b"sealed", b"digest")
            tx.locations.add(location)
            tx.commit()
        return connection.id, location.id

    return connect


def test_rows_are_found_by_remote_id_within_their_connection(backend, connect):
    one, other = connect("one"), connect("other")
    with backend.unit_of_work() as tx:
        rows = tx.learnt.apply(*one, [remote(n) for n in range(3)], at=NOW).rows
        tx.learnt.apply(*other, [remote(1)], at=NOW)
        tx.commit()
    with backend.read_only() as tx:
        assert sorted(tx.learnt.rows_of(one[0], ["w0", "w2", "w9"])) == [rows[0], rows[2]]
        assert list(tx.learnt.rows_of(one[0], [])) == []


def test_availability_goes_and_comes_back(backend, connect):
    one, other = connect("one"), connect("other")
    with backend.unit_of_work() as tx:
        tx.learnt.apply(*one, [remote(n) for n in range(3)], at=NOW)
        tx.learnt.apply(*other, [remote(1)], at=NOW)
        assert tx.learnt.set_offline(one[0]) == 3
        assert tx.learnt.set_offline(one[0]) == 0
        assert tx.learnt.set_online(one[0]) == 3
        assert tx.learnt.set_online(other[0]) == 0


def test_what_a_request_to_a_peer_needs_is_one_look_up(backend, connect):
    connection_id, _ = connect("one", ConnectionState.SUSPENDED)
    assert backend.credentials.find_peer(connection_id) == PeerHolder(
        ConnectionState.SUSPENDED, "http://one.example", b"sealed"
    )
    assert backend.credentials.find_peer(ConnectionId(UUID(int=1))) is None
