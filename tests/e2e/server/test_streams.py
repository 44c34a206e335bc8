"""What viewers see of our worker: every byte, or a connection that visibly broke."""

import hashlib
import http.client
import os
import random
import signal
import socket
import threading
import time

import pytest

from .conftest import SIZE, eventually

pytestmark = pytest.mark.slow


def read_all(sock, begun=b""):
    """Return what comes until the end, and whether the end was a reset."""
    pieces = [begun]
    try:
        while piece := sock.recv(1 << 16):
            pieces.append(piece)
    except ConnectionResetError:
        return b"".join(pieces), True
    return b"".join(pieces), False


@pytest.mark.parametrize("path", ["/file", "/proxy"])
def test_a_film_arrives_in_full_and_at_100_random_ranges(server, film, upstream, path):
    path = path if path == "/file" else f"/proxy/{upstream.port}/film"
    data = film.read_bytes()
    response, body = server.get(path)
    assert response.status == 200
    assert hashlib.sha256(body).digest() == hashlib.sha256(data).digest()
    dice = random.Random(3)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    for _ in range(100):
        start = dice.randrange(SIZE)
        end = min(SIZE - 1, start + dice.choice([0, 7, 1000, 1 << 20, 3 << 20]))
        connection.request("GET", path, headers={"Range": f"bytes={start}-{end}"})
        response = connection.getresponse()
        body = response.read()
        assert response.status == 206
        assert body == data[start : end + 1]
    connection.close()


def test_pipelined_requests_are_all_answered_in_order(server):
    with server.connect() as sock:
        one = b"GET /file HTTP/1.1\r\nHost: x\r\nRange: bytes=8-15\r\n\r\n"
        last = b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        sock.sendall(one * 3 + last)
        body, reset = read_all(sock)
    assert not reset
    assert body.count(b"206 Partial Content") == 3
    assert body.endswith(b"hello")


def test_a_request_without_host_is_refused(server):
    with server.connect() as sock:
        sock.sendall(b"GET /hello HTTP/1.1\r\n\r\n")
        assert read_all(sock)[0].startswith(b"HTTP/1.1 400 ")


def test_idle_connections_hold_no_thread(server):
    idle = [server.connect() for _ in range(40)]
    begun = time.monotonic()
    assert server.get("/hello")[1] == b"hello"
    assert time.monotonic() - begun < 2
    for sock in idle:
        sock.close()


def test_requests_that_trickle_in_hold_no_thread(server):
    slow = [server.connect() for _ in range(20)]
    for part in (b"GET /hello HT", b"TP/1.1\r\nHo", b"st: x\r\n"):
        for sock in slow:
            sock.sendall(part)
        assert server.get("/hello")[1] == b"hello"
    for sock in slow:
        sock.sendall(b"\r\n")
        assert b"200 OK" in sock.recv(4096)


def test_bodies_that_trickle_in_hold_no_thread(server):
    slow = [server.connect() for _ in range(20)]
    for sock in slow:
        sock.sendall(
            b"POST /echo HTTP/1.1\r\nHost: x\r\ncontent-length: 10\r\nConnection: close\r\n\r\n12345"
        )
    assert server.get("/hello")[1] == b"hello"
    for sock in slow:
        sock.sendall(b"67890")
        assert read_all(sock)[0].endswith(b"1234567890")


@pytest.mark.parametrize("expect", [{}, {"Expect": "100-continue"}])
def test_a_long_body_arrives_whole(server, expect):
    body = os.urandom(700_000)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.request("POST", "/echo", body=body, headers=expect)
    assert connection.getresponse().read() == body
    connection.close()


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /" + b"x" * 5000, b"414"),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 9000, b"431"),
        (b"x" * 70_000, b"4"),
    ],
)
def test_what_is_too_long_is_refused(server, head, status):
    with server.connect() as sock:
        sock.sendall(head + b"\r\n\r\n")
        assert sock.recv(4096).startswith(b"HTTP/1.1 " + status)


