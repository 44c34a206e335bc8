import json

import pytest
from flask import Flask

from app.cli import users
from app.usecases.people.users import ChangePassword, CreateUser, Deactivate


@pytest.fixture
def run(unit_of_work, read_only, password_hasher, clock, new_id):
    app = Flask("commands")
    app.cli.add_command(
        users.group(
            create_user=lambda: CreateUser(unit_of_work, password_hasher, clock, new_id),
            change_password=lambda: ChangePassword(unit_of_work, password_hasher, clock),
            deactivate=lambda: Deactivate(unit_of_work, clock),
            read_only=read_only,
        )
    )
    runner = app.test_cli_runner()
    return lambda *args, stdin=None: runner.invoke(args=["user", *args], input=stdin)


def test_an_account_is_made_from_a_password_on_standard_input(run, database, password_hasher):
    result = run(
        "create", "ann@example.org", "--username", "ann", "--password-stdin", "--admin", "--json",
        stdin="correct horse\n",
    )  # fmt: skip

    assert result.exit_code == 0
    shown = json.loads(result.stdout)
    assert (shown["username"], shown["email"], shown["role"]) == ("ann", "ann@example.org", "admin")
    (user,) = database.tables.users.values()
    assert password_hasher.verify(user.password_hash, "correct horse")


def test_a_refusal_goes_to_standard_error(run):
    result = run(
        "create", "ann@example.org", "--username", "ann", "--password-stdin", stdin="short\n"
    )

    assert result.exit_code == 1
    assert result.stdout == ""
    assert "8 to 4096" in result.stderr


def test_a_password_can_be_typed(run, database):
    result = run(
        "create", "a@example.org", "--username", "ann", stdin="correct horse\ncorrect horse\n"
    )

    assert result.exit_code == 0
    assert len(database.tables.users) == 1


def test_everybody_is_listed(run):
    run("create", "ann@example.org", "--username", "ann", "--password-stdin", stdin="correct horse")
    run("create", "bob@example.org", "--username", "bob", "--password-stdin", stdin="correct horse")
    run("deactivate", "bob")

    items = json.loads(run("list", "--json").stdout)["items"]

    assert [(i["username"], i["role"], i["active"]) for i in items] == [
        ("ann", "admin", True),
        ("bob", "user", False),
    ]
    assert "password" not in json.dumps(items)
    assert "(switched off)" in run("list").stdout


def test_a_password_is_replaced(run, database, password_hasher):
    run("create", "ann@example.org", "--username", "ann", "--password-stdin", stdin="correct horse")

    result = run("set-password", "ann", "--password-stdin", stdin="another horse\n")

    assert result.exit_code == 0
    (user,) = database.tables.users.values()
    assert password_hasher.verify(user.password_hash, "another horse")


def test_an_unknown_name_is_an_error(run):
    assert run("set-password", "nobody", "--password-stdin", stdin="x").exit_code == 1
    assert run("deactivate", "nobody").exit_code == 1
