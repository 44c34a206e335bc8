"""The process that looks into media files: started by ``adapters.media.children``, killed at will.

It reads requests from a socket, one JSON object a message, each with the file's open descriptor
beside it, and answers with one JSON object (and the picture behind it). It opens no file by name:
FFmpeg gets ``fd:`` and nothing else, so that no playlist inside a file leads anywhere. Before the
first request it gives up what it does not need.

Arguments: descriptor of the socket, of a pipe that ends with the parent, memory in MiB.
"""

import contextlib
import fcntl
import io
import json
import math
import os
import select
import socket
import struct
import sys
from fractions import Fraction
from typing import Any

import av
import av.logging
from PIL import Image

from adapters.media.lockdown import lock_down

MAX_REQUEST = 4096
IDLE_S = 60.0  # the parent forgets an idle child earlier than this
MAX_WIDTH = 640
MAX_PIXELS = 64_000_000  # of a coded picture; 8K has 33 million
OSHASH_BLOCK = 65536
ATTACHED_PICTURE = 0x400

_FORMATS = "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,rm,mxf"
_LIBRARY_WORDS = {
    av.error.InvalidDataError: "it is not a video, or it is damaged",
    av.error.EOFError: "it ends too early",
    av.error.DecoderNotFoundError: "its codec is not known",
    MemoryError: "it needs more memory than one file may take",
}


class Unreadable(Exception):
    """The file cannot be read as a video; the text says why."""


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
        before, picture = _bytes_read(io_counts), b""
        try:
            answer, picture = _answer(json.loads(message), fds[0])
        except Unreadable as exc:
            answer = {"error": str(exc)}
        except Exception as exc:  # noqa: BLE001 - one bad file is one answer, whatever it raises
            answer = {"error": _in_words(exc)}
        finally:
            for fd in fds:
                os.close(fd)
        counts = {"picture_bytes": len(picture), "bytes_read": _bytes_read(io_counts) - before}
        head = json.dumps(answer | counts).encode()
        _write(socket_fd, struct.pack("!I", len(head)) + head + picture)


def _write(fd: int, message: bytes) -> None:
    """Write all of it; not by send(), which is refused from now on."""
    left = memoryview(message)
    while left:
        left = left[os.write(fd, left) :]


def _answer(request: dict[str, Any], fd: int) -> tuple[dict[str, Any], bytes]:
    size = os.fstat(fd).st_size
    if size == 0:
        raise Unreadable("the file is empty")
    if request["do"] == "still":
        return {}, still(fd, at_share=float(request["at_share"]))
    return probe(fd, size, suffix=str(request["suffix"])), b""


def probe(fd: int, size: int, *, suffix: str) -> dict[str, Any]:
    """Return the facts of the file's streams, ready for JSON."""
    head = os.pread(fd, 64, 0)
    with _open(fd) as container:
        video = _video_stream(container)
        audio = next(iter(container.streams.audio), None)
        context = video.codec_context
        return {
            "duration": _duration(container, video),
            "width": context.width,
            "height": context.height,
            "video_codec": _codec(video),
            "audio_codec": _codec(audio) if audio is not None else None,
            "container": _container(container, head, suffix),
            "bit_rate": container.bit_rate or None,
            "frame_rate": _number(video.average_rate or video.guessed_rate),
            "title": container.metadata.get("title", "")[:1000] or None,
            "oshash": oshash(fd, size),
        }


def still(fd: int, *, at_share: float) -> bytes:
    """Return the key frame before that share of the duration as WebP."""
    with _open(fd) as container:
        video = _video_stream(container)
        context = video.codec_context
        if context.width * context.height > MAX_PIXELS:
            raise Unreadable("its pictures are too large")
        context.thread_count = 1
        context.skip_frame = "NONKEY"
        duration = _duration(container, video)
        if duration:
            with contextlib.suppress(av.error.FFmpegError):
                container.seek(int(duration * at_share * av.time_base))
        frame = next(container.decode(video), None)
        if frame is None:
            container.seek(0)
            frame = next(container.decode(video), None)
        if frame is None:
            raise Unreadable("it holds no picture")
        if frame.width * frame.height > MAX_PIXELS:
            raise Unreadable("its pictures are too large")
        width, height = _fit(frame.width, frame.height, video.sample_aspect_ratio)
        picture = frame.reformat(width=width, height=height, format="rgb24", threads=1).to_image()
    return _webp(picture)


def oshash(fd: int, size: int) -> str:
    """Return the OpenSubtitles hash: size plus the 64-bit words of the first and last 64 KiB."""
    total = size
    for offset in (0, max(0, size - OSHASH_BLOCK)):
        block = os.pread(fd, OSHASH_BLOCK, offset)
        block = block[: len(block) // 8 * 8]
        total += sum(struct.unpack(f"<{len(block) // 8}Q", block))
    return f"{total & 0xFFFFFFFFFFFFFFFF:016x}"


def _open(fd: int) -> Any:
    os.lseek(fd, 0, os.SEEK_SET)
    options = {
        "fd": str(fd),
        "protocol_whitelist": "fd",
        "format_whitelist": _FORMATS,
        "max_pixels": str(MAX_PIXELS),
        "max_streams": "100",
    }
    return av.open("fd:", options=options, metadata_errors="replace")


def _video_stream(container: Any) -> Any:
    for stream in container.streams.video:
        context = stream.codec_context
        if context is None or int(stream.disposition) & ATTACHED_PICTURE:
            continue
        if context.width > 0 and context.height > 0:
            return stream
    raise Unreadable("no video stream")


def _codec(stream: Any) -> str | None:
    """Name the codec, not the library that decodes it; None for one that is not known."""
    context = stream.codec_context
    return None if context is None else str(context.codec.canonical_name)[:50]


def _duration(container: Any, video: Any) -> float | None:
    if container.duration and container.duration > 0:
        return round(float(container.duration) / av.time_base, 3)
    if video.duration and video.duration > 0:
        return round(float(video.duration * video.time_base), 3)
    return None


def _number(rate: Fraction | None) -> float | None:
    value = float(rate) if rate else 0.0
    return round(value, 3) if math.isfinite(value) and value > 0 else None


def _container(container: Any, head: bytes, suffix: str) -> str:
    """Name the container as people do; FFmpeg has one name for several relatives."""
    names = container.format.name.split(",")
    if "mov" in names:
        brand = container.metadata.get("major_brand", "")
        if brand.startswith("qt") or (not brand and suffix == ".mov"):
            return "mov"
        return "3gp" if brand.startswith("3g") else "mp4"
    if "matroska" in names:
        return "webm" if b"webm" in head else "matroska"
    return str(names[0])


def _fit(width: int, height: int, aspect: Fraction | None) -> tuple[int, int]:
    """Return the size of the picture: square pixels, even numbers, at most MAX_WIDTH wide."""
    if aspect and Fraction(1, 8) <= aspect <= 8:
        width = max(1, round(width * aspect))
    scale = min(1.0, MAX_WIDTH / width, MAX_WIDTH * 2 / height)
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


def _webp(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=75, method=2)
    return out.getvalue()


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
    """Touch what is loaded on first use: later nothing can be opened."""
    frame: Any = av.VideoFrame(16, 16, "yuv420p")
    _webp(frame.reformat(width=8, height=8, format="rgb24", threads=1).to_image())


if __name__ == "__main__":
    main()
