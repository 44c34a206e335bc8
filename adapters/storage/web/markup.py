"""Tags and text of a page, in one pass whose time grows with the page's length and no faster.

The standard library's HTMLParser takes 45 s for 90 kB of ``<a <a <a``; a listing can be larger, and
whoever serves it may mean ill. What is lost is lost to hand-made oddities only: a ``>`` inside an
attribute ends its tag.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import NamedTuple

MAX_ATTRIBUTES = 8192
MAX_TEXT = 4096
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]{0,19})\b([^<>]*)>|<!--")
_HREF = re.compile(
    r"""(?:^|[\s"'])href\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'<>]+))""", re.IGNORECASE
)
_CODE = frozenset({"script", "style"})


class Token(NamedTuple):
    """A tag (``name`` in lower case, a slash before it where it ends something) or a text."""

    name: str
    text: str


def tokens(page: str) -> Iterator[Token]:
    """Yield tags with their attributes, and between them texts (name empty, references resolved).

    Comments, scripts and styles are left out; of a long text only its beginning is given.
    """
    lowered = page.lower()
    if len(lowered) != len(page):  # letters that become two would shift every place
        page = lowered
    at = 0
    while (found := _TAG.search(page, at)) is not None:
        yield from _text(page, at, found.start())
        at = found.end()
        if found[2] is None:
            at = _find(lowered, "-->", at) + len("-->")
            continue
        name = found[2].lower()
        yield Token(found[1] + name, found[3][:MAX_ATTRIBUTES])
        if name in _CODE and not found[1]:
            at = _find(lowered, f"</{name}", at)
    yield from _text(page, at, len(page))


def href(attributes: str) -> str | None:
    """Return where an anchor leads, or None."""
    found = _HREF.search(attributes)
    if found is None:
        return None
    return unescape(next(text for text in found.groups() if text is not None)).strip()


def plain_text(markup: str, *, most: int) -> str:
    """Return the text of a piece of HTML, its paragraphs on lines of their own."""
    pieces: list[str] = []
    length = 0
    for token in tokens(markup):
        piece = token.text if not token.name else "\n" if token.name in _BREAKS else ""
        pieces.append(piece)
        length += len(piece)
        if length > 2 * most:
            break
    lines = (" ".join(line.split()) for line in "".join(pieces).split("\n"))
    return "\n".join(line for line in lines if line)[:most]


_BREAKS = frozenset(
    f"{slash}{name}"
    for slash in ("", "/")
    for name in ("br", "p", "div", "li", "ul", "ol", "tr", "h1", "h2", "h3", "h4", "blockquote")
)


def _text(page: str, start: int, end: int) -> Iterator[Token]:
    if end > start:
        yield Token("", unescape(page[start : min(end, start + MAX_TEXT)]))


def _find(page: str, mark: str, at: int) -> int:
    found = page.find(mark, at)
    return len(page) if found < 0 else found
