"""Believing a child only as far as what it says makes sense: it may have been taken over."""

import re
from collections.abc import Callable
from math import isfinite
from typing import Any, TypeVar

from adapters.media.children import Answer
from adapters.media.languages import language_tag
from domain.errors import Invalid
from domain.library.subtitles import MAX_TRACKS, SubtitleTrack
from domain.library.video import Fingerprints, MediaFacts
from ports.library.media import MediaUnreadable, Probed, Storyboard

MAX_SIDE = 32768
MAX_TITLE = 200
_CODEC = re.compile(r"[a-z0-9_]{1,40}", re.ASCII)

T = TypeVar("T")


def probed_from(answer: Answer) -> Probed:
    """Return what a probe found; raises MediaUnreadable."""
    return _sensible(_probed, answer)


def storyboard_from(answer: Answer) -> Storyboard:
    """Return a storyboard; raises MediaUnreadable."""
    return _sensible(_storyboard, answer)


def picture_from(answer: Answer) -> bytes:
    """Return a picture in WebP; raises MediaUnreadable."""
    picture = answer.payload
    if picture[:4] != b"RIFF" or picture[8:12] != b"WEBP":
        raise MediaUnreadable("it holds no picture")
    return picture


def captions_from(answer: Answer) -> str:
    """Return text in WebVTT; raises MediaUnreadable."""
    text = answer.payload.decode("utf-8", "replace")
    if not text.startswith("WEBVTT\n"):
        raise MediaUnreadable("there are no subtitles in it")
    return text


def _sensible(read: Callable[[Answer], T], answer: Answer) -> T:
    try:
        return read(answer)
    except MediaUnreadable:
        raise
    except (Invalid, KeyError, TypeError, ValueError, OverflowError, AttributeError) as exc:
        raise MediaUnreadable("its facts make no sense") from exc


def _probed(answer: Answer) -> Probed:
    fields = answer.fields
    width, height = int(fields["width"]), int(fields["height"])
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise MediaUnreadable("its pictures are too large")
    facts = MediaFacts(
        duration=_number(fields["duration"]),
        width=width,
        height=height,
        video_codec=_text(fields["video_codec"]),
        audio_codec=_text(fields["audio_codec"]),
        container=_text(fields["container"]),
        bit_rate=None if fields["bit_rate"] is None else int(fields["bit_rate"]),
        frame_rate=_number(fields["frame_rate"]),
    )
    digest = int(str(fields["oshash"]), 16)
    return Probed(
        facts,
        Fingerprints(oshash=f"{digest:016x}"),
        title=_text(fields["title"]),
        bytes_read=int(fields["bytes_read"]),
        subtitles=tuple(_track(one) for one in fields["subtitles"][:MAX_TRACKS]),
    )


def _track(fields: dict[str, Any]) -> SubtitleTrack:
    if not _CODEC.fullmatch(fields["format"]):
        raise ValueError("not the name of a codec")
    return SubtitleTrack(
        format=fields["format"],
        language=language_tag(str(fields["language"])),
        title=(_text(fields["title"]) or "")[:MAX_TITLE],
        forced=fields["forced"] is True,
        hearing_impaired=fields["hearing_impaired"] is True,
        default=fields["default"] is True,
        stream=int(fields["stream"]),
    )


def _storyboard(answer: Answer) -> Storyboard:
    fields = answer.fields
    board = Storyboard(
        picture_from(answer),
        columns=int(fields["columns"]),
        count=int(fields["count"]),
        tile_width=int(fields["tile_width"]),
        tile_height=int(fields["tile_height"]),
        interval_s=float(fields["interval_s"]),
    )
    shape = (board.columns, board.count, board.tile_width, board.tile_height)
    if not (all(0 < one <= 1000 for one in shape) and 0 < board.interval_s < float("inf")):
        raise ValueError("not the figures of a storyboard")
    return board


def _number(value: object) -> float | None:
    if value is None:
        return None
    number = float(str(value))
    return number if isfinite(number) else None


def _text(value: object) -> str | None:
    """Return text that a database takes: printable, no lone surrogates."""
    if value is None:
        return None
    shown = "".join(c for c in str(value) if c.isprintable())
    return shown.encode("utf-8", "ignore").decode().strip() or None
