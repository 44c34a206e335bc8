"""Errors of commands: one line on stderr and exit code 1, never a traceback for a known error."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import click

from domain.errors import DomainError

P = ParamSpec("P")
R = TypeVar("R")


def plain_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Let a command end with the words of a domain error."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except DomainError as exc:
            raise click.ClickException(error_text(exc)) from exc

    return run


def error_text(exc: DomainError) -> str:
    """Return title and detail, or the title alone where the detail says the same."""
    detail = str(exc)
    return detail if detail.startswith(exc.title) else f"{exc.title}: {detail}"
