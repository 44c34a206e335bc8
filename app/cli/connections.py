"""The commands ``flask connection``."""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import click
from flask.cli import AppGroup

from app.cli.errors import plain_errors
from app.usecases.federation.connections import (
    AddConnection,
    RejectConnection,
    ResumeConnection,
    RevokeConnection,
    SuspendConnection,
    TestConnection,
    find_connection,
)
from domain.federation.audit import CLI
from domain.federation.connection import Connection
from domain.library.document import timestamp
from ports.unit_of_work import ReadOnlyFactory

Move = SuspendConnection | ResumeConnection | RejectConnection | RevokeConnection
MAX_KEY_CHARS = 4096

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def group(
    *,
    add_connection: Callable[[], AddConnection],
    test_connection: Callable[[], TestConnection],
    moves: Mapping[str, Callable[[], Move]],
    read_only: ReadOnlyFactory,
) -> AppGroup:
    """Build the ``flask connection`` commands.

    Args:
        add_connection: makes the use case.
        test_connection: makes the use case.
        moves: ``suspend``, ``resume``, ``reject``, ``revoke`` -> makes the use case.
        read_only: for looking names up.
    """
    connections = AppGroup("connection", help="Nodes that this one reads from, or that read it.")

    @connections.command("add")
    @click.argument("name")
    @click.option("--url", required=True, help="Base URL of the other node.")
    @click.option(
        "--key-stdin", is_flag=True, required=True, help="Read the other node's key from stdin."
    )
    @_json
    @plain_errors
    def add(name: str, url: str, key_stdin: bool, as_json: bool) -> None:  # noqa: ARG001
        """Read from the node at URL, under NAME, with the key that its admin issued."""
        key = sys.stdin.read(MAX_KEY_CHARS).strip()
        _print(add_connection()(name=name, url=url, key=key, actor=CLI), as_json=as_json)

    @connections.command("list")
    @_json
    @plain_errors
    def list_(as_json: bool) -> None:
        """List all connections by name."""
        with read_only() as tx:
            every = tx.connections.all()
        if as_json:
            click.echo(json.dumps({"items": [_document(one) for one in every]}))
            return
        for one in every:
            _print(one, as_json=False)

    @connections.command("test")
    @click.argument("name")
    @_json
    @plain_errors
    def test(name: str, as_json: bool) -> None:
        """Ask the node of the connection NAME (or id) who it is."""
        with read_only() as tx:
            connection = find_connection(tx, name)
        info = test_connection()(connection_id=connection.id)
        if as_json:
            click.echo(json.dumps({"name": connection.name, "instance_info": asdict(info)}))
            return
        click.echo(f"{info.name} {info.version} answers: {info.total_works} works to read")

    for verb, make in moves.items():
        _add_move(connections, verb, make, read_only)
    return connections


_HELP = {
    "suspend": "Stop the connection NAME (or id) for now, from the next request on.",
    "resume": "Let the suspended connection NAME (or id) count again.",
    "reject": "Turn the connection NAME (or id) down.",
    "revoke": "End the connection NAME (or id) for good; an inbound one's keys die with it.",
}


def _add_move(
    connections: AppGroup, verb: str, make: Callable[[], Move], read_only: ReadOnlyFactory
) -> None:
    @connections.command(verb, help=_HELP[verb])
    @click.argument("name")
    @_json
    @plain_errors
    def move(name: str, as_json: bool) -> None:
        with read_only() as tx:
            connection = find_connection(tx, name)
        _print(make()(connection_id=connection.id, actor=CLI), as_json=as_json)


def _print(connection: Connection, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(_document(connection)))
        return
    said = f"  ({connection.remote_state})" if connection.remote_state else ""
    click.echo(
        f"{connection.name}  {connection.direction}  {connection.state}  "
        f"{connection.remote_url}{said}"
    )


def _document(connection: Connection) -> dict[str, Any]:
    return {
        "id": str(connection.id),
        "name": connection.name,
        "direction": str(connection.direction),
        "state": str(connection.state),
        "remote_url": connection.remote_url,
        "remote_name": connection.remote_name,
        "remote_version": connection.remote_version,
        "remote_state": connection.remote_state,
        "created_at": timestamp(connection.created_at),
        "changed_at": timestamp(connection.changed_at),
    }
