"""Checking what a peer says of its works, record by record.

A record that is not believed is set aside with its reason, and the rest of the page goes on.
Written by hand rather than with a schema: it runs for every record of every page of every sync.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from domain.errors import Invalid
from domain.federation.remote_work import MAX_REMOTE_ID, RemoteVideo, RemoteWork
from domain.library.description import FIRST_YEAR, MAX_TITLE
from domain.library.video import MAX_FILE_SIZE, Fingerprints, MediaFacts
from domain.text import clean
from ports.federation.peers import Rejected

MAX_TEXT = 20_000
MAX_SHORT = 100
MAX_NAME = 1000
MAX_TAGS = 200
MAX_VIDEOS = 200
MAX_INTEGER = 2**31 * 1000
_HEX_16 = re.compile("[0-9a-f]{16}").fullmatch
_HEX_64 = re.compile("[0-9a-f]{64}").fullmatch
# Names that need no second look.
_CODECS = frozenset(
    {"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "aac", "mp3", "ac3", "eac3", "opus", "vorbis"}
    | {"flac", "dts", "mp4", "mov", "m4v", "webm", "matroska", "mkv", "avi", "mpegts"}
)
_NO_FINGERPRINTS = Fingerprints()
_DUMP = orjson.OPT_SORT_KEYS


class BadRecord(Exception):
    """The record is not believed; the text says why, in our own words."""


def check_records(
    records: Sequence[Any], *, last_year: int, max_record_bytes: int
) -> tuple[list[RemoteWork], list[Rejected]]:
    """Split a page into what is believed and what is not."""
    works: list[RemoteWork] = []
    rejected: list[Rejected] = []
    for record in records:
        try:
            works.append(check_work(record, last_year=last_year, max_record_bytes=max_record_bytes))
        except BadRecord as exc:
            rejected.append(Rejected(_shown_id(record), str(exc)))
    return works, rejected


def check_work(record: Any, *, last_year: int, max_record_bytes: int) -> RemoteWork:
    """Return a record as a checked value.

    Args:
        record: anything that JSON can say.
        last_year: the latest year a work can have.
        max_record_bytes: as compact JSON.

    Raises:
        BadRecord: with the reason.
    """
    if type(record) is not dict:
        raise BadRecord("the record is not an object")
    try:
        text = orjson.dumps(record, option=_DUMP)
    except (TypeError, ValueError) as exc:
        raise BadRecord("the record holds text or numbers that cannot be kept") from exc
    if len(text) > max_record_bytes:
        raise BadRecord(f"the record is larger than {max_record_bytes} bytes")
    get = record.get
    videos = get("videos")
    if type(videos) is not list or len(videos) > MAX_VIDEOS:
        raise BadRecord("videos is not a list that can be kept")
    year = get("year")
    if year is not None and not (type(year) is int and FIRST_YEAR <= year <= last_year):
        raise BadRecord("year is impossible")
    rating = _number(get("rating"), "rating")
    if rating is not None and rating > 10:
        raise BadRecord("rating is not between 0 and 10")
    tags = get("tags", ())
    if not isinstance(tags, list | tuple) or len(tags) > MAX_TAGS:
        raise BadRecord("tags is not a list that can be kept")
    return RemoteWork(
        remote_id=_id(get("id")),
        title=_text(get("title"), "title", MAX_TITLE, least=1),
        year=year,
        description=_optional(get("description"), "description", MAX_TEXT) or "",
        director=_optional(get("director"), "director", 300) or "",
        rating=None if rating is None else round(rating, 1),
        content_rating=_optional(get("content_rating"), "content_rating", MAX_SHORT),
        tags=tuple([_text(tag, "tags", MAX_SHORT, least=1) for tag in tags]),
        external_ids=_external_ids(get("external_ids")),
        videos=tuple([_video(video) for video in videos]),
        digest=hashlib.sha256(text).digest(),
    )


def _video(record: Any) -> RemoteVideo:
    if type(record) is not dict:
        raise BadRecord("a video is not an object")
    get = record.get
    size = get("file_size")
    if type(size) is not int or not 0 <= size <= MAX_FILE_SIZE:
        raise BadRecord("file_size is not a number of bytes")
    facts = MediaFacts(
        duration=_number(get("duration"), "duration"),
        width=_integer(get("width"), "width"),
        height=_integer(get("height"), "height"),
        video_codec=_codec(get("video_codec"), "video_codec"),
        audio_codec=_codec(get("audio_codec"), "audio_codec"),
        container=_codec(get("container"), "container"),
        bit_rate=_integer(get("bit_rate"), "bit_rate"),
        frame_rate=_number(get("frame_rate"), "frame_rate"),
    )
    return RemoteVideo(
        remote_id=_id(get("id")),
        filename=_text(get("filename"), "filename", MAX_NAME, least=1),
        file_size=size,
        facts=facts,
        fingerprints=_fingerprints(get("fingerprints")),
        web_compatible=get("web_compatible") is True,
        available=get("availability", "available") == "available",
    )


def _id(value: Any) -> str:
    text = _text(value, "id", MAX_REMOTE_ID, least=1)
    if text in {".", ".."} or not text.isprintable():
        raise BadRecord("id is not one that can be asked for")
    return text


def _text(value: Any, field: str, most: int, *, least: int = 0) -> str:
    if type(value) is not str:
        raise BadRecord(f"{field} is not text")
    # Nearly every text is clean already; only the others pay for a look at each character.
    # Of all blanks only the plain one is printable.
    if (
        value.isprintable()
        and least <= len(value) <= most
        and (value.isascii() or unicodedata.is_normalized("NFC", value))
        and value[:1] != " " != value[-1:]
    ):
        return value
    try:
        return clean(value, field=field, max_length=most, min_length=least)
    except Invalid as exc:
        raise BadRecord(str(exc)) from exc


def _optional(value: Any, field: str, most: int) -> str | None:
    return None if value is None else _text(value, field, most)


def _codec(value: Any, field: str) -> str | None:
    if value is None or (type(value) is str and value in _CODECS):
        return value
    return _text(value, field, MAX_SHORT)


def _number(value: Any, field: str) -> float | None:
    if value is None:
        return None
    # Not finite or not a number at all: neither lies between two numbers.
    if type(value) not in {int, float} or not 0 <= value < 1e15:
        raise BadRecord(f"{field} is not a number of 0 or more")
    return float(value)


def _integer(value: Any, field: str) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 0 <= value < MAX_INTEGER:
        raise BadRecord(f"{field} is not a whole number in range")
    return value


def _external_ids(value: Any) -> Mapping[str, str]:
    if value is None:
        return {}
    if type(value) is not dict or len(value) > MAX_TAGS:
        raise BadRecord("external_ids is not an object that can be kept")
    return {
        _text(name, "external_ids", MAX_SHORT, least=1): _text(
            text, "external_ids", MAX_SHORT, least=1
        )
        for name, text in value.items()
    }


def _fingerprints(value: Any) -> Fingerprints:
    if value is None:
        return _NO_FINGERPRINTS
    if type(value) is not dict:
        raise BadRecord("fingerprints is not an object")
    get = value.get
    oshash, sha256, xxhash64 = get("oshash"), get("sha256"), get("xxhash64")
    if (oshash, sha256, xxhash64) == (None, None, None):
        return _NO_FINGERPRINTS
    for text, form in ((oshash, _HEX_16), (sha256, _HEX_64), (xxhash64, _HEX_16)):
        if text is not None and (type(text) is not str or not form(text)):
            raise BadRecord("a fingerprint is not a digest in hexadecimal")
    return Fingerprints(oshash=oshash, sha256=sha256, xxhash64=xxhash64)


def _shown_id(record: Any) -> str:
    value = record.get("id") if type(record) is dict else None
    if type(value) is not str:
        return ""
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value[:80])
    return shown.encode("utf-8", "replace").decode("utf-8")
