"""Bodies as plain servers iterate them, and the pipes that spliced ones borrow."""

import os

import pytest

from adapters.server.pipes import SMALL, PipePool
from ports.byte_body import BodyTruncated, BytesBody, FileBody, Permit, SocketBody, WatchedBody
from tests.unit.streaming.conftest import (
    DATA,
)


def test_plain_servers_iterate_the_same_bytes(file, pair):
    body = FileBody(os.open(file, os.O_RDONLY), start=1, length=1_000_000)
    watched = WatchedBody(body, permit=None, done=None)
    assert b"".join(watched) == DATA[1:1_000_001]
    assert watched.sent == 1_000_000
    watched.close()
    watched.close()


def test_a_short_file_raises_instead_of_ending(file):
    body = FileBody(os.open(file, os.O_RDONLY), start=0, length=len(DATA) + 1)
    with pytest.raises(BodyTruncated):
        list(body)
    body.close()


def test_iterating_resumes_three_times_and_then_raises(pair):
    first, origin = pair()
    origin.close()
    asked = []

    def resume(received):
        asked.append(received)
        near, far = pair()
        far.sendall(b"x")
        far.close()
        return SocketBody(near, length=10 - received, release=lambda *_: None)

    body = SocketBody(first, length=10, release=lambda *_: None, resume=resume)
    got = []
    with pytest.raises(BodyTruncated):
        got.extend(body)
    assert asked == [0, 1, 2]
    assert b"".join(got) == b"xxx"
    body.close()


@pytest.mark.parametrize("resume", [None, lambda _: 1 / 0])
def test_what_cannot_be_opened_again_is_truncated(pair, resume):
    near, far = pair()
    far.close()
    with pytest.raises(BodyTruncated):
        list(SocketBody(near, length=10, release=lambda *_: None, resume=resume))


def test_a_rest_of_another_length_is_not_the_rest(pair):
    (near, far), (again, _) = pair(), pair()
    far.close()
    closed = []
    rest = SocketBody(again, length=99, release=lambda _, reusable: closed.append(reusable))
    with pytest.raises(BodyTruncated):
        list(SocketBody(near, length=10, release=lambda *_: None, resume=lambda _: rest))
    assert closed == [False]


def test_iterating_gives_the_upstream_back(pair):
    near, far = pair()
    far.sendall(b"tail")
    released = []
    body = SocketBody(
        near, length=8, prefix=b"head", release=lambda _, reusable: released.append(reusable)
    )
    assert b"".join(body) == b"headtail"
    body.close()
    assert released == [True]


def test_iterating_asks_for_permission_by_time(monkeypatch):
    monkeypatch.setattr("ports.byte_body.RECHECK_S", 0.0)
    body = WatchedBody(BytesBody(b"x"), permit=Permit("a", lambda: False), done=None)
    with pytest.raises(BodyTruncated):
        list(body)
    body = WatchedBody(BytesBody(b"x"), permit=Permit("a", lambda: True), done=None)
    assert list(body) == [b"x"]


def test_a_question_without_an_answer_counts_as_yes_for_a_while(monkeypatch):
    permit = Permit("a", lambda: 1 / 0)
    assert permit.holds()
    monkeypatch.setattr("ports.byte_body.UNANSWERED_S", 0.0)
    assert not permit.holds()


# ------------------------------------------------------------------------------------ pipes


def test_pipes_are_kept_while_empty_and_few_are_large():
    pool = PipePool(large=1, keep=1)
    large, small = pool.take(), pool.take()
    assert large.capacity > small.capacity == SMALL
    pool.give_back(small, empty=True)
    pool.give_back(large, empty=False)  # closed: it holds somebody's bytes
    assert pool.take() is small
    another = pool.take()
    assert another.capacity > SMALL
    pool.give_back(another, empty=True)
    pool.give_back(small, empty=True)  # one too many
    with pytest.raises(OSError):
        os.fstat(small.read_fd)
    pool.close()
    with pytest.raises(OSError):
        os.fstat(another.read_fd)
