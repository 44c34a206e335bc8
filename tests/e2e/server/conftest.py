"""The real supervisor, gunicorn and worker on a small application, and a raw upstream to proxy."""

import array
import contextlib
import datetime as dt
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

ROOT = Path(__file__).parents[3]
SIZE = 48 * 1024 * 1024
_START = """
import sys
from adapters.server.supervisor import NodeServer
options = dict(max_streams=2000, stall_timeout_s=60.0, graceful_timeout_s=3.0, send_buffer_bytes=0, trusted_proxies=())
options.update(eval(sys.argv[1]))
server = NodeServer(application="tests.e2e.server.byte_app:app", **options)
raise SystemExit(server(host="127.0.0.1", port=0, workers=1, threads=8, with_jobs=False, say=lambda t: print(t, flush=True)))
"""


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    """A file in which every eight bytes say where they are."""
    path = tmp_path_factory.mktemp("bytes") / "film.bin"
    path.write_bytes(array.array("Q", range(SIZE // 8)).tobytes())
    return path


_begun = []


@pytest.fixture(autouse=True)
def close_viewers():
    """Close what a test left open."""
    yield
    while _begun:
        _begun.pop().close()


class Running:
    """A served application."""

    def __init__(self, film, allow, **options):
        env = {
            **os.environ,
            "BYTE_APP_FILE": str(film),
            "BYTE_APP_ALLOW": str(allow),
            "PYTHONPATH": str(ROOT),
        }
        self.allow = allow
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, repr(options)],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        line = self.process.stdout.readline()
        found = re.search(r"http://127.0.0.1:(\d+)", line)
        assert found, line + self.process.stderr.read()
        self.port = int(found[1])

    def get(self, path, method="GET", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(
            method, path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        with contextlib.closing(connection):
            response = connection.getresponse()
            return response, response.read()

    def report(self):
        return json.loads(self.get("/report")[1])

    def connect(self, receive_buffer=0):
        sock = socket.socket()
        _begun.append(sock)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.settimeout(20)
        sock.connect(("127.0.0.1", self.port))
        return sock

    def begin(self, path, receive_buffer=0, **headers):
        """Send a request and return the socket after the header, with the first bytes of the body."""
        sock = self.connect(receive_buffer)
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(4096)
        return sock, head.partition(b"\r\n\r\n")[2]

    @property
    def web_pids(self):
        arbiter = _children(self.process.pid)[0]
        return arbiter, *_children(arbiter)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.web_pids[1]}/fd"))

    def stop(self):
        """Stop as an init system would; return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=40)
        finally:
            self.process.kill()
            self.process.communicate()


def _children(pid):
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def eventually(check, timeout_s=10.0):
    """Wait until ``check()`` is true."""
    deadline = time.monotonic() + timeout_s
    while not check():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.fixture
def serve(film, tmp_path):
    """Start servers; each is stopped at the end."""
    running = []

    def start(**options):
        allow = tmp_path / "allow"
        allow.touch()
        running.append(Running(film, allow, **options))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="module")
def server(film, tmp_path_factory):
    """One server for tests that leave it as it was."""
    allow = tmp_path_factory.mktemp("allow") / "allow"
    allow.touch()
    running = Running(film, allow)
    yield running
    assert running.stop() == 0


class Upstream:
    """A raw HTTP server: names in ``breaks`` say after how many body bytes a request is cut."""

    def __init__(self, data, tls=None):
        self.tls = tls
        self.data, self.breaks, self.asked, self.open = data, {}, [], 0
        self.stalls = False
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        self.open += 1
        if self.tls:
            sock = self.tls.wrap_socket(sock, server_side=True)
        with sock, contextlib.suppress(OSError):
            head = b""
            while b"\r\n\r\n" not in head:
                head += sock.recv(4096)
            text = head.decode()
            name = text.split()[1].removeprefix("/")
            asked = re.search(r"Range: bytes=(\d+)-(\d*)", text)
            self.asked.append(asked and asked[0])
            start = int(asked[1]) if asked else 0
            end = (
                min(int(asked[2] or len(self.data) - 1), len(self.data) - 1)
                if asked
                else len(self.data) - 1
            )
            length = end - start + 1
            extra = f"Content-Range: bytes {start}-{end}/{len(self.data)}\r\n" if asked else ""
            status = "206 Partial Content" if asked else "200 OK"
            sock.sendall(f"HTTP/1.1 {status}\r\n{extra}Content-Length: {length}\r\n\r\n".encode())
            cuts = self.breaks.get(name, [])
            cut = cuts.pop(0) if cuts else None
            sock.sendall(self.data[start : start + (length if cut is None else min(cut, length))])
            while self.stalls:
                time.sleep(0.05)
            if cut is None:
                sock.recv(1)  # until the other side is done
        self.open -= 1


@pytest.fixture
def upstream(film):
    """An upstream that serves the film."""
    running = Upstream(film.read_bytes())
    yield running
    running.stalls = False
    running.close()


@pytest.fixture
def tls_upstream(film, tmp_path):
    """The same over TLS, with a certificate of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now).not_valid_after(now + dt.timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = tmp_path / "upstream.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    running = Upstream(film.read_bytes(), context)
    yield running
    running.close()
