"""The commands ``flask audit``."""

import json
from collections.abc import Callable
from typing import Any

import click
from flask.cli import AppGroup

from app.cli.errors import plain_errors
from app.usecases.audit import VerifyAudit
from domain.federation.audit import ChainedEntry
from domain.library.document import timestamp
from ports.federation.audit import AuditReader

_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def group(
    *, verify_audit: Callable[[], VerifyAudit], audit_reader: Callable[[], AuditReader]
) -> AppGroup:
    """Build the ``flask audit`` commands."""
    audit = AppGroup("audit", help="The trail of what was done and read.")

    @audit.command("verify")
    @_json
    @click.pass_context
    @plain_errors
    def verify(ctx: click.Context, as_json: bool) -> None:
        """Check that no entry was changed, removed, swapped or cut off; exit 1 on a fault."""
        verdict = verify_audit()()
        if as_json:
            fields = {
                "ok": not verdict.fault,
                "size": verdict.size,
                "fault": verdict.fault,
                "at_number": verdict.at_number,
            }
            click.echo(json.dumps(fields))
        elif not verdict.fault:
            click.echo(f"{verdict.size} entries, all as they were written")
        if verdict.fault:
            where = f" (entry {verdict.at_number})" if verdict.at_number else ""
            click.echo(f"The audit trail is damaged: {verdict.fault}{where}", err=True)
            ctx.exit(1)

    @audit.command("list")
    @click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
    @click.option("--action", default="", help="Only actions that begin so.")
    @click.option("--actor", default="", help="Only actors that begin so.")
    @_json
    @plain_errors
    def list_(limit: int, action: str, actor: str, as_json: bool) -> None:
        """List the newest entries."""
        rows = audit_reader().page(before=None, limit=limit, action=action, actor=actor)
        if as_json:
            click.echo(json.dumps({"items": [_document(row) for row in rows]}))
            return
        for row in rows:
            entry = row.entry
            click.echo(
                f"{row.number}  {timestamp(entry.at)}  {entry.actor}  {entry.action}  "
                f"{entry.target}  {entry.result}"
            )

    return audit


def _document(row: ChainedEntry) -> dict[str, Any]:
    entry = row.entry
    return {
        "number": row.number,
        "at": timestamp(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "target": entry.target,
        "result": entry.result,
        "detail": entry.detail,
        "bytes_sent": entry.bytes_sent,
        "address": entry.address,
        "hash": row.entry_hash.hex(),
    }
