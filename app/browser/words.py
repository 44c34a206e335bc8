"""Figures, times and states in the words of the pages."""

import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from babelfish import Error as NoLanguage
from babelfish import Language
from flask import Flask

from domain.library.description import episode_code
from domain.library.subtitles import SubtitleTrack
from ports.clock import Clock

TONES = 6
_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
_CODECS = {
    "h264": "H.264", "hevc": "HEVC", "av1": "AV1", "vp8": "VP8", "vp9": "VP9", "mpeg4": "MPEG-4",
    "mpeg2video": "MPEG-2", "aac": "AAC", "mp3": "MP3", "opus": "Opus", "vorbis": "Vorbis",
    "flac": "FLAC", "ac3": "AC-3", "eac3": "E-AC-3", "dts": "DTS", "truehd": "TrueHD",
}  # fmt: skip
_CONTAINERS = {"mp4": "MP4", "matroska": "Matroska", "webm": "WebM", "mov": "QuickTime"}


class Badge(NamedTuple):
    """A state as it is shown: its word, its icon, the family of its colour."""

    text: str
    icon: str
    tone: str


_BADGES: Mapping[str, Badge] = {
    "active": Badge("Active", "dot", "good"),
    "pending": Badge("Pending", "clock", "wait"),
    "suspended": Badge("Suspended", "pause", "wait"),
    "rejected": Badge("Rejected", "cross", "bad"),
    "revoked": Badge("Revoked", "ban", "off"),
    "expired": Badge("Expired", "clock", "off"),
    "available": Badge("Available", "dot", "good"),
    "offline": Badge("Offline", "unplugged", "off"),
    "gone": Badge("Gone", "cross", "bad"),
    "reachable": Badge("Reachable", "dot", "good"),
    "untried": Badge("Not tried yet", "ring", "off"),
    "disabled": Badge("Switched off", "pause", "off"),
    "queued": Badge("Waiting", "clock", "wait"),
    "running": Badge("Running", "play", "live"),
    "done": Badge("Done", "check", "good"),
    "failed": Badge("Failed", "cross", "bad"),
    "cancelled": Badge("Cancelled", "ban", "off"),
    "ok": Badge("OK", "check", "good"),
    "held": Badge("Waits for approval", "clock", "wait"),
    "kept": Badge("Kept as offline", "unplugged", "off"),
}


def badge(state: str) -> Badge:
    """Return how ``state`` is shown; one without words of its own is shown as it is."""
    return _BADGES.get(state) or Badge(state.capitalize(), "ring", "off")


def duration(seconds: float | None) -> str:
    """Write a length: ``1 h 52 min``, ``42 min``, ``35 s``; nothing for None."""
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{round(seconds)} s"
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def clock_time(seconds: float) -> str:
    """Write a place in a film: ``1:02:03`` or ``4:05``."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes = f"{rest // 60:02}" if hours else str(rest // 60)
    return ":".join([*([str(hours)] if hours else []), minutes, f"{rest % 60:02}"])


def hours(count: int) -> str:
    """Write how often something happens: ``hour``, ``6 hours``, ``day``, ``3 days``."""
    if count % 24:
        return "hour" if count == 1 else f"{count} hours"
    days = count // 24
    return "day" if days == 1 else f"{days} days"


def size(count: float | None) -> str:
    """Write bytes with three digits: ``4.21 GB``, ``700 MB``; nothing for None."""
    if count is None:
        return ""
    for unit in _UNITS:
        if count < 999.5 or unit == _UNITS[-1]:
            break
        count /= 1000
    digits = 0 if unit == "bytes" or count >= 99.95 else 1 if count >= 9.995 else 2
    return f"{count:.{digits}f} {unit}"


def number(count: float) -> str:
    """Write a whole number with thin spaces between thousands."""
    return f"{count:,.0f}".replace(",", "\u202f")


def exact(moment: datetime) -> str:
    """Write an instant in full, in UTC; a script writes it in the viewer's zone."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def ago(moment: datetime, now: datetime) -> str:
    """Write how long ago (or how soon) ``moment`` is, in the largest fitting unit."""
    seconds = (now - moment).total_seconds()
    past = seconds >= 0
    seconds = abs(seconds)
    if seconds < 45:
        return "just now" if past else "in a moment"
    for limit, divisor, unit in (
        (3600, 60, "min"),
        (86_400, 3600, "h"),
        (86_400 * 45, 86_400, "days"),
        (86_400 * 550, 86_400 * 30.44, "months"),
        (float("inf"), 86_400 * 365.25, "years"),
    ):
        if seconds < limit:
            count = max(1, round(seconds / divisor))
            word = unit[:-1] if count == 1 and unit.endswith("s") else unit
            return f"{count} {word} ago" if past else f"in {count} {word}"
    raise AssertionError(seconds)


