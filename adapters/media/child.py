"""The process that looks into media files: started by ``adapters.media.children``, killed at will.

It reads requests from a socket, one JSON object a message, with the file's open descriptor beside
it; a file of another machine has none, and is asked for in spans over the same socket. It answers
with one JSON object (and what it made behind it). It opens no file by name: FFmpeg gets ``fd:``, or
spans, and nothing else, so that no playlist inside a file leads anywhere. Before the first request
it gives up what it does not need.

Arguments: descriptor of the socket, of a pipe that ends with the parent, memory in MiB.
"""

import fcntl
import io
import json
import os
import select
import socket
import struct
import sys
import time
from typing import Any

import av
import av.logging
from PIL import Image

from adapters.media import captions, films, pictures
from adapters.media.films import Unreadable
from adapters.media.headers import hide_tables
from adapters.media.lockdown import lock_down
from adapters.media.spans import SpanFile

MAX_REQUEST = 4096
IDLE_S = 60.0  # the parent forgets an idle child earlier than this
REFUSED = 0xFFFFFFFF  # instead of the length of a span

_LIBRARY_WORDS = {
    av.error.InvalidDataError: "it is not a video, or it is damaged",
    av.error.EOFError: "it ends too early",
    av.error.DecoderNotFoundError: "its codec is not known",
    MemoryError: "it needs more memory than one file may take",
}

Answer = tuple[dict[str, Any], bytes]


class SpanRefused(Exception):
    """The parent gives no more of the file, and knows why."""


def main() -> None:
    """Answer requests until the parent closes its end, or asks nothing for a while."""
    socket_fd, alive_fd, memory_mib = map(int, sys.argv[1:])
    channel = socket.socket(fileno=socket_fd)
    _end_with_parent(alive_fd)
    av.logging.set_level(None)
    _load_everything()
    io_counts = os.open("/proc/self/io", os.O_RDONLY | os.O_CLOEXEC)
    lock_down(memory_mib=memory_mib)
    os.write(socket_fd, b"{}")
    while select.select([channel], [], [], IDLE_S)[0]:
        message, fds, _, _ = socket.recv_fds(channel, MAX_REQUEST, 1)
        if not message:
            return
        before, payload = _bytes_read(io_counts), b""
        try:
            answer, payload = _answer(json.loads(message), fds, socket_fd)
        except Unreadable as exc:
            answer = {"error": str(exc)}
        except Exception as exc:  # noqa: BLE001 - one bad file is one answer, whatever it raises
            answer = {"error": _in_words(exc)}
        finally:
            for fd in fds:
                os.close(fd)
        counts = {
            "payload_bytes": len(payload),
            "bytes_read": _bytes_read(io_counts) - before,
            "cpu_s": time.process_time(),
        }
        _write(socket_fd, _framed(answer | counts) + payload)


def _answer(request: dict[str, Any], fds: list[int], socket_fd: int) -> Answer:
    if not fds:
        return _answer_of_spans(request, socket_fd)
    (fd,) = fds
    size = os.fstat(fd).st_size
    if size == 0:
        raise Unreadable("the file is empty")
    match request["do"]:
        case "probe":
            return films.probe(fd, size, suffix=str(request["suffix"])), b""
        case "artwork":
            box = {side: int(request[side]) for side in ("max_width", "max_height")}
            return {}, pictures.artwork(os.pread(fd, size, 0), **box)
        case "captions":
            text = captions.from_file(os.pread(fd, size, 0), kind=str(request["kind"]))
            return {}, text.encode()
    with films.open_file(fd) as container:
        match request["do"]:
            case "still":
                return {}, pictures.still(container, at_share=float(request["at_share"]))
            case "storyboard":
                return pictures.storyboard(container)
            case _:
                return {}, captions.from_track(container, int(request["stream"])).encode()


def _answer_of_spans(request: dict[str, Any], socket_fd: int) -> Answer:
    def fetch(start: int, length: int) -> bytes:
        _write(socket_fd, _framed({"span": [start, length]}))
        (coming,) = struct.unpack("!I", _read(socket_fd, 4))
        if coming == REFUSED:
            raise SpanRefused
        return _read(socket_fd, coming)

    size = int(request["size"])
    if size == 0:
        raise Unreadable("the file is empty")
    file = SpanFile(size, fetch)
    if request["do"] == "probe":
        return films.probe_spans(file, suffix=str(request["suffix"])), b""
    hide_tables(file, keep_video_index=True)
    with films.open_spans(file, {"use_mfra_for": "pts"}) as container:
        return {}, pictures.still(container, at_share=float(request["at_share"]))


def _framed(fields: dict[str, Any]) -> bytes:
    head = json.dumps(fields).encode()
    return struct.pack("!I", len(head)) + head


def _write(fd: int, message: bytes) -> None:
    """Write all of it; not by send(), which is refused from now on."""
    left = memoryview(message)
    while left:
        left = left[os.write(fd, left) :]


def _read(fd: int, length: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < length:
        piece = os.read(fd, length - len(pieces))
        if not piece:
            raise EOFError
        pieces += piece
    return bytes(pieces)


def _in_words(exc: Exception) -> str:
    for kind, words in _LIBRARY_WORDS.items():
        if isinstance(exc, kind):
            return words
    return "it is not a video that can be read here"


def _end_with_parent(alive_fd: int) -> None:
    """Have the kernel end this process when the parent's end of the pipe closes.

    Not PR_SET_PDEATHSIG: that follows the *thread* which started the child. The default action of
    SIGIO is to terminate, also in the middle of decoding.
    """
    fcntl.fcntl(alive_fd, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(alive_fd, fcntl.F_SETFL, os.O_ASYNC)


def _bytes_read(io_counts: int) -> int:
    """Return how many bytes this process has read so far (``rchar``)."""
    first_line = os.pread(io_counts, 100, 0).split(b"\n", 1)[0]
    return int(first_line.rpartition(b" ")[2] or 0)


def _load_everything() -> None:
    """Touch what is loaded on first use, while files can be opened and memory is plenty."""
    frame: Any = av.VideoFrame(16, 16, "yuv420p")
    picture = frame.reformat(width=8, height=8, format="rgb24", threads=1).to_image()
    for kind in ("JPEG", "PNG", "WEBP"):
        out = io.BytesIO()
        picture.save(out, kind)
        Image.open(out, formats=[kind]).load()
    captions.from_file("1\n00:00:01,000 --> 00:00:02,000\nÄäh\n".encode("latin-1"), kind="subrip")


if __name__ == "__main__":
    main()
