"""What a person sets by hand in a work or a series: refused by field, never cut in silence."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from domain.errors import Conflict, Invalid
from domain.library.description import (
    MAX_CREDITS,
    MAX_DIRECTOR,
    MAX_EXTERNAL_IDS,
    MAX_GENRES,
    MAX_NAME,
    MAX_TAG,
    MAX_TAGS,
    MAX_TITLE,
    Credit,
)
from domain.text import clean, clean_name, fold


class NotOurs(Conflict):
    """The work was learnt from another node: only that node changes it."""

    code = "work.not-ours"
    title = "The work belongs to another node"


class MergeRefused(Conflict):
    """The two works cannot be shown as one, or are not."""

    code = "work.merge-refused"
    title = "The works cannot be merged like that"


class SplitRefused(Conflict):
    """The video is all that its work has."""

    code = "video.split-refused"
    title = "The video cannot be split off"


def checked_changes(changes: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return changes by field as they are kept: cleaned, labels and people without doubles.

    Raises:
        Invalid: naming the field.
    """
    return {name: _CHECKS[name](value) if name in _CHECKS else value for name, value in
            changes.items()}  # fmt: skip


def _title(text: str) -> str:
    return clean_name(text, field="title", max_length=MAX_TITLE)


def _director(text: str) -> str:
    return clean(" ".join(text.split()), field="director", max_length=MAX_DIRECTOR)


def _content_rating(text: str | None) -> str | None:
    return clean(text or "", field="content_rating", max_length=MAX_TAG) or None


def _labels(name: str, most: int) -> Callable[[Iterable[str]], tuple[str, ...]]:
    def check(texts: Iterable[str]) -> tuple[str, ...]:
        kept: dict[str, str] = {}
        for text in texts:
            label = clean_name(text, field=name, max_length=MAX_TAG)
            kept.setdefault(fold(label), label)
        if len(kept) > most:
            raise Invalid(f"{name} takes at most {most}", field=name)
        return tuple(kept.values())

    return check


def _people(people: Iterable[Credit]) -> tuple[Credit, ...]:
    kept: dict[tuple[str, str], Credit] = {}
    for one in people:
        name = clean_name(one.name, field="credits", max_length=MAX_NAME)
        character = clean(one.character, field="credits", max_length=MAX_NAME)
        kept.setdefault((fold(name), one.role), Credit(name, one.role, character))
    if len(kept) > MAX_CREDITS:
        raise Invalid(f"credits takes at most {MAX_CREDITS}", field="credits")
    return tuple(kept.values())


def _external_ids(ids: Mapping[str, str]) -> Mapping[str, str]:
    kept = {
        clean_name(name, field="external_ids", max_length=MAX_TAG).lower(): clean_name(
            value, field="external_ids", max_length=MAX_TAG
        )
        for name, value in ids.items()
    }
    if len(kept) > MAX_EXTERNAL_IDS:
        raise Invalid(f"external_ids takes at most {MAX_EXTERNAL_IDS}", field="external_ids")
    return kept


_CHECKS: Mapping[str, Callable[[Any], Any]] = {
    "title": _title,
    "director": _director,
    "content_rating": _content_rating,
    "tags": _labels("tags", MAX_TAGS),
    "genres": _labels("genres", MAX_GENRES),
    "credits": _people,
    "external_ids": _external_ids,
}
