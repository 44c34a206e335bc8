"""Feeds: RSS, Atom and Media RSS, as feedparser reads them from bytes that were fetched already."""

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.parsers import expat

import feedparser

from adapters.storage.names import is_video_name
from adapters.storage.redirects import AddressInvalid, absolute
from adapters.storage.web.leads import Lead, stamp_of
from adapters.storage.web.markup import plain_text
from adapters.storage.web.pages import Page
from domain.library.description import MAX_DESCRIPTION, MAX_TAGS, Description, EpisodeMark
from domain.library.video import MAX_FILE_SIZE
from ports.library.storage import CompanionKind, Told, UnreadableObject

MAX_PROLOG = 8192  # feedparser's time grows with the square of what stands before the first tag
MAX_LOOSE = 2 * 1024 * 1024
_SUFFIXES = {
    "video/mp4": ".mp4", "video/x-m4v": ".m4v", "video/quicktime": ".mov", "video/webm": ".webm",
    "video/x-matroska": ".mkv", "video/mpeg": ".mpg", "video/ogg": ".ogv", "video/mp2t": ".ts",
    "video/x-msvideo": ".avi", "video/x-ms-wmv": ".wmv", "video/3gpp": ".3gp",
}  # fmt: skip
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,500}\?>")
_OTHER_TYPES = ("audio/", "image/", "text/")


class FeedRefused(Exception):
    """The feed is not read; says why."""


@dataclass(slots=True)
class Feed:
    """A page of a feed. ``pictures`` are addresses, by film and kind."""

    title: str
    entries: int
    items: list[Lead | UnreadableObject] = field(default_factory=list)
    pictures: dict[tuple[str, CompanionKind], str] = field(default_factory=dict)
    next_url: str | None = None


@dataclass(frozen=True, slots=True)
class _File:
    """A file that an entry offers."""

    url: str
    media_type: str
    length: str


def parse_feed(page: Page) -> Feed | None:
    """Read a feed; None where the page is something else.

    Nothing that the feed names is fetched, and what it declares beyond itself is not looked at.

    Raises:
        FeedRefused: it declares entities, or it is too broken for its length.
    """
    content = _plain(page.content)
    if not _begins_soon(content):
        return None
    if not _is_well_formed(content) and len(content) > MAX_LOOSE:
        raise FeedRefused("the feed is broken: it is not well-formed XML")
    said = {"content-type": f"application/xml{_charset(page)}", "content-location": page.url}
    parsed = feedparser.parse(
        io.BytesIO(content),
        response_headers=said,
        sanitize_html=False,
        resolve_relative_uris=False,
    )
    if not parsed.version:
        return None
    title = _line(parsed.feed.get("title"))
    feed = Feed(title or "without a title", len(parsed.entries))
    for entry in parsed.entries:
        # A plain one: the library's own answers for fields that are not there.
        _take(feed, dict(entry), title, page.url)
    feed.next_url = _next(parsed.feed, page.url)
    return feed


