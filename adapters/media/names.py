"""Titles from file names, by guessit where a name needs it."""

import re
from datetime import date
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
    r"|web(?:-?dl|rip)|hdtv|remux|uhd|4k|cd ?\d|\d{1,2}x\d{2,3}"
    r"|s\d{1,2} ?e\d{1,3}(?:-?e?\d{1,3})*)\b",
    re.IGNORECASE,
)
_EPISODE = re.compile(
    r"(?<![^\W_])(?:s\d{1,2}[ ._-]?e\d{1,3}|\d{1,2}x\d{2,3})(?!\d)", re.IGNORECASE
)
# "Some Show (1999) - S01E02 - A Title": likewise.
_PLAIN_EPISODE = re.compile(
    r"(?P<title>[^._\[\]{}()]*[^\W\d_][^._\[\]{}()]*?)(?: *\((?P<year>\d{4})\))?[ -]+"
    r"s(?P<season>\d{1,2})e(?P<episode>\d{1,3})(?:-?e\d{1,3})*"
    r"(?: +(?:- +)?(?P<episode_title>[^._\[\]{}()]+))?",
    re.IGNORECASE,
)
_SEASON = re.compile(
    r"(?:season|staffel|saison|series|temporada|stagione|seizoen|s) ?(?P<season>\d{1,2})"
    r"|(?P<specials>specials)",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"(?:episode|ep|e|folge)?[ ._]?(?P<episode>\d{1,3})(?:[ ._]*-+[ ._]*|[ ._]+)?"
    r"(?P<episode_title>(?<=[ ._-])[^\W_].*)?",
    re.IGNORECASE,
)
_SAYS_NOTHING = frozenset({"movie", "film", "video", "main", "index", "full", "feature"})


class GuessitNames:
    """Reads file names the way people write them. Loading guessit takes a while: on first use."""

    def guess(self, name: str) -> GuessedName:
        """See NameGuesser."""
        path = PurePosixPath(name)
        stem = _tidy(path.stem)
        return (
            _in_a_season(path, stem)
            or _plain(stem)
            or _plain_episode(path, stem)
            or _guessed(path, stem)
        )


def _plain(stem: str) -> GuessedName | None:
    plain = _PLAIN.fullmatch(stem)
    if plain is None or stem.lower() in _SAYS_NOTHING or _is_release(plain["title"]):
        return None
    return GuessedName(_cut(plain["title"]), _year(plain["year"]))


def _plain_episode(path: PurePosixPath, stem: str) -> GuessedName | None:
    plain = _PLAIN_EPISODE.fullmatch(stem)
    if plain is None or _is_release(plain["title"]) or _is_release(plain["episode_title"] or ""):
        return None
    title, own_title = _cut(plain["title"].rstrip(" -")), _cut(plain["episode_title"] or "")
    year = _year(plain["year"]) or _year_of_folder(path, title)
    season, episode = int(plain["season"]), int(plain["episode"])
    return GuessedName(title, year, season, episode, own_title or None) if title else None


def _year_of_folder(path: PurePosixPath, series: str) -> int | None:
    """Return the year that a folder with the series' title has: all its files are of one series."""
    for folder in path.parts[-1 - _MAX_FOLDERS : -1]:
        plain = _PLAIN.fullmatch(folder)
        if plain is not None and plain["title"].lower() == series.lower():
            return _year(plain["year"])
    return None


def _in_a_season(path: PurePosixPath, stem: str) -> GuessedName | None:
    """Read "Show (1999)/Season 1/02 - A Title": the folders say which series it is."""
    season = len(path.parts) > 2 and _SEASON.fullmatch(path.parts[-2].replace("_", " "))
    numbered = season and _NUMBERED.fullmatch(stem)
    if not season or not numbered:
        return None
    show = path.parts[-3]
    series = GuessitNames().guess(f"{show}.folder")
    own_title = numbered["episode_title"]
    if own_title and _is_release(own_title):
        own_title = _tidy(str(_first(_ask_guessit(own_title).get("title")) or ""))
    return GuessedName(
        series.title,
        series.year,
        int(season["season"] or 0),
        int(numbered["episode"]),
        _cut(own_title or "") or None,
    )


def _guessed(path: PurePosixPath, stem: str) -> GuessedName:
    found = _ask_guessit("/".join(map(_tidy, path.parts[-1 - _MAX_FOLDERS :])))
    title = _tidy(str(_first(found.get("title")) or ""))
    season, episode = _number(found.get("season")), _number(found.get("episode"))
    if not title:
        return GuessedName(_cut(stem) or "video", season=season, episode=episode)
    year = _year(found.get("year"))
    own_title = _tidy(str(_first(found.get("episode_title")) or ""))
    part, day = _number(found.get("part")), found.get("date")
    other = str(_first(found.get("alternative_title")) or "")
    if episode is not None:
        year = None if year == season else year  # seasons that are called by their year
        return GuessedName(_cut(title), year, season, episode, _cut(own_title) or None)
    if isinstance(day, date):  # a show of that day; without the day, all would be one work
        return GuessedName(_cut(f"{title} {day.isoformat()}"), day.year)
    if part is not None:
        title = f"{title} Part {part}"
    elif other.isdecimal():  # the number of an episode among all
        title = f"{title} {other}"
    return GuessedName(_cut(title), year, season, episode)


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
