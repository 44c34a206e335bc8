"""The commands ``flask key``."""

import json
from collections.abc import Callable
from typing import Any

import click
from flask.cli import AppGroup

from app.cli.errors import plain_errors
from app.usecases.federation.keys import IssueKey, RevokeKey, RotateKey, find_key
from domain.federation.api_key import ApiKey, Scope
from domain.federation.audit import CLI
from domain.library.document import timestamp
from ports.unit_of_work import ReadOnlyFactory, UnitOfWork

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def group(
    *,
    issue_key: Callable[[], IssueKey],
    revoke_key: Callable[[], RevokeKey],
    rotate_key: Callable[[], RotateKey],
    read_only: ReadOnlyFactory,
    overlap_hours: float,
) -> AppGroup:
    """Build the ``flask key`` commands."""
    keys = AppGroup("key", help="API keys: for other nodes and for programs.")

    @keys.command("create")
    @click.argument("name")
    @click.option(
        "--kind", type=click.Choice(["peer", "app"]), default="peer", show_default=True,
        help="peer: another node; app: a program of this node's people.",
    )  # fmt: skip
    @click.option(
        "--scope", "scopes", multiple=True, required=True, type=click.Choice([*map(str, Scope)]),
        help="What the key may do; repeat for several.",
    )  # fmt: skip
    @click.option("--library", "libraries", multiple=True, help="A library it sees; repeat.")
    @click.option("--expires-hours", type=float, help="Life in hours; for ever if left out.")
    @click.option("--network", "networks", multiple=True, help="CIDR it may be used from; repeat.")
    @_json
    @plain_errors
    def create(  # noqa: PLR0917 - click passes by name
        name: str,
        kind: str,
        scopes: tuple[str, ...],
        libraries: tuple[str, ...],
        expires_hours: float | None,
        networks: tuple[str, ...],
        as_json: bool,
    ) -> None:
        """Make the key NAME and print it, this once."""
        key, text = issue_key()(
            name=name,
            kind=kind,
            scopes=scopes,
            libraries=libraries,
            expires_hours=expires_hours,
            networks=networks,
            actor=CLI,
        )
        _print_new(read_only, key, text, as_json=as_json)

    @keys.command("list")
    @_json
    @plain_errors
    def list_(as_json: bool) -> None:
        """List all keys, newest first; none with its text."""
        with read_only() as tx:
            items = [_document(tx, key) for key in tx.api_keys.all()]
        if as_json:
            click.echo(json.dumps({"items": items}))
            return
        for item in items:
            state = "revoked" if item["revoked_at"] else f"until {item['expires_at'] or 'revoked'}"
            click.echo(f"{item['prefix']}…  {item['name']}  {item['kind']}  {state}")

    @keys.command("revoke")
    @click.argument("name")
    @_json
    @plain_errors
    def revoke(name: str, as_json: bool) -> None:
        """End the key NAME (or id) on its next request."""
        with read_only() as tx:
            key = find_key(tx, name)
        revoke_key()(key_id=key.id, actor=CLI)
        _print_one(read_only, key, "revoked", as_json=as_json)

    @keys.command("rotate")
    @click.argument("name")
    @click.option(
        "--overlap-hours", type=float, default=overlap_hours, show_default=True,
        help="How long the old key stays good.",
    )  # fmt: skip
    @_json
    @plain_errors
    def rotate(name: str, overlap_hours: float, as_json: bool) -> None:
        """Replace the key NAME (or id) by a new one and print that, this once."""
        with read_only() as tx:
            old = find_key(tx, name)
        key, text = rotate_key()(key_id=old.id, overlap_hours=overlap_hours, actor=CLI)
        _print_new(read_only, key, text, as_json=as_json)

    return keys


def _print_new(read_only: ReadOnlyFactory, key: ApiKey, text: str, *, as_json: bool) -> None:
    if not as_json:
        click.echo(text)
        click.echo("Keep it safe: it is not shown again.", err=True)
        return
    with read_only() as tx:
        document = _document(tx, key)
    shown = ("kind", "scopes", "libraries", "expires_at")
    made = {"id": document["id"], "key": text, **{name: document[name] for name in shown}}
    click.echo(json.dumps(made))


def _print_one(read_only: ReadOnlyFactory, key: ApiKey, done: str, *, as_json: bool) -> None:
    if not as_json:
        click.echo(f"{key.name}: {done}")
        return
    with read_only() as tx:
        click.echo(json.dumps(_document(tx, tx.api_keys.get(key.id))))


def _document(tx: UnitOfWork, key: ApiKey) -> dict[str, Any]:
    names = {library.id: library.name for library in tx.libraries.all()}
    return {
        "id": str(key.id),
        "name": key.name,
        "kind": str(key.kind),
        "prefix": key.prefix,
        "scopes": [str(scope) for scope in Scope if scope in key.scopes],
        "libraries": sorted(names.get(one, str(one)) for one in key.libraries),
        "networks": list(key.networks),
        "created_at": timestamp(key.created_at),
        "expires_at": key.expires_at and timestamp(key.expires_at),
        "revoked_at": key.revoked_at and timestamp(key.revoked_at),
        "last_used_at": key.last_used_at and timestamp(key.last_used_at),
        "last_used_from": key.last_used_from,
    }
