"""Forms: checked once in the browser, once here, and once by the use case.

A refusal of the use case is shown like any other error of the form: beside the field it names,
or on top, with everything that was typed kept.
"""

from collections.abc import Callable
from typing import TypeVar

from flask import flash, redirect
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from domain.errors import BadUpstream, Conflict, DomainError, Forbidden, Invalid, Unavailable

T = TypeVar("T")

# What a person can do something about. Anything else is for the error page.
_REFUSALS = (Invalid, Conflict, Forbidden, BadUpstream, Unavailable)


class PageForm(FlaskForm):  # type: ignore[misc] # Flask-WTF has no types
    """A form of the pages; the CSRF token is in every one of them."""

    refused: tuple[str, ...] = ()

    def submitted(self, action: Callable[[], T]) -> T | None:
        """Run ``action`` if what was sent holds; return its result, or None with errors to show."""
        if not self.validate_on_submit():
            return None
        try:
            return action()
        except _REFUSALS as refusal:
            self.refuse(refusal)
            return None

    def refuse(self, refusal: DomainError) -> None:
        """Show a refusal beside the field that it names, or on top."""
        named = refusal.field if isinstance(refusal, Invalid) else ""
        field = self._fields.get(named)
        if field is None:
            self.refused = (*self.refused, str(refusal))
        else:
            field.errors = [*field.errors, str(refusal)]


def act(action: Callable[[], object], *, done: str, back: str) -> Response:
    """Run what a button asks for, say how it went, and go ``back``.

    Args:
        action: called once; a text it returns is said after ``done``.
        done: what is said of success.
        back: path of the page that shows the new state.
    """
    try:
        said = action()
    except _REFUSALS as refusal:
        flash(str(refusal), "bad")
    else:
        flash(f"{done} {said}" if isinstance(said, str) else done, "good")
    return redirect(back, code=303)
