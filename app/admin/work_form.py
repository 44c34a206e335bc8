"""The form of a work's or a series' own words: every field as text, and who holds it."""

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import request
from flask_wtf.file import FileField
from wtforms import BooleanField, Field, HiddenField, StringField, TextAreaField
from wtforms.validators import ValidationError

from app.browser.forms import PageForm
from domain.errors import Invalid
from domain.library import series, work
from domain.library.description import MAX_DESCRIPTION, Credit, CreditRole
from domain.library.series import Series
from domain.library.work import Work

_FREE = "free_"
_LONGEST = 4 * MAX_DESCRIPTION


@dataclass(frozen=True, slots=True)
class Text:
    """How a field's value is written, read again, and asked for; ``lines`` 1: one line."""

    label: str
    write: Callable[[Any], str]
    read: Callable[[str], Any]
    lines: int = 1
    help: str = ""


def _plain(value: object) -> str:
    return "" if value is None else str(value)


def _number(kind: type[int] | type[float], text: str) -> float | None:
    if not text:
        return None
    try:
        return kind(text.replace(",", "."))
    except ValueError:
        example = "1999" if kind is int else "7.5"
        raise Invalid(f"type a number like {example}, or nothing") from None


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _write_people(people: Sequence[Credit]) -> str:
    return "\n".join(
        "; ".join(part for part in (one.name, one.role, one.character) if part) for one in people
    )


def _read_people(text: str) -> tuple[Credit, ...]:
    return tuple(_person(line) for line in _lines(text))


def _person(line: str) -> Credit:
    name, role, character = [*(part.strip() for part in line.split(";", 2)), "", ""][:3]
    if role.lower() not in set(CreditRole) | {""}:
        raise Invalid(f"“{role}” is none of: {', '.join(CreditRole)}")
    return Credit(name, CreditRole(role.lower() or CreditRole.ACTOR), character)


def _write_ids(ids: Mapping[str, str]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in ids.items())


def _read_ids(text: str) -> Mapping[str, str]:
    pairs = [line.partition(":") for line in _lines(text)]
    if any(not name.strip() or not value.strip() for name, _, value in pairs):
        raise Invalid("write one a line, like imdb: tt0017136")
    return {name.strip(): value.strip() for name, _, value in pairs}


_TEXTS: Mapping[str, Text] = {
    "title": Text("Title", _plain, str),
    "year": Text("Year", _plain, partial(_number, int)),
    "description": Text("Description", _plain, str, lines=6),
    "director": Text("Director", _plain, str),
    "rating": Text("Rating", _plain, partial(_number, float), help="From 0 to 10, such as 7.5."),
    "content_rating": Text(
        "Age rating",
        _plain,
        lambda text: text or None,
        help="As it stands on the cover: PG-13, FSK 16, 12 …",
    ),
    "tags": Text("Tags", "\n".join, _lines, lines=3, help="One a line."),
    "genres": Text("Genres", "\n".join, _lines, lines=3, help="One a line."),
    "credits": Text(
        "People",
        _write_people,
        _read_people,
        lines=6,
        help=f"One a line: name; role; character. Roles: {', '.join(CreditRole)}.",
    ),
    "external_ids": Text(
        "Numbers elsewhere",
        _write_ids,
        _read_ids,
        lines=3,
        help="One a line, like imdb: tt0017136. Equal numbers make two films one.",
    ),
}
WORK_FIELDS = tuple(name for name in work.LOCKABLE if name in _TEXTS)
SERIES_FIELDS = tuple(name for name in series.LOCKABLE if name in _TEXTS)


class DescribedForm(PageForm):
    """What was read and what is typed; the fields come with ``described_form``.

    ``version`` and ``seen`` tell what the page showed: only what was typed over is changed.
    ``is_stale``: somebody else was first; ``now`` then holds what they wrote into fields that were
    typed over here too.
    """

    field_names: Sequence[str] = ()

    version = HiddenField()
    seen = HiddenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now: Mapping[str, str] = {}
        self.is_stale = False

    @property
    def read_version(self) -> int:
        """The version that the page showed; one that no work has where it was not told."""
        text = self["version"].data or ""
        is_number = text.isascii() and text.isdigit() and len(text) < 10
        return int(text) if is_number else -1

    def changes(self) -> Mapping[str, Any]:
        """Return the fields that were typed over, by name."""
        seen = self._seen()
        return {
            name: _TEXTS[name].read(text)
            for name in self.field_names
            if _digest(text := self.typed(name)) != seen.get(name)
        }

    def freed(self) -> frozenset[str]:
        """Return the fields that are given back to the scans."""
        return frozenset(n for n in self.field_names if self.free_field(n).data) - {*self.changes()}

    def typed(self, name: str) -> str:
        """Return the text of a field as browsers of every kind send it."""
        return _even(self[name].data or "")

    def free_field(self, name: str) -> Any:
        """Return the tick that gives a field back."""
        return self[f"{_FREE}{name}"]

    def read_again(self, stored: Work | Series) -> None:
        """Show what is stored now where nothing was typed, and name what was written meanwhile."""
        seen, fresh = self._seen(), _texts(stored, self.field_names)
        touched = {name for name in self.field_names if _digest(self.typed(name)) != seen.get(name)}
        self.now = {
            name: fresh[name]
            for name in touched
            if _digest(fresh[name]) != seen.get(name) and fresh[name] != self.typed(name)
        }
        for name in set(self.field_names) - touched:
            self[name].data = fresh[name]
        self["version"].data = str(stored.version)
        self["seen"].data = _seal(fresh)

    def _seen(self) -> Mapping[str, str]:
        try:
            seen = json.loads(self["seen"].data or "{}")
        except ValueError:
            return {}
        return seen if isinstance(seen, dict) else {}


class PictureForm(PageForm):
    """A picture of one's own."""

    picture = FileField("File", description="JPEG, PNG or WebP, at most 10 MiB, upright.")

    def data_sent(self) -> bytes:
        """Return the bytes that were sent."""
        sent = request.files.get("picture")
        return sent.read() if sent else b""


def described_form(stored: Work | Series) -> DescribedForm:
    """Make the form of a work or a series, filled from it until something is sent."""
    names = WORK_FIELDS if isinstance(stored, Work) else SERIES_FIELDS
    fields: dict[str, Any] = {"field_names": names}
    for name in names:
        text = _TEXTS[name]
        kind = TextAreaField if text.lines > 1 else StringField
        fields[name] = kind(
            text.label, [_is_readable], description=text.help,
            render_kw={"rows": text.lines} if text.lines > 1 else None,
        )  # fmt: skip
        fields[f"{_FREE}{name}"] = BooleanField("Give back to the scan")
    texts = _texts(stored, names)
    begin = {**texts, "version": str(stored.version), "seen": _seal(texts)}
    made = type("TypedDescribedForm", (DescribedForm,), fields)
    form: DescribedForm = made(data=begin)
    return form


def _is_readable(_form: PageForm, field: Field) -> None:
    text = _even(field.data or "")
    if len(text) > _LONGEST:
        raise ValidationError("That is too long.")
    try:
        _TEXTS[field.name].read(text)
    except Invalid as refusal:
        raise ValidationError(str(refusal)) from refusal


def _texts(stored: Work | Series, names: Sequence[str]) -> dict[str, str]:
    return {name: _even(_TEXTS[name].write(getattr(stored, name))) for name in names}


def _even(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def _digest(text: str) -> str:
    return f"{zlib.crc32(text.encode('utf-8', 'replace')):08x}"


def _seal(texts: Mapping[str, str]) -> str:
    return json.dumps({name: _digest(text) for name, text in texts.items()})
