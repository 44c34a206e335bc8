"""Buttons of the admin pages: what is easily undone is done, anything else asks once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from flask import render_template
from flask.typing import ResponseReturnValue, RouteCallable
from flask.views import MethodView

from app.browser.forms import act


class Route(NamedTuple):
    """A page of the admin frame: its path below /admin and what answers there."""

    path: str
    view: RouteCallable


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked before something that cannot be undone."""

    title: str
    goes: Sequence[str]  # what will happen, what is lost
    stays: Sequence[str]  # what is not touched
    button: str
    back: str  # path of the page to leave to
    items: Sequence[str] = ()  # the things concerned, where there is a list


ById = Callable[[UUID], object]
"""Does something to the object with that id; a text it returns is shown."""

BackTo = Callable[[UUID], str]
"""Returns the path of the page to go to afterwards."""


class ButtonView(MethodView):
    """Does what its button says."""

    init_every_request = False

    def __init__(self, action: ById, done: str, back: BackTo) -> None:
        self._action, self._done, self._back = action, done, back

    def post(self, item_id: UUID) -> ResponseReturnValue:
        return act(lambda: self._action(item_id), done=self._done, back=self._back(item_id))


class AskingView(MethodView):
    """Says what will and will not be lost, and does it when told again."""

    init_every_request = False

    def __init__(
        self, question: Callable[[UUID], Question], action: ById, done: str, back: BackTo
    ) -> None:
        self._question, self._action, self._done, self._back = question, action, done, back

    def get(self, item_id: UUID) -> ResponseReturnValue:
        return render_template("admin/question.html", question=self._question(item_id))

    def post(self, item_id: UUID) -> ResponseReturnValue:
        return act(lambda: self._action(item_id), done=self._done, back=self._back(item_id))
