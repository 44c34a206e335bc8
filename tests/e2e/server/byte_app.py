"""A small WSGI application with every kind of body, for running the real worker on.

Paths: ``/hello``; ``/file`` (BYTE_APP_FILE, with Range); ``/guarded`` (the same, allowed while
BYTE_APP_ALLOW exists); ``/proxy/PORT/NAME`` (from a raw HTTP server on this machine); ``/tls/PORT/NAME`` (over TLS);
``/short`` (an iterable that ends early); ``/report`` (what ended streams reported).
"""

import json
import os
import socket
import ssl
import threading
from pathlib import Path

from domain.library.byte_range import Window, byte_window
from ports.byte_body import FileBody, Permit, SocketBody, WatchedBody

_reports = []
_released = []


def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path in {"/file", "/guarded"}:
        return _file(environ, start_response, guarded=path == "/guarded")
    if path.startswith(("/proxy/", "/tls/")):
        _, kind, port, name = path.split("/")
        return _proxy(environ, start_response, int(port), name, tls=kind == "tls")
    if path == "/short":
        start_response("200 OK", [("Content-Length", "100"), ("Content-Type", "text/plain")])
        return iter([b"x" * 40])
    body = b"hello"
    if path == "/report":
        body = json.dumps(
            {"sent": _reports, "released": _released, "threads": threading.active_count()}
        ).encode()
    if path == "/echo":
        body = environ["wsgi.input"].read()
    start_response("200 OK", [("Content-Length", str(len(body))), ("Content-Type", "text/plain")])
    return [body]


def _respond(environ, start_response, size, window):
    headers = [
        ("Content-Type", "video/mp4"),
        ("Accept-Ranges", "bytes"),
        ("Content-Length", str(window.length)),
    ]
    if "HTTP_RANGE" in environ:
        headers.append(
            ("Content-Range", f"bytes {window.start}-{window.start + window.length - 1}/{size}")
        )
        start_response("206 Partial Content", headers)
    else:
        start_response("200 OK", headers)


def _file(environ, start_response, *, guarded):
    fd = os.open(os.environ["BYTE_APP_FILE"], os.O_RDONLY)
    size = os.fstat(fd).st_size
    window = byte_window(environ.get("HTTP_RANGE", ""), size)
    window = window if isinstance(window, Window) else Window(0, size)
    _respond(environ, start_response, size, window)
    allow = Path(os.environ.get("BYTE_APP_ALLOW", "/"))
    permit = Permit("guarded", allow.exists) if guarded else None
    return WatchedBody(
        FileBody(fd, start=window.start, length=window.length), permit=permit, done=_reports.append
    )


def _connect(port, name, extra, *, tls):
    sock = socket.create_connection(("127.0.0.1", port), timeout=5)
    if tls:
        sock = ssl._create_unverified_context().wrap_socket(sock)
    sock.sendall(f"GET /{name} HTTP/1.1\r\nHost: x\r\n{extra}\r\n".encode())
    head = b""
    while b"\r\n\r\n" not in head:
        piece = sock.recv(8192)
        if not piece:
            raise ConnectionError
        head += piece
    head, _, prefix = head.partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    return sock, int(fields["Content-Length"]), fields.get("Content-Range"), prefix


def _release(sock, reusable):
    _released.append(reusable)
    sock.close()


def _proxy(environ, start_response, port, name, *, tls):
    asked = environ.get("HTTP_RANGE", "")
    sock, length, content_range, prefix = _connect(
        port, name, f"Range: {asked}\r\n" if asked else "", tls=tls
    )
    start, size = 0, length
    if content_range:
        span, _, total = content_range.removeprefix("bytes ").partition("/")
        start, size = int(span.split("-")[0]), int(total)

    def resume(received):
        again, rest, _, first = _connect(
            port, name, f"Range: bytes={start + received}-{start + length - 1}\r\n", tls=tls
        )
        return SocketBody(again, length=rest, prefix=first, release=_release)

    _respond(environ, start_response, size, Window(start, length))
    body = SocketBody(sock, length=length, prefix=prefix, release=_release, resume=resume)
    return WatchedBody(body, permit=None, done=_reports.append)
