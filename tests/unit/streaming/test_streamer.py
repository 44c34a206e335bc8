"""The streamer's thread on real sockets of this process."""

import os
import socket
import threading
import time

import pytest

from adapters.server.streamer import Streamer
from adapters.server.transfers import FileTransfer, SinkGone, SourceBroken, Wants
from ports.byte_body import FileBody, Permit, SocketBody, WatchedBody
from tests.unit.streaming.conftest import (
    DATA,
    Ending,
    feed,
    file_stream,
    receive,
    socket_stream,
)


def test_a_span_of_a_file_arrives(streamer, pair, file):
    near, far = pair()
    ending = file_stream(streamer, near, file, start=5, length=2_000_000)
    assert receive(far, 2_000_000) == DATA[5:2_000_005]
    assert ending.wait() == (True, 2_000_000)


def test_a_file_that_shrank_is_cut(streamer, pair, file):
    near, far = pair()
    ending = file_stream(streamer, near, file, length=len(DATA) + 1)
    receive(far)
    assert ending.wait() == (False, len(DATA))


@pytest.mark.parametrize("copied", [False, True])
def test_an_upstream_arrives_and_is_given_back(streamer, pair, copied):
    (near, far), (source, origin) = pair(), pair()
    ending = socket_stream(streamer, near, source, copied=copied)
    feeding = feed(origin, DATA)
    assert receive(far) == DATA
    assert ending.wait() == (True, len(DATA))
    assert ending.released == [True]
    feeding.join()


@pytest.mark.parametrize("copied", [False, True])
def test_a_broken_upstream_goes_on_from_the_next(streamer, pair, copied):
    (near, far), (source, origin), (again, second) = pair(), pair(), pair()
    asked = []

    def resume(received):
        asked.append(received)
        feed(second, DATA[received + 10 :])
        return SocketBody(
            again, length=len(DATA) - received, prefix=DATA[received : received + 10], release=lambda *_: None
        )  # fmt: skip

    ending = socket_stream(streamer, near, source, copied=copied, resume=resume)
    feed(origin, DATA[:1_000_001], then=lambda sock: sock.close())
    assert receive(far) == DATA
    assert ending.wait() == (True, len(DATA))
    assert asked == [1_000_001]


@pytest.mark.parametrize("copied", [False, True])
def test_an_upstream_that_stays_broken_is_cut(streamer, pair, copied):
    (near, far), (source, origin) = pair(), pair()
    ending = socket_stream(streamer, near, source, copied=copied)
    feed(origin, DATA[:1000], then=lambda sock: sock.close())
    assert receive(far, 1000) == DATA[:1000]
    assert ending.wait() == (False, 1000)
    assert ending.released == [False]


def test_a_viewer_who_goes_ends_the_upstream_at_once(streamer, pair):
    (near, far), (source, origin) = pair(), pair()
    ending = socket_stream(streamer, near, source, copied=False)
    origin.sendall(b"x")
    far.recv(1)
    far.close()
    assert ending.wait() == (False, 1)
    assert origin.recv(1) == b""


def test_a_viewer_who_goes_while_the_upstream_is_opened_again_ends_it(streamer, pair):
    (near, far), (source, origin), (again, _) = pair(), pair(), pair()
    opening, gone, closed = threading.Event(), threading.Event(), threading.Event()

    def resume(received):
        opening.set()
        assert gone.wait(10)
        return SocketBody(
            again, length=len(DATA) - received, release=lambda sock, _: (sock.close(), closed.set())
        )  # fmt: skip

    ending = socket_stream(streamer, near, source, copied=False, resume=resume)
    origin.close()
    assert opening.wait(10)
    far.close()
    assert ending.wait()[0] is False
    gone.set()
    assert closed.wait(10)


