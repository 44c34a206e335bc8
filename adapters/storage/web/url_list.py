"""Lists of addresses: plain text with one in each line, or M3U with titles."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from adapters.storage.names import is_video_name
from adapters.storage.redirects import MAX_URL, AddressInvalid, absolute
from adapters.storage.web.leads import Lead, stamp_of
from adapters.storage.web.pages import Page
from domain.library.description import MAX_TITLE, Description
from ports.library.storage import Told, UnreadableObject

MAX_LINES = 2_000_000
_LOOKED_AT = 50  # lines that tell a list from any other text
_EXTINF = re.compile(r'#EXTINF:\s*-?[0-9.]*(?:\s+[\w-]+="[^"]*")*\s*,(.*)', re.ASCII)
_HLS = ("#EXT-X-TARGETDURATION", "#EXT-X-STREAM-INF")
_STREAMS = (".m3u8", ".mpd")


class ListRefused(Exception):
    """The text is no list of films; says why."""


@dataclass(frozen=True, slots=True)
class AddressList:
    """The lines of a list and where it was found."""

    url: str
    lines: list[str]

    @property
    def count(self) -> int:
        """How many addresses there are."""
        return sum(1 for line in self.lines if _is_entry(line))

    def items(self) -> Iterator[Lead | UnreadableObject]:
        """Yield the films in their order, each address once."""
        seen: set[str] = set()
        title = ""
        for number, line in enumerate(self.lines, 1):
            found = _EXTINF.match(line) if len(line) <= MAX_URL else None
            title = found[1].strip()[:MAX_TITLE] if found else title
            if not _is_entry(line):
                continue
            said, title = title, ""
            try:
                lead = self._lead(line.strip(), said)
            except AddressInvalid as exc:
                yield UnreadableObject(f"line {number}", str(exc))
                continue
            if lead.locator not in seen:
                seen.add(lead.locator)
                yield lead

    def _lead(self, line: str, title: str) -> Lead:
        if not _is_plausible(line):
            raise AddressInvalid("there is no address of a film")
        url = absolute(self.url, line)
        path = unquote(urlsplit(url).path)
        if path.lower().endswith(_STREAMS):
            raise AddressInvalid("a stream in pieces (HLS, DASH) is no file")
        name = path.rstrip("/").rpartition("/")[2] or title or urlsplit(url).netloc
        told = Told(description=Description(title=title)) if title else None
        return Lead(url, name, told=told, extras=stamp_of(title) if title else "")


def parse_list(page: Page) -> AddressList | None:
    """Read a list; None where the text is something else.

    Raises:
        ListRefused: it is one stream in pieces, or endless.
    """
    if page.content.count(b"\n") > MAX_LINES:
        raise ListRefused(f"the list has more than {MAX_LINES:,} lines")
    text = page.text()
    if "\0" in text:
        return None
    lines = text.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").splitlines()
    if any(line.startswith(_HLS) for line in lines[:_LOOKED_AT]):
        raise ListRefused("that is a single stream in pieces (HLS), not a list of films")
    entries = [line.strip() for line in lines[: 10 * _LOOKED_AT] if _is_entry(line)][:_LOOKED_AT]
    if entries and not any(map(_is_plausible, entries)):
        return None
    return AddressList(page.url, lines)


def _is_entry(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _is_plausible(line: str) -> bool:
    if "<" in line:
        return False
    return "://" in line[:MAX_URL] or is_video_name(line.partition("?")[0])
