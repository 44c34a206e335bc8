"""Which bytes of an object a reader asks for: ranges and preconditions after RFC 9110.

Sections 8.8.3 (entity tags), 13 (preconditions) and 14 (ranges), as arithmetic on texts. An entity
tag of ours is strong and given without its quotes; None where an object has none.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

_SPEC = re.compile(r"([0-9]+)-([0-9]*)|-([0-9]+)", re.ASCII)
_TAG = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_TAG_LIST = re.compile(rf"[ \t,]*{_TAG.pattern}(?:[ \t]*,[ \t,]*{_TAG.pattern})*[ \t,]*")
_OWS = " \t"
_SAFE_DIGITS = 19  # below 2**64; int() refuses thousands of digits


@dataclass(frozen=True, slots=True)
class Window:
    """``length`` bytes from byte ``start``, counted from 0; both lie inside the object."""

    start: int
    length: int


class Refusal(Enum):
    """Why no bytes are sent."""

    NOT_MODIFIED = auto()  # the reader has the object already
    PRECONDITION_FAILED = auto()  # the object is not the one the reader means
    NOT_SATISFIABLE = auto()  # well formed, and it selects no byte


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """The header fields that choose what is sent, as they came; None where absent."""

    range: str | None = None
    if_range: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None


def select(asked: Conditions, *, size_bytes: int, etag: str | None) -> Window | Refusal | None:
    """Decide what a GET sends, in the order of RFC 9110, section 13.2.2.

    Returns:
        A window for a partial answer, a refusal, or None for the whole object.
    """
    refused = check_preconditions(asked, etag=etag)
    if refused is not None:
        return refused
    if asked.range is None or not _same_object(asked.if_range, etag):
        return None
    return byte_window(asked.range, size_bytes)


def check_preconditions(asked: Conditions, *, etag: str | None) -> Refusal | None:
    """Return why an existing object is not sent at all, or None."""
    if asked.if_match is not None and not _listed(asked.if_match, etag, weakly=False):
        return Refusal.PRECONDITION_FAILED
    if asked.if_none_match is not None and _listed(asked.if_none_match, etag, weakly=True):
        return Refusal.NOT_MODIFIED
    return None


def byte_window(header: str, size_bytes: int) -> Window | Refusal | None:
    """Resolve a ``Range`` field against the size of an object.

    Args:
        header: field value: ``bytes=0-499``, ``bytes=500-`` or ``bytes=-500``.
        size_bytes: length of the whole object, 0 or more.

    Returns:
        The window; NOT_SATISFIABLE; or None where the field is ignored and the whole is sent:
        another unit, not well formed, last before first, or several ranges (which a server may
        answer with the whole, so that no request makes it send more than the object holds).
    """
    unit, equals, ranges = header.strip(_OWS).partition("=")
    if not equals or unit.lower() != "bytes":
        return None
    specs = [text for part in ranges.split(",") if (text := part.strip(_OWS))]
    found = [_SPEC.fullmatch(spec) for spec in specs]
    if len(found) != 1 or found[0] is None:
        return None
    first, last, suffix = found[0].groups()
    if suffix is not None:
        return _last_bytes(_number(suffix), size_bytes)
    if last and _magnitude(last) < _magnitude(first):
        return None
    start = _number(first)
    if start >= size_bytes:
        return Refusal.NOT_SATISFIABLE
    end = min(_number(last), size_bytes - 1) if last else size_bytes - 1
    return Window(start, end - start + 1)


def _last_bytes(count: int, size_bytes: int) -> Window | Refusal | None:
    if count == 0:
        return Refusal.NOT_SATISFIABLE
    if size_bytes == 0:
        return None  # satisfiable, and no Content-Range can say it
    length = min(count, size_bytes)
    return Window(size_bytes - length, length)


def _number(digits: str) -> int:
    """Read digits; what is larger than any object is one large number."""
    significant = digits.lstrip("0")
    return int(significant or "0") if len(significant) <= _SAFE_DIGITS else 10**_SAFE_DIGITS


def _magnitude(digits: str) -> tuple[int, str]:
    """Return what compares as the number does, whatever its length."""
    significant = digits.lstrip("0")
    return len(significant), significant


def _same_object(if_range: str | None, etag: str | None) -> bool:
    """Tell whether a range still means this object: strong comparison, and dates never match."""
    return if_range is None or (etag is not None and if_range.strip(_OWS) == f'"{etag}"')


def _listed(field: str, etag: str | None, *, weakly: bool) -> bool:
    """Tell whether an entity tag is in a list of them; ``*`` lists every one."""
    field = field.strip(_OWS)
    if field == "*":
        return True
    if etag is None or not _TAG_LIST.fullmatch(field):
        return False
    return any(opaque == etag and (weakly or not weak) for weak, opaque in _TAG.findall(field))
