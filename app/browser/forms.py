"""Forms: checked once in the browser, once here, and once by the use case.

A refusal of the use case is shown like any other error of the form: beside the field it names,
or on top, with everything that was typed kept.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import flash, redirect
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response

from app.api.problems import of_error
from domain.errors import BadUpstream, Conflict, DomainError, Forbidden, Invalid, Unavailable

T = TypeVar("T")
Families = tuple[type[DomainError], ...]

# What a person can do something about. Anything else is for the error page.
_REFUSALS: Families = (Invalid, Conflict, Forbidden, BadUpstream, Unavailable)


class PageForm(FlaskForm):  # type: ignore[misc] # Flask-WTF has no types
    """A form of the pages; the CSRF token is in every one of them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.refused: tuple[str, ...] = ()
        self.status = 200
        self.headers: Mapping[str, str] = {}

    def submitted(self, action: Callable[[], T], *, show: Families = ()) -> T | None:
        """Run ``action`` if what was sent holds.

        Args:
            action: called once.
            show: families of errors that the form shows, beside the usual ones.

        Returns:
            Its result, or None with errors to show; ``status`` is then the answer's status.
        """
        if not self.validate_on_submit():
            self.status = 422
            return None
        try:
            return action()
        except (*_REFUSALS, *show) as refusal:
            self._refuse(refusal)
            return None

    def _refuse(self, refusal: DomainError) -> None:
        problem = of_error(refusal)
        self.status = problem.status
        self.headers = {k: v for k, v in problem.headers.items() if k == "Retry-After"}
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
