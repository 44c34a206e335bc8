"""The commands ``flask user``."""

import json
import sys
from collections.abc import Callable
from typing import Any

import click
from flask.cli import AppGroup

from app.cli.errors import plain_errors
from app.usecases.people.users import ChangePassword, CreateUser, Deactivate, find_user
from domain.federation.audit import CLI
from domain.library.document import timestamp
from domain.people import User
from ports.unit_of_work import ReadOnlyFactory

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
_password = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)


def group(
    *,
    create_user: Callable[[], CreateUser],
    change_password: Callable[[], ChangePassword],
    deactivate: Callable[[], Deactivate],
    read_only: ReadOnlyFactory,
) -> AppGroup:
    """Build the ``flask user`` commands."""
    users = AppGroup("user", help="People who sign in.")

    @users.command("create")
    @click.argument("email")
    @click.option("--username", required=True, help="The name to sign in with.")
    @_password
    @click.option("--admin", is_flag=True, help="May run the node. The first user always may.")
    @_json
    @plain_errors
    def create(email: str, username: str, password_stdin: bool, admin: bool, as_json: bool) -> None:
        """Make an account for EMAIL."""
        user = create_user()(
            username=username,
            email=email,
            password=_read_password(password_stdin),
            admin=admin,
            actor=CLI,
        )
        _print(user, f"{user.username} can sign in as {user.role}.", as_json=as_json)

    @users.command("list")
    @_json
    @plain_errors
    def list_(as_json: bool) -> None:
        """List everybody."""
        with read_only() as tx:
            everybody = list(tx.users.all())
        if as_json:
            click.echo(json.dumps({"items": [_document(user) for user in everybody]}))
            return
        for user in everybody:
            state = "" if user.active else "  (switched off)"
            click.echo(f"{user.username}  {user.email}  {user.role}{state}")

    @users.command("set-password")
    @click.argument("name")
    @_password
    @_json
    @plain_errors
    def set_password(name: str, password_stdin: bool, as_json: bool) -> None:
        """Set the password of NAME (user name, e-mail or id) and end their sessions."""
        with read_only() as tx:
            user = find_user(tx, name)
        password = _read_password(password_stdin)
        user = change_password()(user_id=user.id, password=password, actor=CLI)
        _print(user, f"{user.username} has a new password and is signed out.", as_json=as_json)

    @users.command("deactivate")
    @click.argument("name")
    @_json
    @plain_errors
    def shut_out(name: str, as_json: bool) -> None:
        """Shut NAME (user name, e-mail or id) out and end their sessions."""
        with read_only() as tx:
            user = find_user(tx, name)
        user = deactivate()(user_id=user.id, actor=CLI)
        _print(user, f"{user.username} is shut out.", as_json=as_json)

    return users


def _read_password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.read().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _print(user: User, text: str, *, as_json: bool) -> None:
    click.echo(json.dumps(_document(user)) if as_json else text)


def _document(user: User) -> dict[str, Any]:
    return {
        "id": str(user.id),
        "username": user.username,
        "email": user.email,
        "role": user.role,
        "active": user.active,
        "created_at": timestamp(user.created_at),
    }
