"""``flask --app wsgi serve``: the web server and the job worker under one supervisor."""

from collections.abc import Callable
from typing import Protocol

import click

from app.settings import Server


class RunServer(Protocol):
    """Runs the node's processes until told to stop."""

    def __call__(
        self,
        *,
        host: str,
        port: int,
        workers: int,
        threads: int,
        with_jobs: bool,
        say: Callable[[str], None],
    ) -> int:
        """Return the exit code. Raises OSError where the node cannot start."""
        ...


def serve_command(
    *, run: RunServer, defaults: Server, prepare: Callable[[], None]
) -> click.Command:
    """Build the command.

    Args:
        run: starts and watches the processes.
        defaults: what options stand for when left out.
        prepare: brings the database up to date, before any process starts.
    """

    @click.command("serve")
    @click.option("--host", default=defaults.host, show_default=True, help="Address to listen on.")
    @click.option(
        "--port",
        type=click.IntRange(0, 65535),
        default=defaults.port,
        show_default=True,
        help="Port to listen on; 0 takes a free one.",
    )
    @click.option(
        "--workers",
        type=click.IntRange(1, 64),
        default=defaults.workers,
        show_default=True,
        help="Web processes.",
    )
    @click.option(
        "--threads",
        type=click.IntRange(1, 256),
        default=defaults.threads,
        show_default=True,
        help="Threads in each; running streams need none.",
    )
    @click.option(
        "--jobs/--no-jobs",
        default=defaults.run_jobs,
        show_default=True,
        help="Run background jobs too.",
    )
    @click.pass_context
    def serve(
        context: click.Context, *, host: str, port: int, workers: int, threads: int, jobs: bool
    ) -> None:
        """Serve this node until SIGTERM or Ctrl-C; running streams may finish."""
        prepare()
        try:
            code = run(
                host=host,
                port=port,
                workers=workers,
                threads=threads,
                with_jobs=jobs,
                say=click.echo,
            )
        except OSError as exc:
            reason = f"cannot listen on {host}:{port}: {exc.strerror}" if exc.strerror else str(exc)
            raise click.ClickException(f"Velour does not start: {reason}") from exc
        context.exit(code)

    return serve
