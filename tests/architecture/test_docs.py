"""Documentation that is generated, so that it cannot drift: run with UPDATE_DOCS=1 to rewrite it."""

import os
from pathlib import Path

import click
import pytest

from app import create_app
from app.settings import _SHORT, load_settings

ROOT = Path(__file__).parents[2]
FOREIGN = {"run", "shell", "routes", "db"}  # Flask's and Flask-Migrate's own


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    return create_app(load_settings({"VELOUR_DATA_DIR": str(data)}))


def commands(group, prefix=""):
    for name, command in sorted(group.commands.items()):
        path = f"{prefix} {name}".strip()
        if isinstance(command, click.Group):
            if path not in FOREIGN:
                yield from commands(command, path)
        elif path not in FOREIGN:
            yield path, command


def described(path, command):
    context = click.Context(command, info_name=f"flask --app wsgi {path}")
    lines = [
        f"## {path}",
        "",
        command.get_help(context).partition("\n\n")[0].replace("Usage: ", "    "),
    ]
    lines += ["", (command.help or "").strip(), ""]
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record and parameter.name != "help":
            lines.append(f"* `{record[0]}`: {record[1]}")
    return "\n".join(line.rstrip() for line in lines).strip()


def held_against(file, text):
    if os.environ.get("UPDATE_DOCS"):
        file.write_text(text)
    assert file.read_text() == text, f"{file.name} is stale: run the tests with UPDATE_DOCS=1"


def test_every_command_has_help_and_stands_in_the_documentation(app):
    found = list(commands(app.cli))
    assert all(command.help for _, command in found), [p for p, c in found if not c.help]
    intro = (
        "# Commands\n\nGenerated from the commands themselves. All are called as `flask --app wsgi …`; errors "
        "go to stderr\nwith an exit code other than 0, and NAME takes a name or an id. `flask --app wsgi db "
        "upgrade` brings the\ndatabase to the newest revision.\n\n"
    )
    text = intro + "\n\n".join(described(path, command) for path, command in found) + "\n"
    held_against(ROOT / "docs" / "commands.md", text)


def test_every_setting_of_the_environment_is_documented():

    text = (ROOT / "docs/operating.md").read_text() + (ROOT / "config.ini").read_text()
    assert [name for name in _SHORT if name not in text] == []
