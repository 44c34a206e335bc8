"""The commands ``flask storage``."""

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import click
from flask.cli import AppGroup

from app.cli.errors import plain_errors
from app.cli.removal import removal_command
from app.usecases.library.locations import (
    AddLocation,
    RemoveLocation,
    TestLocation,
    find_location,
)
from app.usecases.library.removal import RefuseRemoval
from app.usecases.library.scan_result import Tally, scan_result
from app.usecases.library.scanning import ApproveRemoval, RequestScan
from domain.errors import Invalid
from domain.federation.audit import CLI
from domain.ids import JobId
from domain.jobs import Job, JobState
from domain.library.document import timestamp
from domain.library.storage_location import StorageLocation
from ports.library.catalogue import Catalogue
from ports.unit_of_work import ReadOnlyFactory, UnitOfWork

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
_wait = click.option("--wait", is_flag=True, help="Come back when the scan is over.")

MAX_OPTIONS_CHARS = 65_536

RunJobHere = Callable[[JobId], Job]
"""Runs a job in this process, or waits for the worker that has it; returns the finished job."""


def group(
    *,
    add_location: Callable[[], AddLocation],
    remove_location: Callable[[], RemoveLocation],
    test_location: Callable[[], TestLocation],
    request_scan: Callable[[], RequestScan],
    approve_removal: Callable[[], ApproveRemoval],
    refuse_removal: Callable[[], RefuseRemoval],
    catalogue: Callable[[], Catalogue],
    run_job_here: Callable[[], RunJobHere],
    read_only: ReadOnlyFactory,
) -> AppGroup:
    """Build the ``flask storage`` commands."""
    storage = AppGroup("storage", help="Storage locations: where videos live.")

    @storage.command("add")
    @click.argument("name")
    @click.option("--type", "storage_type", required=True, help="What it is, such as: local.")
    @click.option("--library", required=True, help="Name or id of the library it belongs to.")
    @click.option(
        "--option", "options", multiple=True, metavar="KEY=VALUE",
        help="What the type needs to know, such as path=/films; repeat.",
    )  # fmt: skip
    @click.option("--scan-every-hours", type=int, help="Scan it by itself that often.")
    @click.option("--watch", is_flag=True, help="Scan soon after a change; local locations only.")
    @click.option(
        "--options-stdin", is_flag=True,
        help="Read more from standard input, KEY=VALUE a line: others cannot see secrets there.",
    )  # fmt: skip
    @_json
    @plain_errors
    def add(
        name: str,
        *,
        storage_type: str,
        library: str,
        options: tuple[str, ...],
        scan_every_hours: int | None,
        watch: bool,
        options_stdin: bool,
        as_json: bool,
    ) -> None:
        """Add the storage location NAME."""
        location = add_location()(
            name=name,
            storage_type=storage_type,
            library=library,
            options=_options((*options, *_lines())) if options_stdin else _options(options),
            scan_every_hours=scan_every_hours,
            watch=watch,
            actor=CLI,
        )
        if as_json:
            with read_only() as tx:
                click.echo(json.dumps(_document(tx, location)))
        else:
            click.echo(f"{location.name}: added. Next: flask storage scan {location.name!r} --wait")

    @storage.command("list")
    @_json
    @plain_errors
    def list_(as_json: bool) -> None:
        """List all storage locations."""
        with read_only() as tx:
            items = [_document(tx, location) for location in tx.locations.all()]
        if as_json:
            click.echo(json.dumps({"items": items}))
            return
        for item in items:
            click.echo(f"{item['name']}  {item['type']}  in {item['library']}  {_state(item)}")

    @storage.command("test")
    @click.argument("name")
    @_json
    @plain_errors
    def test(name: str, as_json: bool) -> None:
        """Ask the location NAME (or id) whether it answers; exit 1 if not."""
        with read_only() as tx:
            location = find_location(tx, name)
        answer = test_location()(location_id=location.id)
        click.echo(json.dumps({"ok": True, "message": answer}) if as_json else answer)

    @storage.command("scan")
    @click.argument("name")
    @_wait
    @click.option(
        "--approve-removal", "approved", is_flag=True,
        help="Let the scan remove as many videos as the last one held back.",
    )  # fmt: skip
    @_json
    @click.pass_context
    @plain_errors
    def scan(ctx: click.Context, name: str, wait: bool, approved: bool, as_json: bool) -> None:
        """Scan the location NAME (or id). Exit 1 if it could not be scanned."""
        with read_only() as tx:
            location = find_location(tx, name)
        if approved:
            job = approve_removal()(location_id=location.id, actor=CLI, ring=not wait)
        else:
            job = request_scan()(location_id=location.id, actor=CLI, ring=not wait)
        if not wait:
            click.echo(json.dumps({"job_id": str(job.id)}) if as_json else f"queued: {job.id}")
            return
        with _progress_line(read_only, job.id):
            result = _result(location, run_job_here()(job.id))
        if as_json:
            click.echo(json.dumps(result))
            if not result["success"]:
                click.echo(f"Error: {result['message']}", err=True)
        else:
            _print_result(result)
        if not result["success"]:
            ctx.exit(1)

    @storage.command("remove")
    @click.argument("name")
    @plain_errors
    def remove(name: str) -> None:
        """Remove the location NAME (or id) with its videos from the library; no file is touched."""
        with read_only() as tx:
            location = find_location(tx, name)
        remove_location()(location_id=location.id, actor=CLI)
        click.echo(f"{location.name}: removed")

    storage.add_command(
        removal_command(
            approve_removal=approve_removal,
            refuse_removal=refuse_removal,
            catalogue=catalogue,
            read_only=read_only,
        )
    )
    return storage


