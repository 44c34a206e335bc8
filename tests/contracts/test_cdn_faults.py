"""A CDN in a bucket that is closed, gone or lies: one of the port's errors, and never a secret."""

import io
import socket
import threading
from contextlib import closing, contextmanager

import pytest

from adapters.cdn.s3 import PART, S3Cdn
from adapters.cdn.s3_client import Keys, place
from adapters.http.writes import Writes
from ports.resources.cdn import CdnRefuses, CdnUnreachable
from tests.buckets import KEY, SECRET
from tests.contracts.guarded import guarded_client

GOOD = Keys(KEY, SECRET)
OBJECT = "019a0000-0000-7000-8000-000000000001/019a0000-0000-7000-8000-000000000002/1.big"


@contextmanager
def opened(endpoint, *, bucket="parts", keys=GOOD, **options):
    origins, _ = guarded_client(**options)
    where = place(endpoint=endpoint, bucket=bucket, region="us-east-1", prefix="")
    cdn = S3Cdn(where, reader=keys, writer=keys, origins=origins, writes=Writes(origins, timeout_s=5))  # fmt: skip
    with closing(origins):
        yield cdn


CALLS = {
    "head": lambda cdn: cdn.head(OBJECT),
    "get": lambda cdn: cdn.get(OBJECT),
    "put": lambda cdn: cdn.put(OBJECT, io.BytesIO(b"x"), length=1),
    "put in parts": lambda cdn: cdn.put(OBJECT, io.BytesIO(bytes(PART + 1)), length=PART + 1),
    "delete": lambda cdn: cdn.delete(OBJECT),
    "list": lambda cdn: list(cdn.iter_objects()),
    "plan": lambda cdn: cdn.presign_put(OBJECT, length=PART * 9, expires_s=60),
}


@pytest.fixture(params=CALLS)
def call(request):
    return CALLS[request.param]


def words_of(caught):
    texts, exc = [], caught.value
    while exc is not None:
        texts.append(str(exc))
        exc = exc.__cause__
    return str(caught.value), " ".join(texts)


def test_wrong_keys_are_told_without_them(s3_store, call):
    bucket = s3_store.new_bucket()
    wrong = Keys(KEY, "another-secret-than-the-right-one")
    with opened(s3_store.endpoint, bucket=bucket, keys=wrong) as cdn:
        with pytest.raises(CdnRefuses) as caught:
            call(cdn)
    s3_store.remove_bucket(bucket)

    assert "another-secret" not in words_of(caught)[1]
    assert "another-secret" not in repr(cdn._writer)


def test_a_server_that_is_gone(call):
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        port = listening.getsockname()[1]
    with opened(f"http://127.0.0.1:{port}") as cdn, pytest.raises(CdnUnreachable):
        call(cdn)


def test_a_private_network_that_no_setting_names(call):
    with (
        opened("http://127.0.0.1:9000", allowed=()) as cdn,
        pytest.raises(CdnUnreachable) as caught,
    ):
        call(cdn)
    assert "storage.allowed_networks" in words_of(caught)[0]


ANSWERS = {
    "nonsense": b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnope",
    "a page": b"HTTP/1.1 200 OK\r\nContent-Length: 29\r\n\r\n<!DOCTYPE html><html></html>\n",
    "elsewhere": b"HTTP/1.1 301 Moved\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
    "an error": b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
    "not HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "other XML": b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n<a></a>",
}


@contextmanager
def saying(answer):
    """Run a server that says the same to everybody."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.settimeout(10)

        def serve():
            while True:
                try:
                    sock, _ = listening.accept()
                except OSError:
                    return
                with closing(sock):
                    sock.settimeout(1)
                    try:
                        while True:
                            data = sock.recv(65_536)
                            if not data or b"\r\n\r\n" in data:
                                break
                        sock.sendall(answer)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=12)


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("name", ["delete", "list", "plan", "put", "get"])
def test_answers_that_are_not_of_s3(answer, name):
    with saying(ANSWERS[answer]) as endpoint, opened(endpoint) as cdn:
        harmless = {("other XML", "delete"), ("other XML", "list")}
        if name == "get" and answer in {"nonsense", "a page", "other XML"}:
            cdn.get(OBJECT).close()  # bytes like any others: whoever reads looks at their digest
        elif (answer, name) in harmless:
            CALLS[name](cdn)
        else:
            with pytest.raises((CdnRefuses, CdnUnreachable)) as caught:
                CALLS[name](cdn)
            assert "169.254" not in str(caught.value)
