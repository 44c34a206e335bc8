"""The commands ``flask folder``, on a whole node."""

import json

import pytest

from app import create_app
from app.settings import load_settings
from domain.federation.audit import CLI


@pytest.fixture
def run(tmp_path):
    app = create_app(load_settings({"VELOUR_DATA_DIR": str(tmp_path), "RESOURCES_ENABLED": "true"}))
    container = app.extensions["velour"]
    container.create_user()(
        username="ann", email="ann@example.org", password="correct horse", actor=CLI
    )
    yield lambda *arguments: app.test_cli_runner().invoke(args=["folder", *arguments])
    container.engine().dispose()


def said(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_a_folder_is_made_granted_listed_and_withdrawn(run):
    made = said(run("create", "Models", "--json"))
    assert made["name"] == "Models"

    granted = said(run("grant", "Models", "--user", "ann@example.org", "--role", "ResourceUploader", "--json"))  # fmt: skip
    assert granted == {"folder": "Models", "user": "ann", "role": "ResourceUploader"}
    (item,) = said(run("list", "--json"))["items"]
    assert (item["name"], item["grants"]) == ("Models", 1)
    assert said(run("grant", made["id"], "--user", "ann", "--json"))["role"] == "ResourceUploader"

    said(run("withdraw", "Models", "--user", "ann", "--json"))
    assert said(run("list", "--json"))["items"][0]["grants"] == 0
    assert said(run("reseal", "--json")) == {"count": 0}


def test_somebody_new_without_a_role_loads_files(run):
    run("create", "Models")
    assert "as Operator" in run("grant", "Models", "--user", "ann").output


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "../up"), ("create", "a/b"), ("create", ""), ("create", "check"), ("create", "Models"),
        ("grant", "Nowhere", "--user", "ann"), ("grant", "Models", "--user", "nobody"),
        ("grant", "Models", "--user", "ann", "--role", "Emperor"), ("grant", "Models"), ("withdraw", "x", "--user", "ann"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_cannot_be_ends_with_a_sentence(run, arguments):
    run("create", "Models")
    result = run(*arguments)

    assert result.exit_code != 0
    assert result.output.strip()
    assert "Traceback" not in result.output