def tone(title: str) -> int:
    """Return the colour family (0 to 5) of a title's typographic poster, always the same one."""
    return zlib.crc32(title.encode("utf-8", "replace")) % TONES


def resolution(width: int | None, height: int | None) -> str:
    """Name a picture's size as people do: ``4K``, ``1080p``; nothing where it is not known.

    Films are wide, recordings of phones tall: what counts is the longer way to fill the screen.
    """
    if not width or not height:
        return ""
    lines = max(height, width * 9 / 16)
    names = ((1800, "4K"), (1300, "1440p"), (900, "1080p"), (650, "720p"), (530, "576p"))
    return next((name for least, name in names if lines >= least), f"{height}p")


def sentence(text: str) -> str:
    """Write ``text`` with a capital at its start and a full stop at its end."""
    whole = text[:1].upper() + text[1:]
    return whole if whole.endswith((".", "!", "?", "]")) else f"{whole}."


def format_name(video_codec: str | None, audio_codec: str | None, container: str | None) -> str:
    """Name a file's formats: ``H.264 · AAC · MP4``."""
    codecs = [_CODECS.get(name, name.upper()) for name in (video_codec, audio_codec) if name]
    kept = [_CONTAINERS.get(container, container)] if container else []
    return " · ".join([*codecs, *kept])


def _code(season: int | None, episode: int | None) -> str:
    return "" if season is None or episode is None else episode_code(season, episode)


def own_title(title: str, series: str, code: str) -> str:
    """Return an episode's title without the series and the number that file names put before it."""
    rest = title.removeprefix(series).strip(" -·")
    rest = rest.removeprefix(code).strip(" -·") if code else rest
    return rest or title


@lru_cache(maxsize=500)
def language(tag: str) -> str:
    """Name a language by its BCP 47 tag: ``German``, ``Portuguese (BR)``; the tag where unknown."""
    if not tag:
        return "Unknown language"
    try:
        known = Language.fromietf(tag)
    except (NoLanguage, ValueError):
        return tag
    return f"{known.name} ({known.country.alpha2})" if known.country else str(known.name)


def track_name(track: SubtitleTrack) -> str:
    """Name a subtitle track: its language, then what is special about it."""
    special = [
        words
        for words, holds in (
            ("forced", track.forced),
            ("for the hard of hearing", track.hearing_impaired),
        )
        if holds
    ]
    if track.title and track.title.casefold() not in language(track.language).casefold():
        special.insert(0, track.title)
    name = language(track.language)
    return f"{name} ({', '.join(special)})" if special else name


def teach_words(app: Flask, clock: Clock) -> None:
    """Give the templates the words of this module."""
    app.jinja_env.filters.update(
        duration=duration,
        clock_time=clock_time,
        hours=hours,
        size=size,
        number=number,
        exact=exact,
        ago=lambda moment: ago(moment, clock.now()),
        tone=tone,
        sentence=sentence,
        language=language,
        track_name=track_name,
    )
    app.jinja_env.globals.update(
        badge=badge,
        episode_code=_code,
        format_name=format_name,
        own_title=own_title,
        resolution=resolution,
    )
