"""Hiding what a film's header need not tell, before FFmpeg reads a file of another machine.

Tables of samples, fonts, covers and indexes are made to look like padding, which FFmpeg skips
without reading. Nothing is judged here: what does not look as expected is left as it is, and FFmpeg
says what is wrong with it.
"""

from collections.abc import Iterator

from adapters.media import boxes
from adapters.media.boxes import Length
from adapters.media.spans import SpanFile

MAX_ELEMENTS = 200
MAX_AVI_INDEX = 1024 * 1024  # without a longer one, the picture is the film's first
_MP4 = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"styp", b"pnot"})

_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
_SEEK_HEAD, _ATTACHMENTS, _CUES = 0x114D9B74, 0x1941A469, 0x1C53BB6B
_TO_ATTACHMENTS = bytes.fromhex("53ab84") + _ATTACHMENTS.to_bytes(4, "big")
_TO_NOTHING = bytes.fromhex("53ab84 1ffffffe")
_EMPTY = bytes.fromhex("ec80")


def hide_tables(file: SpanFile, *, keep_video_index: bool = False) -> Length:
    """Hide what is long and tells nothing about the streams.

    Args:
        file: is changed for later readers.
        keep_video_index: leave what finds pictures.
    """
    head = file.span(0, 12)
    if head[4:8] in _MP4:
        return boxes.hide_tables(file, keep_video_index=keep_video_index)
    if head[:4] == _EBML.to_bytes(4, "big"):
        _hide_in_matroska(file, keep_cues=keep_video_index)
    elif head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        for at, kind, size in _chunks(file):
            if kind == b"idx1" and not (keep_video_index and size <= MAX_AVI_INDEX):
                file.overwrite(at, b"JUNK")
    return Length()


def _hide_in_matroska(file: SpanFile, *, keep_cues: bool) -> None:
    at = 0
    for _ in range(MAX_ELEMENTS):
        ident, id_length = _number(file.span(at, 8), with_marker=True)
        size, size_length = _number(file.span(at + id_length, 8), with_marker=False)
        header = id_length + size_length
        if not id_length or not size_length or ident == _CLUSTER:
            return
        if ident == _SEGMENT:
            at += header
            continue
        if size is None or at + header + size > file.size:
            return
        if ident == _SEEK_HEAD:
            found = file.span(at + header, min(size, 4096)).find(_TO_ATTACHMENTS)
            if found >= 0:
                file.overwrite(at + header + found, _TO_NOTHING)
        if ident == _ATTACHMENTS or (ident == _CUES and not keep_cues):
            file.overwrite(at, _nothing(header, size))
        at += header + size


def _number(data: bytes, *, with_marker: bool) -> tuple[int | None, int]:
    """Read a number of variable length: (number, its length); None where it says "unknown"."""
    length = 9 - data[0].bit_length() if data else 9
    if length > len(data):
        return 0, 0
    number = int.from_bytes(data[:length], "big")
    if with_marker:
        return number, length
    most = (1 << 7 * length) - 1
    return (None if number & most == most else number & most), length


def _nothing(header: int, size: int) -> bytes:
    """Return the header of an element of nothing that takes the place of another's header."""
    pairs = max(0, header - 8) // 2
    width = header - 2 * pairs - 1
    return _EMPTY * pairs + b"\xec" + ((1 << 7 * width) | size).to_bytes(width, "big")


def _chunks(file: SpanFile) -> Iterator[tuple[int, bytes, int]]:
    """Yield the chunks of the file: (offset, kind, size)."""
    at = 12
    for _ in range(MAX_ELEMENTS):
        head = file.span(at, 8)
        if len(head) < 8:
            return
        size = int.from_bytes(head[4:8], "little")
        yield at, head[:4], size
        at += 8 + size + size % 2
