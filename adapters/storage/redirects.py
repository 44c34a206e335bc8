"""Addresses on the web: reading them as people and pages write them, and following redirects.

Peers never redirect a node; plain web servers do (docs/decisions/0013).
"""

import re
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from domain.errors import BadUpstream

MAX_REDIRECTS = 5
MAX_URL = 4000
_MOVED = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"[a-z0-9._~%:-]{1,255}", re.ASCII)
_SAFE = "%/:=&?~+!$,;'@()*[]-._"


class AddressInvalid(Exception):
    """The text is no address that can be asked; says why."""


class _Answer(Protocol):
    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Mapping[str, str]: ...


Answer = TypeVar("Answer", bound=_Answer)


def absolute(base: str, reference: str) -> str:
    """Return the address that a reference leads to, ready to be asked, without its fragment.

    Args:
        base: an address, for relative references; may be empty.
        reference: as it was written, perhaps with blanks and letters of any script.

    Raises:
        AddressInvalid: with the reason; also for an address with a user name in it.
    """
    if len(reference) > MAX_URL:
        raise AddressInvalid(f"the address is longer than {MAX_URL} characters")
    try:
        parts = urlsplit(urljoin(base, reference.strip()))
        host, port = (parts.hostname or "").encode("idna").decode().lower(), parts.port
    except ValueError as exc:
        raise AddressInvalid("the address cannot be read") from exc
    if parts.scheme not in _PORTS:
        raise AddressInvalid("the address is not one of http or https")
    if "@" in parts.netloc:
        raise AddressInvalid("a user name or a password stands in the address")
    if not _HOST.fullmatch(host):
        raise AddressInvalid("the address names no server")
    netloc = f"[{host}]" if ":" in host else host
    if port not in {None, _PORTS[parts.scheme]}:
        netloc += f":{port}"
    path, query = (quote(text, safe=_SAFE, errors="replace") for text in (parts.path, parts.query))
    return urlunsplit((parts.scheme, netloc, path or "/", query, ""))


def origin(url: str) -> tuple[str, str, int | None]:
    """Return what belongs together on the web: scheme, host and port."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or _PORTS.get(parts.scheme)


def follow(url: str, ask: Callable[[str, bool], Answer], *, who: str) -> Answer:
    """Ask, and ask on where the answer leads, at most five times.

    Args:
        url: where to begin.
        ask: gets an address and whether credentials may go along: not beyond the first origin,
            and not back to it either. It checks the address as it checks the first.
        who: what the server is called in sentences.

    Raises:
        BadUpstream: the redirects lead nowhere, from https to http, or on and on.
    """
    first, at_home = origin(url), True
    for _ in range(MAX_REDIRECTS + 1):
        answer = ask(url, at_home)
        if answer.status not in _MOVED:
            return answer
        onward = _onward(url, answer.headers.get("location", ""), who)
        if onward.startswith("http:") and url.startswith("https:"):
            raise BadUpstream(f"{who} redirects from https to http")
        url, at_home = onward, at_home and origin(onward) == first
    raise BadUpstream(f"{who} redirects again and again")


def _onward(url: str, location: str, who: str) -> str:
    if not location:
        raise BadUpstream(f"{who} redirects to nowhere")
    try:
        # Fields are read as Latin-1; what servers write into them is UTF-8, if not plain ASCII.
        return absolute(url, location.encode("latin-1").decode("utf-8", "replace"))
    except AddressInvalid as exc:
        raise BadUpstream(f"{who} redirects, and {exc}") from exc
