"""The command ``flask storage removal``."""

import json
from collections.abc import Callable, Iterator

import click

from app.cli.errors import plain_errors
from app.usecases.library.locations import find_location
from app.usecases.library.removal import RefuseRemoval
from app.usecases.library.scanning import ApproveRemoval
from domain.errors import Invalid
from domain.federation.audit import CLI
from domain.library.document import timestamp
from domain.library.storage_location import StorageLocation
from ports.library.catalogue import Catalogue, MissingVideo
from ports.unit_of_work import ReadOnlyFactory

_AT_ONCE = 500


def removal_command(
    *,
    approve_removal: Callable[[], ApproveRemoval],
    refuse_removal: Callable[[], RefuseRemoval],
    catalogue: Callable[[], Catalogue],
    read_only: ReadOnlyFactory,
) -> click.Command:
    """Build the command."""

    @click.command("removal")
    @click.argument("name")
    @click.option("--approve", is_flag=True, help="Queue the scan that removes them.")
    @click.option("--refuse", is_flag=True, help="Keep them, and do not ask about them again.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
    @plain_errors
    def removal(name: str, approve: bool, refuse: bool, as_json: bool) -> None:
        """List what the last scan of the location NAME (or id) did not find, and decide on it."""
        if approve and refuse:
            raise Invalid("choose --approve or --refuse, not both", field="approve")
        with read_only() as tx:
            location = find_location(tx, name)
        if approve:
            job = approve_removal()(location_id=location.id, actor=CLI)
            click.echo(json.dumps({"job_id": str(job.id)}) if as_json else f"queued: {job.id}")
        elif refuse:
            count = refuse_removal()(location_id=location.id, actor=CLI)
            text = f"{location.name}: {count} missing videos are kept as offline"
            click.echo(json.dumps({"refused": count}) if as_json else text)
        elif as_json:
            _print_json(location, _missing(catalogue(), location))
        else:
            _print_lines(location, _missing(catalogue(), location))

    return removal


def _missing(catalogue: Catalogue, location: StorageLocation) -> Iterator[MissingVideo]:
    after: str | None = None
    while True:
        page = catalogue.missing(location.id, after=after, limit=_AT_ONCE)
        yield from page.videos
        after = page.after
        if after is None:
            return


def _print_lines(location: StorageLocation, missing: Iterator[MissingVideo]) -> None:
    count = 0
    for count, video in enumerate(missing, 1):  # noqa: B007 - counted for the last line
        click.echo(f"{video.name}  ({video.work_title})  missing since {video.missing_since:%F %R}")
    waiting = location.waiting_removals
    said = f"{waiting} wait for --approve or --refuse" if waiting else "none waits for a decision"
    click.echo(f"{location.name}: {count} missing, {said}", err=True)


def _moment(location: StorageLocation) -> str | None:
    return timestamp(location.refused_at) if location.refused_at else None


def _print_json(location: StorageLocation, missing: Iterator[MissingVideo]) -> None:
    """Write one object piece by piece: the list may be long."""
    head = {"waiting": location.waiting_removals, "refused_at": _moment(location)}
    click.echo(json.dumps(head)[:-1] + ', "items": [', nl=False)
    for number, video in enumerate(missing):
        item = {
            "video_id": str(video.id),
            "work_id": str(video.work_id),
            "work_title": video.work_title,
            "name": video.name,
            "file_size": video.file_size,
            "missing_since": timestamp(video.missing_since),
        }
        click.echo((", " if number else "") + json.dumps(item), nl=False)
    click.echo("]}")
