"""Names of languages: from what containers write to BCP 47."""

import re
from functools import cache, lru_cache
from typing import Any

_TAG = re.compile(r"([a-z]{2,3})((?:[-_][a-z0-9]{1,8}){0,3})", re.ASCII | re.IGNORECASE)
_NONE = frozenset({"und", "zxx", "mis", "mul"})
_SOURCES = ("alpha3b", "alpha3t", "alpha2")


@lru_cache(1000)
def language_tag(text: str) -> str:
    """Return the tag (``en``, ``pt-BR``, ``gsw``), or an empty text for what is none.

    Takes ISO 639-1 and both kinds of ISO 639-2 (``fre``, ``fra``), with or without a region.
    """
    found = _TAG.fullmatch(text.strip())
    if found is None or found[1].lower() in _NONE:
        return ""
    language = _language(found[1].lower())
    return language and "-".join((language, *map(_subtag, re.split("[-_]", found[2])[1:])))


def _language(code: str) -> str:
    babelfish = _babelfish()
    for source in _SOURCES:
        try:
            language = babelfish.Language.fromcode(code, source)
        except babelfish.Error:
            continue
        try:
            return str(language.alpha2)
        except babelfish.Error:
            return str(language.alpha3)
    try:
        return str(babelfish.Language(code).alpha3)
    except ValueError:
        return ""


def _subtag(text: str) -> str:
    if len(text) == 2:
        return text.upper()  # a region
    return text.title() if len(text) == 4 and text.isalpha() else text.lower()


@cache
def _babelfish() -> Any:
    import babelfish  # noqa: PLC0415 - its tables take a while, and many films have no subtitles

    return babelfish
