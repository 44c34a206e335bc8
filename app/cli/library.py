"""The commands ``flask library``."""

import json
from collections.abc import Callable
from typing import Any

import click
from flask.cli import AppGroup

from app.cli.errors import plain_errors
from app.usecases.library.locations import CreateLibrary, RemoveLibrary, find_library
from domain.federation.audit import CLI
from domain.library.document import timestamp
from domain.library.storage_location import Library
from ports.library.catalogue import Catalogue, Totals
from ports.unit_of_work import ReadOnlyFactory

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def group(
    *,
    create_library: Callable[[], CreateLibrary],
    remove_library: Callable[[], RemoveLibrary],
    catalogue: Callable[[], Catalogue],
    read_only: ReadOnlyFactory,
) -> AppGroup:
    """Build the ``flask library`` commands."""
    libraries = AppGroup("library", help="Libraries: what is shared, or not, as a whole.")

    @libraries.command("create")
    @click.argument("name")
    @click.option("--description", default="", help="What is in it.")
    @_json
    @plain_errors
    def create(name: str, description: str, as_json: bool) -> None:
        """Make the empty library NAME."""
        library = create_library()(name=name, description=description, actor=CLI)
        if as_json:
            click.echo(json.dumps(_document(library, Totals(0, 0, 0))))
        else:
            click.echo(f"{library.name}: created")

    @libraries.command("list")
    @_json
    @plain_errors
    def list_(as_json: bool) -> None:
        """List all libraries with what they hold."""
        totals = catalogue().library_counts()
        with read_only() as tx:
            items = [_document(one, totals.get(one.id)) for one in tx.libraries.all()]
        if as_json:
            click.echo(json.dumps({"items": items}))
            return
        for item in items:
            click.echo(f"{item['name']}  {item['works']} works, {item['videos']} videos")

    @libraries.command("remove")
    @click.argument("name")
    @plain_errors
    def remove(name: str) -> None:
        """Remove the library NAME (or id), once no storage location is in it."""
        with read_only() as tx:
            library = find_library(tx, name)
        remove_library()(library_id=library.id, actor=CLI)
        click.echo(f"{library.name}: removed")

    return libraries


def _document(library: Library, totals: Totals | None) -> dict[str, Any]:
    held = totals or Totals(0, 0, 0)
    return {
        "id": str(library.id),
        "name": library.name,
        "description": library.description,
        "works": held.works,
        "videos": held.videos,
        "size_bytes": held.size_bytes,
        "created_at": timestamp(library.created_at),
    }
