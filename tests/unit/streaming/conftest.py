"""Sockets, files and streams for tests of the streamer and of bodies."""

import os
import socket
import threading

import pytest

from adapters.server.streamer import Streamer
from adapters.server.transfers import FileTransfer
from ports.byte_body import FileBody, SocketBody, WatchedBody

SIZE = 3_000_000
DATA = os.urandom(SIZE)


@pytest.fixture
def made():
    """Sockets and files to close at the end."""
    things = []
    yield things
    for thing in things:
        thing.close()


@pytest.fixture
def pair(made):
    """Make a connection over TCP: (near end, far end)."""

    def make():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            near = socket.create_connection(listener.getsockname())
            far, _ = listener.accept()
        made.extend((near, far))
        far.settimeout(10)
        return near, far

    return make


@pytest.fixture
def streamer():
    running = Streamer(max_streams=3, stall_timeout_s=0.8)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "film"
    path.write_bytes(DATA)
    return path


class Ending:
    """What a stream's end told."""

    def __init__(self):
        self.complete, self.sent = None, None
        self._ended, self._closed = threading.Event(), threading.Event()

    def ended(self, complete):
        self.complete = complete
        self._ended.set()

    def done(self, sent):
        self.sent = sent
        self._closed.set()

    def wait(self):
        assert self._ended.wait(10)
        assert self._closed.wait(10)
        return self.complete, self.sent


def file_stream(streamer, sink, path, *, start=0, length=SIZE, permit=None):
    sink.setblocking(False)
    ending = Ending()
    body = FileBody(os.open(path, os.O_RDONLY), start=start, length=length)
    stream = WatchedBody(body, permit=permit, done=ending.done)
    assert streamer.admit()
    streamer.add(FileTransfer(sink, stream, body, ending.ended))
    return ending


def socket_stream(streamer, sink, source, *, copied, length=SIZE, resume=None, prefix=b""):
    sink.setblocking(False)
    ending, released = Ending(), []

    def release(sock, reusable):
        released.append(reusable)
        sock.close()

    body = SocketBody(source, length=length, prefix=prefix, release=release, resume=resume)
    stream = WatchedBody(body, permit=None, done=ending.done)
    assert streamer.admit()
    ending.released = released
    streamer.add(streamer.socket_transfer(sink, stream, body, ending.ended, copied=copied))
    return ending


def receive(sock, length=SIZE):
    data = bytearray()
    while len(data) < length:
        piece = sock.recv(1 << 16)
        if not piece:
            break
        data += piece
    return bytes(data)


def feed(sock, data, then=lambda sock: None):
    def run():
        sock.sendall(data)
        then(sock)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread
