"""Peers as real local servers that answer byte by byte as a test says."""

import contextlib
import json
import socket
import threading
import time
import zlib
from functools import cache

JSON = "application/json"


class RawServer:
    """Answers each request on a connection with ``answer(request, connection)``.

    ``answer`` gets the header of the request as text and the socket, and writes what it wants;
    a true return value keeps the connection for the next request.
    """

    def __init__(self, answer):
        self.answer = answer
        self.requests = []
        self.connections = 0
        self._sockets = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for sock in list(self._sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._sockets.add(sock)
            threading.Thread(target=self._serve, args=[sock], daemon=True).start()

    def _serve(self, sock):
        data = b""
        with sock, contextlib.suppress(OSError):
            while True:
                while b"\r\n\r\n" not in data:
                    piece = sock.recv(65536)
                    if not piece:
                        return
                    data += piece
                head, _, data = data.partition(b"\r\n\r\n")
                text = head.decode("latin-1")
                self.requests.append(text)
                if not self.answer(text, sock):
                    break
        self._sockets.discard(sock)


def target(request):
    return request.split(" ", 2)[1]


def respond(sock, body=b"", *, status="200 OK", headers=(), length=True, kind=JSON):
    """Write a plain answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    return True


@cache
def gzip_bomb(mib):
    """Compress that many MiB of blanks without ever holding them."""
    packer = zlib.compressobj(wbits=31)
    piece = b" " * (1024 * 1024)
    return b"".join([*(packer.compress(piece) for _ in range(mib)), packer.flush()])


def dripping(sock, data, *, every_s, size=1):
    """Write ``data`` a few bytes at a time."""
    for start in range(0, len(data), size):
        sock.sendall(data[start : start + size])
        time.sleep(every_s)


def work(number, **changes):
    """A record as a good peer sends it."""
    record = {
        "id": f"w{number}",
        "title": f"Film {number}",
        "year": 1990,
        "content_rating": None,
        "organized": True,
        "created_at": "2026-01-01T00:00:00.000000Z",
        "updated_at": "2026-01-01T00:00:00.000000Z",
        "description": "",
        "director": "",
        "rating": 7.5,
        "tags": ["drama"],
        "external_ids": {"imdb": f"tt{number}"},
        "videos": [
            {
                "id": f"v{number}",
                "filename": f"film-{number}.mp4",
                "file_size": 1000,
                "web_compatible": True,
                "duration": 90.5,
                "width": 640,
                "height": 360,
                "video_codec": "h264",
                "audio_codec": "aac",
                "container": "mp4",
                "bit_rate": 1000,
                "frame_rate": 25.0,
                "fingerprints": {"oshash": "0" * 16, "sha256": None, "xxhash64": None},
                "storage_type": "local",
                "availability": "available",
            }
        ],
    }
    record.update(changes)
    return record


def page(works, *, total=None, pages=1, current=1):
    return json.dumps(
        {
            "works": works,
            "pagination": {
                "current_page": current,
                "total_pages": pages,
                "total_count": len(works) if total is None else total,
            },
        }
    ).encode()
