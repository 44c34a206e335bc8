"""Titles from file names, by guessit where a name needs it."""

import re
from functools import cache
from pathlib import PurePosixPath
from typing import Any

from ports.library.names import GuessedName

MAX_TITLE = 500
_MAX_FOLDERS = 2
_FIRST_YEAR, _LAST_YEAR = 1870, 2100

# "Some Title (1999)": what people write by hand needs no guessing, and guessing takes 8 ms.
_PLAIN = re.compile(r"(?P<title>[^._\[\]{}()]*[^\W\d_][^._\[\]{}()]*?)(?: *\((?P<year>\d{4})\))?")
_YEAR = re.compile(r"\b(?:18|19|20)\d\d\b")
_RELEASE = re.compile(
    r"\b(?:\d{3,4}[ip]|[hx] ?26[45]|hevc|av1|xvid|divx|blu-?ray|b[rd]rip|dvd(?:rip)?"
    r"|web(?:-?dl|rip)|hdtv|remux|uhd|4k|cd ?\d|s\d{1,2} ?e\d{1,3}|\d{1,2}x\d{2,3})\b",
    re.IGNORECASE,
)
_EPISODE = re.compile(
    r"(?<![^\W_])(?:s\d{1,2}[ ._-]?e\d{1,3}|\d{1,2}x\d{2,3})(?!\d)", re.IGNORECASE
)
_SAYS_NOTHING = frozenset({"movie", "film", "video", "main", "index", "full", "feature"})


class GuessitNames:
    """Reads file names the way people write them. Loading guessit takes a while: on first use."""

    def guess(self, name: str) -> GuessedName:
        """See NameGuesser."""
        path = PurePosixPath(name)
        stem = _tidy(path.stem)
        plain = _PLAIN.fullmatch(stem)
        if plain and stem.lower() not in _SAYS_NOTHING and not _is_release(plain["title"]):
            return GuessedName(_cut(plain["title"]), _year(plain["year"]))
        found = _ask_guessit("/".join(map(_tidy, path.parts[-1 - _MAX_FOLDERS :])))
        title = _tidy(str(_first(found.get("title")) or ""))
        season, episode = _number(found.get("season")), _number(found.get("episode"))
        if not title:
            return GuessedName(_cut(stem) or "video", season=season, episode=episode)
        part = _number(found.get("part"))
        if part is not None and episode is None:
            title = f"{title} Part {part}"
        return GuessedName(_cut(title), _year(found.get("year")), season, episode)


def _ask_guessit(name: str) -> dict[str, Any]:
    """Ask guessit; a name it chokes on tells nothing.

    Only an explicit mark such as S01E02 makes an episode: guessit takes "film 12" for one too.
    """
    options = {"type": "episode" if _EPISODE.search(name) else "movie"}
    try:
        return dict(_guessit()(name, options))
    except Exception:  # noqa: BLE001 - its rules raise whatever a strange name brings up
        return {}


@cache
def _guessit() -> Any:
    from guessit import guessit  # noqa: PLC0415 - takes 0.2 s, and many processes never guess

    return guessit


def _is_release(title: str) -> bool:
    return bool(_RELEASE.search(title) or _YEAR.search(title))


def _first(value: object) -> object:
    return value[0] if isinstance(value, list) and value else value


def _number(value: object) -> int | None:
    first = _first(value)
    return first if isinstance(first, int) and 0 <= first < 100_000 else None


def _year(value: object) -> int | None:
    year = _first(value)
    if isinstance(year, str):
        year = int(year)
    return year if isinstance(year, int) and _FIRST_YEAR <= year <= _LAST_YEAR else None


def _tidy(text: str) -> str:
    shown = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(shown.encode("utf-8", "ignore").decode().split())


def _cut(title: str) -> str:
    return title.strip()[:MAX_TITLE].strip()
