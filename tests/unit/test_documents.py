"""Documents over the guarded client: small posts, and caps of one document."""

import threading

import pytest
from flask import Flask, request
from werkzeug.serving import WSGIRequestHandler, make_server

from adapters.http.addresses import AddressRules
from adapters.http.dial import Dialer
from adapters.http.documents import Documents
from adapters.http.outbound import Outbound
from adapters.http.pool import Pool
from ports.federation.peers import LimitReached, PeerMisbehaves
from tests.federation.servers import RawServer, respond


class Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_request(self, *_):
        pass


@pytest.fixture
def server():
    app = Flask("echo")
    app.seen = []

    @app.route("/", methods=["GET", "POST"])
    def echo():
        app.seen.append((request.method, dict(request.headers)))
        return request.get_data() or b"x" * 5000

    listening = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Handler)
    thread = threading.Thread(target=listening.serve_forever, args=[0.02], daemon=True)
    thread.start()
    app.url = f"http://127.0.0.1:{listening.server_port}/"
    yield app
    listening.shutdown()
    listening.server_close()
    thread.join(5)


@pytest.fixture
def documents():
    pool = Pool()
    dialer = Dialer(AddressRules(["127.0.0.0/8"]), connect_timeout_s=1, require_https=False)
    outbound = Outbound(dialer, pool, first_byte_timeout_s=2)
    yield Documents(outbound, timeout_s=3, max_bytes=10_000)
    pool.close()


@pytest.mark.parametrize("content", [b"", b"{}", b"\r\n\r\nGET / HTTP/1.1\r\n\r\n" * 100])
def test_a_post_carries_its_content_and_nothing_else(server, documents, content):
    answer = documents.post(server.url, headers={"Content-Type": "text/plain"}, content=content)
    assert answer.status == 200
    assert bytes(answer.content) == (content or b"x" * 5000)
    ((method, headers),) = server.seen
    assert (method, headers["Content-Length"]) == ("POST", str(len(content)))
    assert headers["Content-Type"] == "text/plain"


def test_a_post_takes_a_new_connection_and_a_get_a_kept_one(documents):
    def answer(text, sock):
        respond(sock, b"{}")
        return text.startswith("GET")

    with RawServer(answer) as raw:
        for _ in range(2):
            documents.get(raw.url, headers={})
        assert raw.connections == 1
        documents.post(raw.url, headers={}, content=b"a")
        assert raw.connections == 2


def test_a_post_is_small(server, documents):
    with pytest.raises(PeerMisbehaves, match="too large"):
        documents.post(server.url, headers={}, content=b"x" * (64 * 1024 + 1))
    assert server.seen == []


def test_one_document_may_have_a_lower_cap(server, documents):
    assert len(documents.get(server.url, headers={}).content) == 5000
    with pytest.raises(LimitReached):
        documents.get(server.url, headers={}, max_bytes=4999)