def test_who_stalls_is_cut_and_who_reads_slowly_is_not(streamer, pair, file):
    (near, far), (slow_near, slow) = pair(), pair()
    for one in (near, slow_near):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    stalled = file_stream(streamer, near, file)
    reading = file_stream(streamer, slow_near, file)
    received = 0
    until = time.monotonic() + 2
    while time.monotonic() < until:
        received += len(slow.recv(30_000))
        time.sleep(0.05)
    assert stalled.wait()[0] is False
    assert received + len(receive(slow, len(DATA) - received)) == len(DATA)
    assert reading.wait() == (True, len(DATA))
    del far


def test_a_silent_upstream_without_another_is_cut(streamer, pair):
    (near, _far), (source, _origin) = pair(), pair()
    assert socket_stream(streamer, near, source, copied=False).wait() == (False, 0)


def test_a_refused_group_is_cut_and_the_others_go_on(pair, file, monkeypatch):
    monkeypatch.setattr("adapters.server.streamer.RECHECK_S", 0.1)
    streamer = Streamer(max_streams=3, stall_timeout_s=30)
    streamer.start()
    allowed = threading.Event()
    allowed.set()
    (near, _far), (other_near, other) = pair(), pair()
    near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
    refused = file_stream(streamer, near, file, permit=Permit("a", allowed.is_set))
    kept = file_stream(streamer, other_near, file, permit=Permit("b", lambda: True))
    allowed.clear()
    assert refused.wait()[0] is False
    assert receive(other) == DATA
    assert kept.wait()[0] is True
    streamer.stop()


def test_draining_lets_streams_end_and_then_cuts_them(pair, file):
    streamer = Streamer(max_streams=3, stall_timeout_s=30)
    streamer.start()
    (near, far), (late_near, _late) = pair(), pair()
    quick = file_stream(streamer, near, file)
    slow = file_stream(streamer, late_near, file, length=len(DATA))
    streamer.drain(0.5)
    assert receive(far) == DATA
    assert quick.wait()[0] is True
    assert slow.wait()[0] in {True, False}  # what fitted into the kernel's buffers is out
    streamer.stop()


def test_places_are_counted(streamer, pair, file):
    assert all(streamer.admit() for _ in range(3))
    assert not streamer.admit()
    streamer._places.release()
    near, _ = pair()
    file_stream(streamer, near, file, length=10).wait()
    assert streamer.admit()


def test_a_transfer_that_ended_in_its_thread_is_settled(streamer, pair, file):
    near, far = pair()
    near.setblocking(False)
    ending = Ending()
    body = FileBody(os.open(file, os.O_RDONLY), start=0, length=100)
    stream = WatchedBody(body, permit=None, done=ending.done)
    transfer = FileTransfer(near, stream, body, ending.ended)
    assert streamer.admit()
    assert transfer.advance() is Wants.NOTHING
    streamer.settle(transfer)
    assert ending.sent == 100
    assert receive(far, 100) == DATA[:100]


def test_a_source_that_breaks_in_its_thread_is_mended_by_the_streamer(streamer, pair):
    (near, far), (source, origin), (again, second) = pair(), pair(), pair()
    near.setblocking(False)
    second.sendall(b"rest")
    ending = Ending()

    def resume(received):
        return SocketBody(again, length=4 - received, release=lambda *_: None)

    body = SocketBody(source, length=4, release=lambda sock, _: sock.close(), resume=resume)
    stream = WatchedBody(body, permit=None, done=ending.done)
    transfer = streamer.socket_transfer(near, stream, body, ending.ended, copied=False)
    origin.close()
    assert streamer.admit()
    time.sleep(0.05)
    with pytest.raises(SourceBroken):
        transfer.advance()
    streamer.add_broken(transfer)
    assert receive(far, 4) == b"rest"
    assert ending.wait() == (True, 4)


def test_a_gone_viewer_is_noticed_by_writing(pair, file):
    near, far = pair()
    near.setblocking(False)
    far.close()
    body = FileBody(os.open(file, os.O_RDONLY), start=0, length=len(DATA))
    transfer = FileTransfer(near, WatchedBody(body, permit=None, done=None), body, lambda _: None)
    with pytest.raises(SinkGone):
        for _ in range(100):
            transfer.advance()
            time.sleep(0.01)
    transfer.drop()
