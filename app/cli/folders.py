"""The commands ``flask folder``."""

import json
from collections.abc import Callable
from typing import Any

import click
from flask.cli import AppGroup

from app.cli.errors import plain_errors
from app.usecases.people.users import find_user
from app.usecases.resources.collecting import ResealKeys
from app.usecases.resources.folders import CreateFolder, GrantFolder, WithdrawFolder, find_folder
from domain.federation.audit import CLI
from domain.library.document import timestamp
from domain.resources.resource import Folder
from domain.resources.roles import ResourceRole
from ports.unit_of_work import ReadOnlyFactory

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
_user = click.option("--user", required=True, help="Whom: user name, e-mail or id.")
_ROLES = [role.label for role in ResourceRole]


def group(
    *,
    create_folder: Callable[[], CreateFolder],
    grant_folder: Callable[[], GrantFolder],
    withdraw_folder: Callable[[], WithdrawFolder],
    reseal_keys: Callable[[], ResealKeys],
    read_only: ReadOnlyFactory,
) -> AppGroup:
    """Build the ``flask folder`` commands."""
    folders = AppGroup("folder", help="Folders of encrypted resources.")

    @folders.command("create")
    @click.argument("name")
    @_json
    @plain_errors
    def create(name: str, as_json: bool) -> None:
        """Make the folder NAME for encrypted resources."""
        folder = create_folder()(name=name, actor=CLI)
        _print(_document(folder, 0), f"The folder {folder.name} is there.", as_json=as_json)

    @folders.command("list")
    @_json
    @plain_errors
    def list_(as_json: bool) -> None:
        """List all folders."""
        with read_only() as tx:
            items = [_document(one, len(tx.folders.grants(one.id))) for one in tx.folders.all()]
        if as_json:
            click.echo(json.dumps({"items": items}))
            return
        for item in items:
            click.echo(f"{item['name']}  granted to {item['grants']}")

    @folders.command("grant")
    @click.argument("name")
    @_user
    @click.option(
        "--role", type=click.Choice(_ROLES), default=None,
        help="What they may do in all their folders; kept if left out, Operator for somebody new.",
    )  # fmt: skip
    @_json
    @plain_errors
    def grant(name: str, user: str, role: str | None, as_json: bool) -> None:
        """Let somebody into the folder NAME (or id)."""
        with read_only() as tx:
            folder, person = find_folder(tx, name), find_user(tx, user)
        given = grant_folder()(folder_id=folder.id, user_id=person.id, role=role or "", actor=CLI)
        document = {"folder": folder.name, "user": person.username, "role": given.label}
        text = f"{person.username} may open {folder.name} as {given.label}."
        _print(document, text, as_json=as_json)

    @folders.command("withdraw")
    @click.argument("name")
    @_user
    @_json
    @plain_errors
    def withdraw(name: str, user: str, as_json: bool) -> None:
        """Take somebody's grant of the folder NAME (or id) back."""
        with read_only() as tx:
            folder, person = find_folder(tx, name), find_user(tx, user)
        withdraw_folder()(folder_id=folder.id, user_id=person.id, actor=CLI)
        document = {"folder": folder.name, "user": person.username}
        _print(document, f"{person.username} may no longer open {folder.name}.", as_json=as_json)

    @folders.command("reseal")
    @_json
    @plain_errors
    def reseal(as_json: bool) -> None:
        """Seal all data keys anew with the newest master key."""
        count = reseal_keys()(actor=CLI)
        _print({"count": count}, f"{count} data keys are sealed anew.", as_json=as_json)

    return folders


def _print(document: dict[str, Any], text: str, *, as_json: bool) -> None:
    click.echo(json.dumps(document) if as_json else text)


def _document(folder: Folder, grants: int) -> dict[str, Any]:
    return {
        "id": str(folder.id),
        "name": folder.name,
        "grants": grants,
        "created_at": timestamp(folder.created_at),
    }
