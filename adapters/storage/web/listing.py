"""Directory listings as web servers write them: HTML of any of them, nginx's JSON and XML, Caddy's.

An entry is what lies directly below the listing's own address and nothing else; every other link
(to sort, to the parent, to elsewhere) is passed over.
"""

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, unquote_to_bytes, urljoin, urlsplit
from xml.parsers import expat

import orjson

from adapters.storage.names import is_video_name
from adapters.storage.redirects import origin
from adapters.storage.web.markup import href, tokens
from adapters.storage.web.pages import Page
from domain.library.video import shown

MAX_NAME = 1000
MAX_ELSEWHERE = 10_000
MAX_MARKS = 2_000_000  # braces, brackets and commas: what bounds the memory of a parsed page
_DATE = r"\d{1,4}[-/. ](?:\d{1,2}|[A-Za-z]{3})[-/. ]\d{1,4}[T ,]+\d{1,2}:\d{2}(?::\d{2})?Z?"
_DATED = re.compile(_DATE, re.ASCII)
_EXACT = re.compile(rf"{_DATE} (\d{{1,16}})", re.ASCII)
_SAYS_SO = re.compile(
    r"(?:index of|directory listing|directory index|listing directory|directory:)", re.IGNORECASE
)
_ROW_ENDS = frozenset(
    {"tr", "/tr", "li", "/li", "br", "hr", "ul", "/ul", "table", "/table", "/pre", "p", "/p"}
)
_HEADINGS = frozenset({"title", "h1", "h2"})
_CELLS = frozenset({"td", "/td", "th", "/th"})
_TAIL = 300
_END = "\0"  # no text of XML holds it


class TooManyEntries(Exception):
    """The listing is longer than it may be."""


class Entry(NamedTuple):
    """What lies in a folder. ``name`` is one path component, decoded.

    ``size_bytes`` is set only where it is exact; ``stamp`` is what else the listing says of the
    entry's bytes, time of change first of all.
    """

    name: str
    is_folder: bool
    size_bytes: int | None = None
    stamp: str = ""


@dataclass(slots=True)
class Listing:
    """A folder's entries in the order of the page; ``unreadable`` are (name, reason)."""

    folder_url: str
    entries: dict[str, Entry] = field(default_factory=dict)
    unreadable: list[tuple[str, str]] = field(default_factory=list)

    def add(self, entry: Entry, *, most: int) -> None:
        """Take in an entry; one that is linked twice counts once, with what is said of it."""
        before = self.entries.get(entry.name)
        if before is None or (not before.stamp and entry.stamp):
            self.entries[entry.name] = entry
        self._check(most)

    def refuse(self, name: str, reason: str, *, most: int) -> None:
        """Take note of an entry that cannot be taken in."""
        self.unreadable.append((shown(name)[:MAX_NAME] or "?", reason))
        self._check(most)

    def _check(self, most: int) -> None:
        if len(self.entries) + len(self.unreadable) > most:
            raise TooManyEntries


def entry_url(folder_url: str, name: str, *, is_folder: bool) -> str:
    """Return the address of an entry."""
    return folder_url + quote(name, safe="") + ("/" if is_folder else "")


def folder_of(url: str) -> str:
    """Return the address of the folder that a page lists: up to the last slash of its path."""
    return urljoin(url, ".").partition("?")[0]


def parse_html(page: Page, *, most: int) -> Listing | None:
    """Read a listing in HTML; None where the page is something else."""
    return _HtmlListing(page, most).read()


def parse_json(page: Page, *, most: int) -> Listing | None:
    """Read nginx's or Caddy's JSON; None where it is something else."""
    if sum(map(page.content.count, (b"{", b",", b"["))) > MAX_MARKS:
        raise TooManyEntries
    try:
        rows = orjson.loads(page.content)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return None
    listing = Listing(folder_of(page.url))
    for row in rows:
        name = row.get("name")
        if not isinstance(name, str) or not ("type" in row or "is_dir" in row):
            return None
        is_folder = row.get("type") == "directory" or row.get("is_dir") is True
        _take(listing, name.removesuffix("/"), is_folder, row, most)
    return listing


def parse_xml(page: Page, *, most: int) -> Listing | None:
    """Read nginx's XML; None where it is something else."""
    if page.content.count(b"<") > MAX_MARKS:
        raise TooManyEntries
    rows: list[tuple[str, dict[str, str], list[str]]] = []
    parser = expat.ParserCreate()

    def start(name: str, attributes: dict[str, str]) -> None:
        rows.append((name, attributes, []))

    def text(piece: str) -> None:
        rows[-1][2].append(piece)

    def end(_name: str) -> None:
        rows[-1][2].append(_END)

    def refuse(*_: object) -> None:
        raise ValueError("a listing declares nothing")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(page.content, True)
    except (expat.ExpatError, ValueError):
        return None
    if rows[0][0] != "list":
        return None
    listing = Listing(folder_of(page.url))
    for kind, attributes, pieces in rows[1:]:
        if kind in {"file", "directory", "other"}:
            name = "".join(pieces).partition(_END)[0]
            _take(listing, name, kind == "directory", attributes, most)
    return listing


