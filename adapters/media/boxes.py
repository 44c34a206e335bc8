"""The header of an MP4 file without what only players need.

The header of a film of two hours holds several megabytes of sample sizes and positions. They are
made to look like padding, which FFmpeg skips without reading. A film in fragments has no such
tables, and says nowhere how long it is: its last fragment tells, and the others are padding too.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from adapters.media.spans import SpanFile

MAX_BOXES = 2000
SMALL = 128 * 1024  # tables of that size together are quickly read
_MAX_TIMES = 64 * 1024  # the table of times gives the frame rate; a longer one is not worth it

_TABLES = frozenset(
    {b"stsz", b"stz2", b"stco", b"co64", b"stsc", b"stss", b"stps", b"ctts", b"sdtp", b"sbgp"}
    | {b"saiz", b"saio", b"subs"}
)
_NOT_OF_AN_INDEX = frozenset({b"ctts", b"sdtp", b"sbgp", b"saiz", b"saio", b"subs"})
_PARENTS = frozenset(
    {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta", b"meta", b"ilst", b"mvex"}
)
_PADDING = b"free"


class Length(NamedTuple):
    """What the header says of the film's length, where FFmpeg would say something else.

    ``told``: FFmpeg's word is good. Otherwise ``seconds`` counts, None where nobody knows.
    """

    told: bool = True
    seconds: float | None = None


class Box(NamedTuple):
    """A box and where it lies: ``at`` its header, ``body`` what is in it."""

    kind: bytes
    at: int
    body: int
    end: int


def hide_tables(file: SpanFile, *, keep_video_index: bool) -> Length:
    """Turn the tables into padding where they are long; see ``adapters.media.headers``."""
    for top in _boxes(file, 0, file.size, limit=50):
        if top.kind != b"moov":
            continue
        boxes = list(_below(file, top))
        found = list(_long_ones(file, boxes, keep_video_index=keep_video_index))
        if sum(box.end - box.at for box in found) > SMALL:
            for box in found:
                file.overwrite(box.at + 4, _PADDING)
        if keep_video_index or all(box.kind != b"mvex" for box in boxes):
            return Length()
        return _length_of_fragments(file, top, boxes)
    return Length()


def _below(file: SpanFile, moov: Box) -> Iterator[Box]:
    """Yield the boxes below ``moov`` in their order; without recursion."""
    left, seen = [moov], 0
    while left and seen < MAX_BOXES:
        box = left.pop()
        yield box
        if box.kind in _PARENTS:
            children = list(_boxes(file, box.body, box.end, limit=MAX_BOXES - seen))
            seen += len(children)
            left.extend(reversed(children))


def _long_ones(file: SpanFile, boxes: list[Box], *, keep_video_index: bool) -> Iterator[Box]:
    of_video = False
    for box in boxes:
        kinds = file.span(box.body + 4, 8) if box.kind == b"hdlr" else b"dhlr"
        if kinds[:4] != b"dhlr":  # QuickTime says twice how a track is handled
            of_video = kinds[4:] == b"vide"
        keep = keep_video_index and of_video and box.kind not in _NOT_OF_AN_INDEX
        long_times = box.kind == b"stts" and box.end - box.at > _MAX_TIMES
        if box.kind == b"covr" or ((box.kind in _TABLES or long_times) and not keep):
            yield box


def _boxes(file: SpanFile, start: int, end: int, *, limit: int) -> Iterator[Box]:
    at = start
    while at + 8 <= end and limit > 0:
        head = file.span(at, 16)
        size, kind, header = int.from_bytes(head[:4], "big"), head[4:8], 8
        if size == 1:
            size, header = int.from_bytes(head[8:16], "big"), 16
        elif size == 0:
            size = end - at
        if size < header or at + size > end:
            return
        if kind == b"meta" and file.span(at + header + 4, 4) != b"hdlr":
            header += 4  # with version and flags, as the standard has it and QuickTime has not
        yield Box(kind, at, at + header, at + size)
        at, limit = at + size, limit - 1


def _length_of_fragments(file: SpanFile, moov: Box, boxes: list[Box]) -> Length:
    following = next(_boxes(file, moov.end, file.size, limit=1), None)
    if following is None or (following.kind == b"sidx" and _covers_all(file, following)):
        return Length()
    last = _last_fragment(file)
    if last is not None and following.at + 16 <= last:
        padding = struct.pack(">I4sQ", 1, _PADDING, last - following.at)
        file.span(following.at, 16)
        file.overwrite(following.at, padding)
        return Length()
    return Length() if last == following.at else Length(False, _said_length(file, boxes))


def _covers_all(file: SpanFile, sidx: Box) -> bool:
    """Tell whether an index of fragments is of the whole file, not of the next fragment alone."""
    wide = file.span(sidx.body, 1) == b"\1"
    head = file.span(sidx.body, 32)
    count = int.from_bytes(head[30:32] if wide else head[22:24], "big")
    entries = file.span(sidx.body + (32 if wide else 24), min(count, MAX_BOXES) * 12)
    sizes = (int.from_bytes(entries[at : at + 4], "big") for at in range(0, len(entries), 12))
    return sidx.end + sum(size & 0x7FFFFFFF for size in sizes) >= file.size - file.size // 20


def _last_fragment(file: SpanFile) -> int | None:
    """Return where the last fragment begins, by the table at the file's end."""
    tail = file.span(max(0, file.size - 16), 16)
    if tail[4:8] != b"mfro":
        return None
    start = file.size - int.from_bytes(tail[12:16], "big")
    mfra = next(_boxes(file, max(0, start), file.size, limit=1), None)
    tfra = next(_boxes(file, mfra.body, mfra.end, limit=1), None) if mfra is not None else None
    if tfra is None or tfra.kind != b"tfra" or tfra.end - tfra.body < 16:
        return None
    head = file.span(tfra.body, 16)
    version, lengths, count = head[0], head[11], int.from_bytes(head[12:16], "big")
    width = 16 if version else 8
    entry = width + sum((lengths >> shift & 3) + 1 for shift in (4, 2, 0))
    at = tfra.body + 16 + (count - 1) * entry
    if not count or at + entry > tfra.end:
        return None
    last = int.from_bytes(file.span(at, width)[width // 2 :], "big")
    return last if file.span(last, 8)[4:] == b"moof" else None


def _said_length(file: SpanFile, boxes: list[Box]) -> float | None:
    """Return what the movie's header says of the length with all fragments, in seconds."""
    by_kind = {box.kind: box for box in boxes}
    mvhd, moov = by_kind.get(b"mvhd"), by_kind[b"moov"]
    mvex = by_kind[b"mvex"]
    mehd = next((b for b in _boxes(file, mvex.body, mvex.end, limit=9) if b.kind == b"mehd"), None)
    if mvhd is None or mehd is None or moov.end > file.size:
        return None
    head, said = file.span(mvhd.body, 32), file.span(mehd.body, 12)
    scale = int.from_bytes(head[20:24] if head[0] else head[12:16], "big")
    length = int.from_bytes(said[4:12] if said[0] else said[4:8], "big")
    return round(length / scale, 3) if scale and length else None
