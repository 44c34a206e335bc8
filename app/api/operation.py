"""What a route of the API says about itself: who may call it and what it answers.

The declaration stands on the view. The guard (``app.api.auth``) refuses a route without one, the
OpenAPI document (``app.api.openapi``) is made from them, and the limiter reads the class.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel

from domain.federation.api_key import Scope

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Declaration of one route.

    Attributes:
        summary: one line for the documentation.
        scope: what the caller's key must allow; None: open to everybody.
        limit: class of requests it counts as (``api``, ``search``, ``thumbnail``); empty where
            the view counts by itself.
        action: name in the audit trail; empty where the view writes its own entry.
        writes: it changes something: for the session of an admin with a CSRF token, never for keys.
        query: model of the query parameters.
        body: model of the request's body.
        headers: header fields it needs (name -> what it says).
        answer: model of the JSON answer, or None where ``media_type`` says it all.
        media_type: of the answer.
        also: further media types of the answer that can be asked for (type -> what it holds).
        statuses: further answers of this route (status -> what it means).
        tag: heading in the documentation.
        roles: for routes that take a token of the resource API instead of a key: who may call, in
            words.
        body_type: media type of the request's body.
    """

    summary: str
    scope: Scope | None
    limit: str = "api"
    action: str = "api.read"
    writes: bool = False
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: type[BaseModel] | None = None
    media_type: str = "application/json"
    also: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[int, str] = field(default_factory=dict)
    tag: str = "library"
    roles: str = ""
    body_type: str = "application/json"


def operation(declared: Operation) -> Callable[[View], View]:
    """Declare a view."""

    def mark(view: View) -> View:
        view.__velour_operation__ = declared  # type: ignore[attr-defined]
        return view

    return mark


def declared_operation(view: Callable[..., Any] | None) -> Operation | None:
    """Return what a view declares, or None."""
    found = getattr(view, "__velour_operation__", None)
    return found if isinstance(found, Operation) else None