def _lines() -> tuple[str, ...]:
    """Return options of standard input; what is wrong with one is said without showing it."""
    lines = tuple(
        line.strip() for line in sys.stdin.read(MAX_OPTIONS_CHARS).splitlines() if line.strip()
    )
    for number, line in enumerate(lines, 1):
        if line.find("=") < 1:
            raise Invalid(f"option {number} of standard input is not KEY=VALUE", field="option")
    return lines


def _options(pairs: tuple[str, ...]) -> Mapping[str, str]:
    options: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise Invalid(f"write options like path=/films, not {pair!r}", field="option")
        if key in options:
            raise Invalid(f"the option {key} is given twice", field="option")
        options[key] = value
    return options


def _result(location: StorageLocation, job: Job) -> Mapping[str, Any]:
    """Return the result of a scan, also of one that was cancelled or failed."""
    if job.state is JobState.DONE and job.result is not None:
        return job.result
    message = f"{location.name}: {job.error or f'the scan was {job.state}'}"
    return scan_result(success=False, message=message, tally=Tally())


def _print_result(result: Mapping[str, Any]) -> None:
    click.echo(result["message"], err=not result["success"])
    for error in result["errors"]:
        click.echo(f"  {error['item']}: {error['reason']}", err=True)
    for item in result.get("held_items", ()):
        click.echo(f"  would go: {item}", err=True)


@contextmanager
def _progress_line(read_only: ReadOnlyFactory, job_id: JobId) -> Iterator[None]:
    """Keep one line on a terminal's stderr up to date while the block runs."""
    if not sys.stderr.isatty():
        yield
        return
    over = threading.Event()

    def show() -> None:
        while not over.wait(0.5):
            with read_only() as tx:
                figures = tx.jobs.get(job_id).progress
            shown = "  ".join(f"{name} {value}" for name, value in figures.items())
            click.echo(f"\r\x1b[K{shown[:150]}", err=True, nl=False)

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        click.echo("\r\x1b[K", err=True, nl=False)


def _document(tx: UnitOfWork, location: StorageLocation) -> dict[str, Any]:
    scan = location.last_scan
    return {
        "id": str(location.id),
        "name": location.name,
        "type": str(location.storage_type),
        "library": tx.libraries.get(location.library_id).name,
        "library_id": str(location.library_id),
        "options": dict(location.options),
        "enabled": location.enabled,
        "reachable": location.reachable,
        "unreachable_reason": location.unreachable_reason,
        "last_scan": scan
        and {
            "started_at": timestamp(scan.started_at),
            "finished_at": timestamp(scan.finished_at),
            "success": scan.success,
            "message": scan.message,
            "counts": asdict(scan.counts),
            "probed": scan.probed,
            "bytes_read": scan.bytes_read,
        },
        "scan_every_hours": location.scan_every_hours,
        "watch": location.watch,
        "waiting_removals": location.waiting_removals,
        "refused_at": location.refused_at and timestamp(location.refused_at),
        "created_at": timestamp(location.created_at),
    }


def _state(item: Mapping[str, Any]) -> str:
    if not item["enabled"]:
        return "disabled"
    if item["reachable"] is None:
        return "never scanned"
    return "reachable" if item["reachable"] else f"unreachable: {item['unreachable_reason']}"