def test_a_body_with_a_get_is_read_away_before_the_next_request(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    for _ in range(2):
        connection.request("GET", "/file", body=b"x" * 5000, headers={"Range": "bytes=0-3"})
        assert len(connection.getresponse().read()) == 4
    connection.close()


@pytest.mark.parametrize("kind", ["file", "proxy"])
def test_600_viewers_who_vanish_leave_nothing_behind(server, upstream, kind):
    path = "/file" if kind == "file" else f"/proxy/{upstream.port}/film"
    server.get(path, Range="bytes=0-9")
    before = server.descriptors()
    for _ in range(3):
        viewers = [server.begin(path, receive_buffer=8192)[0] for _ in range(200)]
        if kind == "proxy":
            assert upstream.open >= 200
        for sock in viewers:
            sock.close()
        eventually(lambda: server.descriptors() <= before + 70)  # pipes that are kept
    eventually(lambda: upstream.open == 0)
    assert server.get("/hello")[1] == b"hello"


def test_slow_viewers_do_not_slow_anybody(server):
    slow = [server.begin("/file", receive_buffer=8192)[0] for _ in range(100)]
    begun = time.monotonic()
    assert server.get("/hello")[1] == b"hello"
    assert len(server.get("/file", Range="bytes=0-8388607")[1]) == 8388608
    assert time.monotonic() - begun < 5
    assert server.report()["threads"] <= 16
    for sock in slow:
        sock.close()


def test_what_was_sent_is_reported_once(serve):
    server = serve()
    server.get("/file", Range="bytes=0-99")
    server.get("/file", method="HEAD")
    sock, _ = server.begin("/file", receive_buffer=8192)
    sock.close()
    eventually(lambda: len(server.report()["sent"]) == 3)
    assert sorted(server.report()["sent"])[:2] == [0, 100]
    assert server.report()["sent"][2] < SIZE


def test_a_stalled_viewer_is_cut_and_a_slow_one_is_not(serve):
    server = serve(stall_timeout_s=2.0)
    stalled, begun = server.begin("/file", receive_buffer=8192)
    slow, slow_begun = server.begin("/file", receive_buffer=8192)
    received = len(slow_begun)
    until = time.monotonic() + 6
    while time.monotonic() < until:
        received += len(slow.recv(65536))
        time.sleep(0.2)
    _, reset = read_all(stalled, begun)
    assert reset
    while received < SIZE:
        piece = slow.recv(1 << 20)
        assert piece
        received += len(piece)
    slow.close()


def test_a_silent_upstream_is_opened_again_where_it_fell_silent(serve, upstream, film):
    server = serve(stall_timeout_s=1.0)
    upstream.breaks["film"] = [1_000_000]
    upstream.stalls = True
    threading.Timer(3, lambda: setattr(upstream, "stalls", False)).start()
    assert server.get(f"/proxy/{upstream.port}/film")[1] == film.read_bytes()
    assert "Range: bytes=1000000-" in str(upstream.asked)


def test_a_broken_upstream_is_resumed_at_the_exact_byte(server, upstream, film):
    upstream.breaks["film"] = [1_000_003, 777, 0]
    _, body = server.get(f"/proxy/{upstream.port}/film", Range=f"bytes=5-{SIZE - 2}")
    assert body == film.read_bytes()[5 : SIZE - 1]
    assert upstream.asked[1:] == [
        f"Range: bytes={5 + sent}-{SIZE - 2}" for sent in (1_000_003, 1_000_780, 1_000_780)
    ]


def test_a_film_over_tls_is_copied_resumed_and_given_back(server, tls_upstream, film):
    data = film.read_bytes()
    path = f"/tls/{tls_upstream.port}/film"
    assert hashlib.sha256(server.get(path)[1]).digest() == hashlib.sha256(data).digest()
    tls_upstream.breaks["film"] = [1_000_003, 20_000]
    assert server.get(path, Range=f"bytes=7-{SIZE - 1}")[1] == data[7:]
    slow, begun = server.begin(path, receive_buffer=16384)
    time.sleep(0.5)
    assert len(read_all_of(slow, begun)) == SIZE
    assert server.report()["released"][-1] is True


def test_a_truncated_tls_upstream_never_looks_complete(server, tls_upstream):
    tls_upstream.breaks["film"] = [500_000, 10, 10, 10]
    sock, begun = server.begin(f"/tls/{tls_upstream.port}/film")
    body, reset = read_all(sock, begun)
    assert reset
    assert len(body) < SIZE


def test_a_truncated_upstream_never_looks_complete(server, upstream):
    upstream.breaks["film"] = [500_000, 10, 10, 10]
    sock, begun = server.begin(f"/proxy/{upstream.port}/film")
    body, reset = read_all(sock, begun)
    assert reset
    assert len(body) < SIZE


def test_an_iterable_that_ends_early_never_looks_complete(server):
    sock, begun = server.begin("/short")
    assert read_all(sock, begun)[1]


def test_a_refused_stream_ends_within_30_seconds(serve):
    server = serve()
    sock, begun = server.begin("/guarded", receive_buffer=65536)
    other, other_begun = server.begin("/file", receive_buffer=65536)
    server.allow.unlink()
    refused_at = time.monotonic()
    received = len(begun)
    with pytest.raises(ConnectionResetError):
        while True:
            received += len(sock.recv(1024))
            time.sleep(0.05)
    assert time.monotonic() - refused_at < 30
    assert received < SIZE
    assert len(read_all_of(other, other_begun)) == SIZE


def read_all_of(sock, begun):
    body = bytearray(begun)
    while len(body) < SIZE:
        piece = sock.recv(1 << 20)
        assert piece
        body += piece
    return bytes(body)


def test_more_streams_than_there_are_places_are_told_to_come_back(serve):
    server = serve(max_streams=2)
    running = [server.begin("/file", receive_buffer=8192)[0] for _ in range(2)]
    response, body = server.get("/file")
    assert response.status == 503
    assert response.getheader("Retry-After")
    assert response.getheader("Content-Type") == "application/problem+json"
    assert b"streams.full" in body
    for sock in running:
        sock.close()
    eventually(lambda: server.get("/file", Range="bytes=0-0")[0].status == 206)


def test_sigterm_lets_a_stream_finish_and_refuses_new_connections(serve, film):
    server = serve(graceful_timeout_s=20.0)
    sock, begun = server.begin("/file", receive_buffer=65536)
    server.process.send_signal(signal.SIGTERM)

    def is_refused():
        try:
            socket.create_connection(("127.0.0.1", server.port), timeout=5).close()
        except OSError:
            return True
        return False

    eventually(is_refused)
    assert read_all_of(sock, begun) == film.read_bytes()
    sock.close()
    assert server.process.wait(timeout=10) == 0


def test_sigterm_cuts_what_does_not_finish_in_time(serve):
    server = serve(graceful_timeout_s=1.0)
    sock, begun = server.begin("/file", receive_buffer=8192)
    idle = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    idle.request("GET", "/hello")
    idle.getresponse().read()
    begun_at = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begun_at < 8
    assert read_all(sock, begun)[1]
    idle.close()


def test_a_killed_worker_and_a_killed_server_process_are_replaced(serve):
    server = serve()
    arbiter, worker = server.web_pids
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: len(server.web_pids) == 2 and server.web_pids[1] != worker)
    assert server.get("/hello")[1] == b"hello"
    os.kill(arbiter, signal.SIGKILL)
    eventually(lambda: _answers(server), timeout_s=20)
    assert server.stop() == 0


def test_a_killed_supervisor_takes_its_processes_along(serve):
    server = serve()
    pids = server.web_pids
    server.process.kill()
    server.process.wait()
    eventually(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids))


def test_ctrl_c_in_a_terminal_is_a_clean_stop(serve):
    server = serve()
    sock, begun = server.begin("/file", receive_buffer=65536)
    os.killpg(os.getpgid(server.process.pid), signal.SIGINT)
    assert len(read_all_of(sock, begun)) == SIZE
    sock.close()
    assert server.process.wait(timeout=10) == 0


def _answers(server):
    try:
        return server.get("/hello")[1] == b"hello" and server.web_pids
    except (OSError, http.client.HTTPException, IndexError):
        return False
