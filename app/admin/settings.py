"""The settings as they count, read-only, with the words of config.ini."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from flask import render_template
from flask.typing import ResponseReturnValue
from flask.views import MethodView
from pydantic import BaseModel, SecretStr

from app.admin.actions import Route
from app.settings import Settings

_SECRET = frozenset(
    {
        ("database", "url"),
        ("redis", "url"),
        ("resources", "s3_reader_secret"),
        ("resources", "s3_writer_secret"),
    }
)


class Setting(NamedTuple):
    """One setting: its name, its value in words, whether somebody changed it."""

    name: str
    value: str
    changed: bool


class Group(NamedTuple):
    """Settings that config.ini explains together."""

    words: str
    settings: Sequence[Setting]


Words = Mapping[tuple[str, str], str]
"""(section, key) -> what config.ini says above it."""


class SettingsView(MethodView):
    """Every setting that counts; changing them takes the file and a restart."""

    init_every_request = False

    def __init__(self, settings: Settings, words: Words) -> None:
        self._sections = [
            (name, list(_groups(name, getattr(settings, name), words)))
            for name in Settings.model_fields
        ]

    def get(self) -> ResponseReturnValue:
        return render_template("admin/settings.html", sections=self._sections)


def read_words(path: Path) -> Words:
    """Read the comments of config.ini; nothing where the file is gone."""
    words: dict[tuple[str, str], str] = {}
    section, comment, is_open = "", "", False
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    for line in map(str.strip, lines):
        if line.startswith("#"):
            comment = f"{comment} {line.lstrip('# ')}" if is_open else line.lstrip("# ")
            is_open = True
            continue
        is_open = False
        if line.startswith("["):
            section, comment = line.strip("[]"), ""
        elif "=" in line:
            words[section, line.partition("=")[0].strip()] = comment
    return words


def _groups(section: str, values: BaseModel, words: Words) -> Iterator[Group]:
    said, group = "", list[Setting]()
    for name, field in type(values).model_fields.items():
        above = words.get((section, name), said)
        if above != said and group:
            yield Group(said, group)
            group = []
        said = above
        value = getattr(values, name)
        shown = _hidden(value) if (section, name) in _SECRET else _text(value)
        group.append(Setting(name, shown, value != field.get_default()))
    yield Group(said, group)


def _hidden(value: object) -> str:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    return "set, and not shown" if text else ""


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def routes(*, settings: Settings, template: Path) -> Sequence[Route]:
    """Build the page; ``template`` is the config.ini with the explanations."""
    return (Route("/settings", SettingsView.as_view("settings", settings, read_words(template))),)
