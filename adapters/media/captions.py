"""Subtitles as WebVTT. Runs in the child: what parses them are many regular expressions.

pysubs2 reads the files and FFmpeg the tracks; both give text with the marks of SubStation Alpha. Of
those, italics, bold and underlining are kept. Everything else is text, and escaped.
"""

import html
import re
import warnings
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import av
import charset_normalizer
import pysubs2

from adapters.media.films import Unreadable, codec_of
from domain.library.subtitles import TEXT_FORMATS

MAX_CUES = 50_000
MAX_BYTES = 3 * 1024 * 1024
MAX_TEXT = 10_000  # characters of a cue, marks included
MAX_TIME_MS = 100 * 3600 * 1000
DISCARD_ALL = 48  # AVDISCARD_ALL
NO_END_MS = 4000  # how long a cue stays that does not say
_GUESS_BY = 64 * 1024
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"),
          (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))  # fmt: skip
_ENCODINGS = [
    "cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r",
    "cp932", "euc_jp", "gb18030", "big5", "cp949", "utf_16_le", "utf_16_be",
]  # fmt: skip
_LATIN = ("cp1254", "cp1252", "cp1250", "cp1257")
_TURKISH = frozenset(b"\xf0\xfd\xfe")
_NEARLY_AS_GOOD = 0.15
_KINDS = {"subrip": "srt", "webvtt": "vtt", "ass": "ass", "ssa": "ssa", "sami": "sami"}
_SWITCH = re.compile(r"\\(?:([ibup])(\d{1,4})(?![\w.(])|(r))")
_TEXT_SWITCHES = str.maketrans({"\r": "\n", "\u2028": "\n", "\u2029": "\n", "\v": "\n", "\f": "\n"})
_KEPT = ("i", "b", "u")


class Cue(NamedTuple):
    """Text, as SubStation Alpha writes it, and when it is shown."""

    start_ms: int
    end_ms: int
    text: str


def from_file(data: bytes, *, kind: str) -> str:
    """Return a side-car as WebVTT."""
    if kind not in _KINDS:
        raise Unreadable("subtitles of this kind cannot be read here")
    text = _simple(_decode(data), kind)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            file = pysubs2.SSAFile.from_string(text, format_=_KINDS[kind])
        except (ValueError, KeyError, IndexError, TypeError, pysubs2.Pysubs2Error) as exc:
            raise Unreadable("the subtitles are damaged") from exc
    plain = html.unescape if kind in {"subrip", "webvtt"} else str
    shown = (Cue(e.start, e.end, plain(e.text)) for e in file.events if not e.is_comment)
    written = to_webvtt(shown)
    if "-->" not in written:
        raise Unreadable("there are no subtitles in it")
    return written


def from_track(container: Any, index: int) -> str:
    """Return the text track with that index as WebVTT; the other streams are skipped."""
    streams = [one for one in container.streams.subtitles if one.index == index]
    if not streams:
        raise Unreadable("there is no such subtitle track")
    (stream,) = streams
    if codec_of(stream) not in TEXT_FORMATS:
        raise Unreadable("the subtitles are pictures, not text")
    for other in container.streams:
        if other.index != index:
            other.discard = DISCARD_ALL
    return to_webvtt(_cues(container, stream))


def to_webvtt(cues: Iterable[Cue]) -> str:
    """Write cues in their order in time; the same text at the same time comes once."""
    kept: dict[Cue, None] = {}
    size = 0
    for cue in cues:
        start, end = max(0, int(cue.start_ms)), int(cue.end_ms)
        if not start < end or start > MAX_TIME_MS:
            continue
        ready = Cue(start, min(end, MAX_TIME_MS), _markup(cue.text[:MAX_TEXT]))
        if not ready.text or ready in kept:
            continue
        size += len(ready.text.encode("utf-8", "replace")) + 40
        if len(kept) >= MAX_CUES or size > MAX_BYTES:
            raise Unreadable("it holds more text than subtitles have")
        kept[ready] = None
    blocks = (f"{_time(c.start_ms)} --> {_time(c.end_ms)}\n{c.text}\n" for c in sorted(kept))
    return "\n".join(("WEBVTT\n", *blocks))