def _plain(content: bytes) -> bytes:
    """Return the document without blanks before it, and in UTF-8 where a mark says UTF-16."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", "replace")
        return _DECLARATION.sub("", text, count=1).encode()
    return content.removeprefix(b"\xef\xbb\xbf").lstrip()


def _begins_soon(content: bytes) -> bool:
    return any(content.find(tag, 0, MAX_PROLOG) >= 0 for tag in (b"<rss", b"<feed", b"<rdf:RDF"))


def _is_well_formed(content: bytes) -> bool:
    """Tell whether the document is XML; entities of its own are refused before they expand."""

    def refuse(*_: object) -> None:
        raise FeedRefused("the feed declares entities, which no feed needs")

    parser = expat.ParserCreate()
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, ValueError, LookupError):
        return False
    return True


def _charset(page: Page) -> str:
    return f"; charset={page.charset}" if page.charset else ""


def _take(feed: Feed, entry: Mapping[str, Any], series: str, page_url: str) -> None:
    base = _text(_dict(entry.get("title_detail")).get("base")) or page_url
    title = _line(entry.get("title"))
    description = _describe(entry, title, series)
    pictures = dict(_pictures(entry, base))
    seen: set[str] = set()
    for file in _files(entry):
        name = title or "an entry without a title"
        try:
            url = absolute(base, file.url)
        except AddressInvalid as exc:
            if _is_video(file, file.url.partition("?")[0]):
                feed.items.append(UnreadableObject(name, str(exc)))
            continue
        path = unquote(urlsplit(url).path)
        if url in seen or not _is_video(file, path):
            continue
        seen.add(url)
        size = int(file.length) if file.length.isascii() and file.length.isdecimal() else 0
        marks = (file.length, url, entry.get("id"), entry.get("updated") or entry.get("published"))
        feed.items.append(
            Lead(
                url,
                _name(path, title, file.media_type),
                size if 0 < size <= MAX_FILE_SIZE else None,
                stamp_of(*marks),
                told=Told(description=description, pictures=bool(pictures)),
                extras=stamp_of(description, pictures),
            )
        )
        feed.pictures.update({(url, kind): picture for kind, picture in pictures.items()})


def _files(entry: Mapping[str, Any]) -> Iterator[_File]:
    for link in _dicts(entry.get("links")):
        if link.get("rel") == "enclosure":
            yield _File(_text(link.get("href")), _type(link), _text(link.get("length")))
    for content in _dicts(entry.get("media_content")):
        yield _File(_text(content.get("url")), _type(content), _text(content.get("filesize")))


def _is_video(file: _File, path: str) -> bool:
    if not file.url or file.media_type.startswith(_OTHER_TYPES):
        return False
    return file.media_type.startswith("video/") or is_video_name(path)


def _name(path: str, title: str, media_type: str) -> str:
    base = path.rpartition("/")[2]
    if is_video_name(base):
        return base
    said = title.replace("/", "-").replace("\\", "-") or base or "video"
    return said + _SUFFIXES.get(media_type, "")


def _describe(entry: Mapping[str, Any], title: str, series: str) -> Description:
    when = entry.get("published_parsed") or entry.get("updated_parsed")
    bodies = [_dict(one) for one in (entry.get("content") or ())]
    markup = _text(entry.get("summary")) or _text(bodies[0].get("value") if bodies else "")
    terms = [_line(tag.get("label") or tag.get("term")) for tag in _dicts(entry.get("tags"))]
    rating = _text(_dict(entry.get("media_rating")).get("content"))
    return Description(
        title=title,
        year=when[0] if when else None,
        description=plain_text(markup, most=MAX_DESCRIPTION),
        content_rating=_line(rating) or None,
        tags=tuple(term for term in terms if term)[:MAX_TAGS],
        episode=_episode(entry, series),
    )


def _episode(entry: Mapping[str, Any], series: str) -> EpisodeMark | None:
    """Return the episode that an entry is; a feed that numbers no seasons has one."""
    episode, season = _number(entry.get("itunes_episode")), _number(entry.get("itunes_season"))
    if episode is None or not series:
        return None
    return EpisodeMark(series=series, season=1 if season is None else season, episode=episode)


def _pictures(entry: Mapping[str, Any], base: str) -> Iterator[tuple[CompanionKind, str]]:
    """Yield where the entry's pictures are: scenes are wide, covers are not."""
    thumbnails = _dicts(entry.get("media_thumbnail"))
    for kind, said in (
        (CompanionKind.STILL, thumbnails[0].get("url") if thumbnails else ""),
        (CompanionKind.POSTER, _dict(entry.get("image")).get("href")),
    ):
        if _text(said):
            with suppress(AddressInvalid):
                yield kind, absolute(base, _text(said))


def _next(feed: Mapping[str, Any], url: str) -> str | None:
    for link in _dicts(feed.get("links")):
        if link.get("rel") == "next" and _text(link.get("href")):
            try:
                return absolute(url, _text(link.get("href")))
            except AddressInvalid:
                return None
    return None


def _dict(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _type(said: Mapping[str, Any]) -> str:
    return _text(said.get("type")).partition(";")[0].strip().lower()


def _line(value: object) -> str:
    line = plain_text(_text(value), most=1000).replace("\n", " ")
    return "".join(c if c.isprintable() else " " for c in line).strip()


def _number(value: object) -> int | None:
    text = _text(value).strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 6 else None
