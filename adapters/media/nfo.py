"""NFO files of Kodi, Jellyfin and Emby, by defusedxml.

Where a file holds several roots, as one of several episodes does, the first one counts.
"""

import codecs
import html
import re
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError, TreeBuilder

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import XMLParser

from adapters.media import nfo_fields as fields
from domain.library.description import Credit, CreditRole, Description, EpisodeMark
from ports.library.media import MediaUnreadable

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 20
MAX_ELEMENTS = 20_000
ROOTS = frozenset({"movie", "episodedetails", "tvshow", "musicvideo", "video"})

_ROOT = re.compile(rf"<({'|'.join(sorted(ROOTS))})[\s>/]", re.IGNORECASE)
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_UNHEARD_OF = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BARE = re.compile(r"&(?!#\d{1,7};|#x[0-9a-fA-F]{1,6};|(?:lt|gt|amp|quot|apos);)(\w{2,31};)?")
# Names of encodings that decode in linear time and are in use.
_ENCODINGS = re.compile(
    r"utf-?8|utf-?16(-?[lb]e)?|us-ascii|iso-?8859-\d{1,2}|latin-?1|windows-125\d|cp125\d|koi8-[ru]"
    r"|gb2312|gbk|gb18030|big5|shift_jis|euc-(jp|kr)",
    re.IGNORECASE,
)
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


class XmlNfo:
    """Reads what a media centre keeps of a film, an episode, a series or a music video."""

    def read(self, data: bytes) -> Description:
        """See NfoReader."""
        if len(data) > MAX_BYTES:
            raise MediaUnreadable("it is larger than 1 MiB")
        text = _decode(data)
        start = _ROOT.search(text)
        if start is None:
            ids = fields.ids_in_links(text)
            if not ids:
                raise MediaUnreadable("it describes no film and holds no link to IMDb or TMDB")
            return Description(external_ids=ids)
        if "<!" in text[: start.start()].replace("<!--", ""):
            raise MediaUnreadable("it declares a document type or entities")
        return _description(_root(text[start.start() :]))


class _Complete(Exception):
    """The first root is read: what follows does not matter."""


class _Builder(TreeBuilder):
    """A tree that is neither deep nor large."""

    def __init__(self) -> None:
        super().__init__()
        self._depth = self._count = 0

    def start(self, tag: Any, attrs: Any) -> Element:
        self._depth, self._count = self._depth + 1, self._count + 1
        if self._depth > MAX_DEPTH or self._count > MAX_ELEMENTS:
            raise MediaUnreadable("it is built too strangely")
        return super().start(tag.lower(), attrs)

    def end(self, tag: Any) -> Element:
        self._depth -= 1
        element = super().end(tag.lower())
        if not self._depth:
            raise _Complete
        return element


def _root(text: str) -> Element:
    try:
        return _parse(text)
    except ParseError:
        pass
    try:  # often it is an ampersand in a title
        return _parse(_BARE.sub(_escaped, text))
    except ParseError as exc:
        raise MediaUnreadable("its XML is damaged") from exc


def _parse(text: str) -> Element:
    builder = _Builder()
    parser = XMLParser(target=builder, forbid_dtd=True)
    try:
        parser.feed(text)
    except _Complete:
        return builder.close()
    except DefusedXmlException as exc:
        raise MediaUnreadable("it declares a document type or entities") from exc
    raise ParseError("no end")


def _escaped(found: re.Match[str]) -> str:
    """Return a bare ampersand, or an entity of HTML, as XML has it."""
    return html.escape(html.unescape(found[0]), quote=False)


def _decode(data: bytes) -> str:
    text = None
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            text = data.decode(encoding, "replace")
    declared = _DECLARED.search(data[:400])
    for name in (declared[1].decode() if declared else "", "utf-8"):
        if text is None and _ENCODINGS.fullmatch(name) and _is_known(name):
            try:
                text = data.decode(name)
            except UnicodeDecodeError:
                continue
    if text is None:
        text = data.decode("latin-1")
    return _UNHEARD_OF.sub("", text)


def _is_known(name: str) -> bool:
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True


def _description(root: Element) -> Description:
    directors = fields.texts(root, "director")
    set_name = fields.text(root, "set/name", "set")
    return Description(
        title=fields.text(root, "title", "originaltitle"),
        year=fields.year(root),
        description=fields.text(root, "plot", "outline"),
        director=", ".join(directors),
        rating=fields.rating(root),
        content_rating=fields.content_rating(fields.text(root, "mpaa", "certification")),
        tags=(*fields.texts(root, "tag"), *((set_name,) if set_name else ())),
        genres=fields.texts(root, "genre", separator="/"),
        credits=tuple(_credits(root, directors)),
        external_ids=fields.external_ids(root),
        episode=_episode(root),
    )


def _episode(root: Element) -> EpisodeMark | None:
    season, episode = fields.whole(root, "season"), fields.whole(root, "episode")
    if root.tag != "episodedetails" or season is None or episode is None:
        return None
    series = fields.text(root, "showtitle", "seriestitle")
    return EpisodeMark(series=series, season=season, episode=episode)


def _credits(root: Element, directors: Iterable[str]) -> Iterable[Credit]:
    yield from (Credit(name, CreditRole.DIRECTOR) for name in directors)
    for tag in ("credits", "writer"):
        yield from (Credit(name, CreditRole.WRITER) for name in fields.texts(root, tag))
    yield from (Credit(name, CreditRole.ACTOR) for name in fields.texts(root, "artist"))
    for actor in fields.children(root, "actor"):
        name = fields.text(actor, "name")
        role = _ROLES.get(fields.text(actor, "type").lower(), CreditRole.ACTOR)
        if name:
            yield Credit(name, role, fields.text(actor, "role"))


_ROLES: Mapping[str, CreditRole] = {
    "gueststar": CreditRole.GUEST,
    "director": CreditRole.DIRECTOR,
    "writer": CreditRole.WRITER,
    "producer": CreditRole.PRODUCER,
    "composer": CreditRole.COMPOSER,
}