def _cues(container: Any, stream: Any) -> Iterator[Cue]:
    for packet in container.demux(stream):
        if packet.pts is None or not packet.size:
            continue
        try:
            found = stream.codec_context.decode2(packet)
        except av.error.FFmpegError:
            continue  # one damaged packet
        start = float(packet.pts * packet.time_base) * 1000
        length = float((packet.duration or 0) * packet.time_base) * 1000
        if found is None:
            continue
        if not length and 0 < found.end_display_time < MAX_TIME_MS:
            length = found.end_display_time
        for rect in found:
            if rect.type == b"ass":
                fields = rect.ass.decode("utf-8", "replace").split(",", 8)
                yield Cue(round(start), round(start + (length or NO_END_MS)), fields[-1])


def _decode(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode(_guess_encoding(data[:_GUESS_BY]), "replace")
    if "\0" in text:
        raise Unreadable("it is not text")
    return text


def _guess_encoding(data: bytes) -> str:
    """Guess among what subtitles are written in.

    Central, Western, Turkish and Baltic letters look alike to statistics: the most written wins.
    """
    found = charset_normalizer.from_bytes(data, cp_isolation=_ENCODINGS)
    best = found.best()
    if best is None:
        return "latin-1"
    likely = {one.encoding for one in found if one.chaos <= best.chaos + _NEARLY_AS_GOOD}
    if best.encoding in _LATIN:
        for encoding in _LATIN:
            # The letters of Turkish only; elsewhere in the West, Iceland alone has those bytes.
            if encoding in likely and (encoding != "cp1254" or _TURKISH.intersection(data)):
                return encoding
    return best.encoding


def _simple(text: str, kind: str) -> str:
    """Leave out what is not shown and only trips the parser: styles, notes, names of cues."""
    text = text.replace("\r\n", "\n").translate(_TEXT_SWITCHES)
    if kind in {"ass", "ssa"}:
        return "\n".join(line for line in text.split("\n") if line.startswith("Dialogue:"))
    if kind == "webvtt":
        if not text.lstrip().startswith("WEBVTT"):
            raise Unreadable("it is not WebVTT")
        blocks = (block.partition("-->") for block in text.split("\n\n"))
        shown = (
            before.rpartition("\n")[2] + arrow + rest for before, arrow, rest in blocks if arrow
        )
        return "WEBVTT\n\n" + "\n\n".join(shown)
    return text


def _markup(text: str) -> str:
    """Return the text of a cue with what WebVTT has of its marks; it holds no empty line."""
    first, *others = text.replace(r"\N", "\n").replace(r"\n", "\n").replace(r"\h", " ").split("{")
    active = dict.fromkeys((*_KEPT, "p"), False)
    pieces = [_shown(first, active)]
    for other in others:
        marks, brace, rest = other.partition("}")
        if not brace:
            marks, rest = "", "{" + other
        for switch in _SWITCH.finditer(marks):
            if switch[3]:
                active = dict.fromkeys(active, False)
            else:
                active[switch[1]] = int(switch[2]) > 0
        pieces.append(_shown(rest, active))
    lines = (line.strip() for line in "".join(pieces).translate(_TEXT_SWITCHES).split("\n"))
    return "\n".join(line for line in lines if line)


def _shown(text: str, active: dict[str, bool]) -> str:
    if active["p"] or not text:  # the text is a drawing
        return ""
    plain = "".join(c for c in text if c.isprintable() or c in "\n\t")
    escaped = html.escape(plain.encode("utf-8", "ignore").decode(), quote=False)
    if not escaped.strip():
        return escaped
    tags = [tag for tag in _KEPT if active[tag]]
    opening, closing = "".join(f"<{t}>" for t in tags), "".join(f"</{t}>" for t in reversed(tags))
    return opening + escaped + closing


def _time(ms: int) -> str:
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{ms:03}"
