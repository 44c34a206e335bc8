"""Single fields of NFO files, as the many programs that write them have them."""

import re
from collections.abc import Mapping
from math import isfinite
from xml.etree.ElementTree import Element

MAX_VALUES = 300

_IMDB = re.compile(r"tt\d{5,12}", re.ASCII)
_DIGITS = re.compile(r"\d{1,12}", re.ASCII)
_TYPE = re.compile(r"[a-z][a-z0-9_.-]{0,29}", re.ASCII)
_VALUE = re.compile(r"[\x21-\x7e]{1,100}", re.ASCII)
_YEAR = re.compile(r"\b(\d{4})\b", re.ASCII)
_NUMBER = re.compile(r"\d{1,4}(?:[.,]\d{1,6})?", re.ASCII)
_LINKS = {
    "imdb": re.compile(r"imdb\.com/(?:[a-z-]{1,10}/)?title/(tt\d{5,12})", re.ASCII | re.IGNORECASE),
    "tmdb": re.compile(r"themoviedb\.org/(?:movie|tv)/(\d{1,10})", re.ASCII | re.IGNORECASE),
    "tvdb": re.compile(
        r"thetvdb\.com/(?:dereferrer/series/|\?tab=series&id=)(\d{1,10})", re.ASCII | re.IGNORECASE
    ),
}
# Tags that hold the id of one kind.
_ID_TAGS = {
    "imdbid": "imdb", "imdb_id": "imdb", "imdb": "imdb", "id": "imdb",
    "tmdbid": "tmdb", "tmdb_id": "tmdb", "tmdb": "tmdb",
    "tvdbid": "tvdb", "tvdb_id": "tvdb", "tvdb": "tvdb",
}  # fmt: skip
_COUNTRY = re.compile(r"[A-Za-z ]{2,20}:\s*")
_REASON = re.compile(r"\s+for\s.*", re.IGNORECASE | re.DOTALL)


def children(root: Element, tag: str) -> list[Element]:
    """Return the children with that tag, a bounded number of them."""
    return [child for child in root if child.tag == tag][:MAX_VALUES]


def text(root: Element, *paths: str) -> str:
    """Return the text of the first of these that has some; blanks are one space or line end."""
    for path in paths:
        for found in root.findall(path):
            content = _content(found)
            if content:
                return content
    return ""


def texts(root: Element, tag: str, *, separator: str = "") -> tuple[str, ...]:
    """Return the texts of all with that tag; each may hold several."""
    contents = [_content(child) for child in children(root, tag)]
    parts = [one for c in contents for one in (c.split(separator) if separator else (c,))]
    return tuple(part.strip() for part in parts if part.strip())[:MAX_VALUES]


def whole(root: Element, tag: str) -> int | None:
    """Return a whole number of 0 or more."""
    content = text(root, tag)
    return int(content) if _DIGITS.fullmatch(content) else None


def year(root: Element) -> int | None:
    """Return the year, of the date of the first showing where it is not said."""
    for path in ("year", "premiered", "aired", "releasedate"):
        found = _YEAR.search(text(root, path)[:40])
        if found is not None and int(found[1]):
            return int(found[1])
    return None


def rating(root: Element) -> float | None:
    """Return the rating from 0 to 10; a rating of 0 means that there is none."""
    entries = root.findall("ratings/rating")[:MAX_VALUES]
    entries.sort(key=lambda entry: entry.get("default", "").lower() != "true")
    for entry in entries:
        value = _scaled(text(entry, "value"), entry.get("max", "10"))
        if value:
            return value
    return next((v for e in children(root, "rating") if (v := _of_ten(e))), None)


def content_rating(said: str) -> str | None:
    """Return a rating of content without its country and its reasons: ``PG-13``, ``FSK 16``."""
    first = said.partition("/")[0].strip()
    first = _COUNTRY.sub("", first, count=1) if _COUNTRY.match(first) else first
    if first.lower().startswith("rated"):
        first = first[5:].strip()
    return _REASON.sub("", first).strip() or None


def external_ids(root: Element) -> Mapping[str, str]:
    """Return ids by the name of who gave them; what does not look like an id is left out."""
    ids: dict[str, str] = {}
    for entry in children(root, "uniqueid"):
        _keep(ids, entry.get("type", "").strip().lower(), _content(entry))
    for tag, name in _ID_TAGS.items():
        for entry in children(root, tag):
            _keep(ids, name, _content(entry))
    return ids


def ids_in_links(content: str) -> Mapping[str, str]:
    """Return the ids in links to IMDb, TMDB and TheTVDB."""
    found = {name: pattern.search(content) for name, pattern in _LINKS.items()}
    return {name: match[1] for name, match in found.items() if match}


def _keep(ids: dict[str, str], name: str, value: str) -> None:
    patterns = {"imdb": _IMDB, "tmdb": _DIGITS, "tvdb": _DIGITS}
    if _TYPE.fullmatch(name) and patterns.get(name, _VALUE).fullmatch(value):
        ids.setdefault(name, value)


def _of_ten(entry: Element) -> float | None:
    return _scaled(_content(entry), entry.get("max", "10"))


def _scaled(value: str, most: str) -> float | None:
    if not _NUMBER.fullmatch(value) or not _NUMBER.fullmatch(most):
        return None
    top = float(most.replace(",", "."))
    scaled = float(value.replace(",", ".")) / top * 10 if top else 0.0
    return round(scaled, 1) if isfinite(scaled) and 0 < scaled <= 10 else None


def _content(element: Element) -> str:
    lines = "".join(element.itertext()).strip().splitlines()
    return "\n".join(" ".join(line.split()) for line in lines).strip()
