"""What FFmpeg says of a film. Runs in the child: see ``adapters.media.child``."""

import contextlib
import math
import os
import struct
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import av

from adapters.media.boxes import Length
from adapters.media.headers import hide_tables
from adapters.media.spans import SpanFile
from domain.library.subtitles import MAX_TRACKS

MAX_PIXELS = 64_000_000  # of a coded picture; 8K has 33 million
OSHASH_BLOCK = 65536
LARGE = 32 * 1024 * 1024  # a file whose tables may be long
DEFAULT, FORCED, HEARING_IMPAIRED, ATTACHED_PICTURE = 0x1, 0x40, 0x80, 0x400

_FORMATS = "mov,matroska,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,rm,mxf"
_LIMITS = {
    "format_whitelist": _FORMATS,
    "max_pixels": str(MAX_PIXELS),
    "max_streams": "100",
}
# Of a file of another machine: its header, and few packets. Transport and program streams have no
# header: their packets alone tell the codecs, and some begin in the middle of a picture.
_FRUGAL = {"probesize": "262144", "analyzeduration": "1000000"}
_HEADLESS = {"probesize": "3145728", "analyzeduration": "5000000"}
_HEADS = (b"\x1aE\xdf\xa3", b"RIFF", b"FLV")
_BUFFER = 16 * 1024

ReadAt = Callable[[int, int], bytes]
"""Returns bytes of a file: (start, length); fewer at its end."""


class Unreadable(Exception):
    """The file cannot be read as what it should be; the text says why."""


def open_file(fd: int) -> Any:
    """Open a file of this machine for FFmpeg: by ``fd:`` alone, so that nothing leads elsewhere."""
    os.lseek(fd, 0, os.SEEK_SET)
    options = {"fd": str(fd), "protocol_whitelist": "fd", **_LIMITS}
    return av.open("fd:", options=options, metadata_errors="replace")


def probe(fd: int, size: int, *, suffix: str) -> dict[str, Any]:
    """Return the facts of the file's streams, ready for JSON.

    FFmpeg would read all of a long film's tables, so those are hidden from it here as well; where
    it cannot tell the length then, it reads what it likes.
    """

    def fetch(start: int, length: int) -> bytes:
        span = os.pread(fd, length, start)
        if len(span) < length:
            raise EOFError  # the file was cut just now
        return span

    if size >= LARGE:
        with contextlib.suppress(av.error.FFmpegError, Unreadable, EOFError):
            facts = probe_spans(SpanFile(size, fetch), suffix=suffix)
            if facts["duration"]:
                return facts
    with open_file(fd) as container:
        facts = _facts(container, os.pread(fd, 64, 0), suffix)
    return facts | {"oshash": oshash(lambda at, length: os.pread(fd, length, at), size)}


def probe_spans(file: SpanFile, *, suffix: str) -> dict[str, Any]:
    """Return the same of a file of another machine, by its header alone."""
    digest = oshash(file.span, file.size)
    head = file.span(0, 64)
    length = hide_tables(file)
    with open_spans(file, {"fflags": "ignidx"}) as container:
        facts = _facts(container, head, suffix)
    return facts | _corrected(length, file.size) | {"oshash": digest}


def open_spans(file: SpanFile, options: dict[str, str]) -> Any:
    """Open a file of another machine; no protocol at all is allowed."""
    head = file.span(0, 8)
    has_header = head.startswith(_HEADS) or head[4:].isalpha()
    frugal = _FRUGAL if has_header else _HEADLESS
    options = {"protocol_whitelist": "none", **_LIMITS, **frugal, **options}
    return av.open(file, options=options, metadata_errors="replace", buffer_size=_BUFFER)


def oshash(read_at: ReadAt, size: int) -> str:
    """Return the OpenSubtitles hash: size plus the 64-bit words of the first and last 64 KiB."""
    total = size
    for offset in (0, max(0, size - OSHASH_BLOCK)):
        block = read_at(offset, OSHASH_BLOCK)
        block = block[: len(block) // 8 * 8]
        total += sum(struct.unpack(f"<{len(block) // 8}Q", block))
    return f"{total & 0xFFFFFFFFFFFFFFFF:016x}"


def video_stream(container: Any) -> Any:
    """Return the first stream of moving pictures; raises Unreadable."""
    for stream in container.streams.video:
        context = stream.codec_context
        if context is None or int(stream.disposition) & ATTACHED_PICTURE:
            continue
        if context.width > 0 and context.height > 0:
            return stream
    raise Unreadable("no video stream")


def duration_of(container: Any, video: Any) -> float | None:
    """Return seconds, where the file says or shows them."""
    if container.duration and container.duration > 0:
        return round(float(container.duration) / av.time_base, 3)
    if video.duration and video.duration > 0:
        return round(float(video.duration * video.time_base), 3)
    return None


def codec_of(stream: Any) -> str | None:
    """Name the codec, not the library that decodes it; None for one that is not known."""
    context = stream.codec_context
    return None if context is None else str(context.codec.canonical_name)[:50]


def _facts(container: Any, head: bytes, suffix: str) -> dict[str, Any]:
    video = video_stream(container)
    audio = next(iter(container.streams.audio), None)
    context = video.codec_context
    return {
        "duration": duration_of(container, video),
        "width": context.width,
        "height": context.height,
        "video_codec": codec_of(video),
        "audio_codec": codec_of(audio) if audio is not None else None,
        "container": _container(container, head, suffix),
        "bit_rate": container.bit_rate or None,
        "frame_rate": _number(video.average_rate or video.guessed_rate),
        "title": container.metadata.get("title", "")[:1000] or None,
        "subtitles": list(_subtitles(container)),
    }


def _corrected(length: Length, size: int) -> dict[str, Any]:
    if length.told:
        return {}
    bit_rate = int(size * 8 / length.seconds) if length.seconds else None
    return {"duration": length.seconds, "bit_rate": bit_rate}


def _subtitles(container: Any) -> Iterator[dict[str, Any]]:
    for stream in container.streams.subtitles[:MAX_TRACKS]:
        codec, marks = codec_of(stream), int(stream.disposition)
        if codec is not None:
            yield {
                "stream": stream.index,
                "format": codec,
                "language": stream.metadata.get("language", "")[:40],
                "title": stream.metadata.get("title", "")[:200],
                "forced": bool(marks & FORCED),
                "default": bool(marks & DEFAULT),
                "hearing_impaired": bool(marks & HEARING_IMPAIRED),
            }


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