def _take(
    listing: Listing, name: str, is_folder: bool, said: dict[str, Any] | dict[str, str], most: int
) -> None:
    """Take in a row of a format that gives exact sizes and times."""
    reason = _why_not(name)
    if reason:
        listing.refuse(name, reason, most=most)
        return
    size = str(said.get("size", ""))
    exact = int(size) if size.isascii() and size.isdecimal() and len(size) <= 16 else None
    stamp = str(said.get("mtime") or said.get("mod_time") or "")[:40]
    listing.add(Entry(name, is_folder, None if is_folder else exact, stamp), most=most)


def _why_not(name: str) -> str:
    if not name or name in {".", ".."} or "/" in name or "\0" in name:
        return "the listing gives it a name that is none"
    if len(name) > MAX_NAME:
        return f"its name is longer than {MAX_NAME} characters"
    if not name.isprintable():
        return "its name holds a character that cannot be shown"
    return ""


def _components(path: str) -> list[bytes]:
    return [unquote_to_bytes(part) for part in path.split("/")]


class _HtmlListing:
    """One pass over a page."""

    def __init__(self, page: Page, most: int) -> None:
        self._page, self._most = page, most
        self._listing = Listing(folder_of(page.url))
        here = urlsplit(self._listing.folder_url)
        self._base = _components(here.path)[:-1]
        self._place, self._origin = here[:2], origin(page.url)
        self._headings: list[str] = []
        self._elsewhere: set[str] = set()
        self._dated = 0

    def read(self) -> Listing | None:
        link: str | None = None
        heading, in_anchor, in_pre, tail = False, False, False, ""
        for name, text in tokens(self._page.text()):
            if name == "a" or name in _ROW_ENDS:
                self._link(link, tail)
                link, tail = (href(text) if name == "a" else None), ""
                in_anchor = name == "a"
            elif name == "/a":
                in_anchor = False
            elif name in _HEADINGS:
                heading = True
                self._headings.append("")
            elif name.removeprefix("/") in _HEADINGS:
                heading = False
            elif name == "pre":
                in_pre = True
            elif name in _CELLS:
                tail += " "
            elif not name and heading and len(self._headings) <= 10:
                self._headings[-1] += text[:500]
            elif not name and link is not None and not in_anchor and len(tail) < _TAIL:
                line, end, _ = text.partition("\n") if in_pre else (text, "", "")
                tail += line
                if end:
                    self._link(link, tail)
                    link, tail = None, ""
        self._link(link, tail)
        return self._listing if self._is_listing() else None

    def _link(self, link: str | None, tail: str) -> None:
        if link is None:
            return
        try:
            parts = urlsplit(urljoin(self._page.url, link))
            is_away = parts[:2] != self._place and origin(parts.geturl()) != self._origin
        except ValueError:
            return
        if is_away:
            self._leads_away(link)
            return
        path = _components(parts.path)
        base = self._base
        if path[: len(base)] != base:
            # The way up, at the head of many listings, says nothing against the page.
            if path[-1] or base[: len(path) - 1] != path[:-1]:
                self._leads_away(link)
            return
        first, *rest = path[len(base) :] or [b""]
        if first and rest in ([], [b""]):
            self._entry(first, " ".join(tail.split()), is_folder=bool(rest))
        elif rest:
            self._leads_away(link)

    def _leads_away(self, link: str) -> None:
        if len(self._elsewhere) < MAX_ELSEWHERE:
            self._elsewhere.add(link[:200])

    def _entry(self, coded: bytes, tail: str, *, is_folder: bool) -> None:
        name = coded.decode("utf-8", "replace")
        reason = _why_not(name) if name.encode() == coded else "its name is not UTF-8 text"
        if reason:
            if is_folder or is_video_name(name):
                self._listing.refuse(name, reason, most=self._most)
            return
        dated = _DATED.search(tail)
        self._dated += dated is not None
        exact = _EXACT.fullmatch(tail)
        size = int(exact[1]) if exact is not None and not is_folder else None
        stamp = "" if dated is None else tail[:100] if size is None else dated[0]
        self._listing.add(Entry(name, is_folder, size, stamp), most=self._most)

    def _is_listing(self) -> bool:
        """Tell a listing from any other page, by its heading or else by where its links lead."""
        path = unquote(urlsplit(self._listing.folder_url).path)
        for heading in self._headings:
            words = " ".join(heading.split())
            if _SAYS_SO.match(words) or (len(path) > 1 and words.endswith(path)):
                return True
        entries = self._listing.entries.values()
        films = any(is_video_name(entry.name) and not entry.is_folder for entry in entries)
        mostly_dated = bool(entries) and 2 * self._dated >= len(entries)
        return (films or mostly_dated) and len(entries) >= len(self._elsewhere)
