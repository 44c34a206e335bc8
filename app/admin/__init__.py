"""Pages for running the node."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from flask import Blueprint, request, url_for

from app.admin.actions import Route
from app.browser.access import let_admins_in


class Section(NamedTuple):
    """An entry of the navigation; the endpoint's name begins all its pages' paths."""

    endpoint: str
    title: str
    icon: str


SECTIONS = (
    Section("overview", "Overview", "gauge"),
    Section("locations", "Locations", "folder"),
    Section("libraries", "Libraries", "stack"),
    Section("people", "People", "person"),
    Section("keys", "Keys", "key"),
    Section("connections", "Connections", "node"),
    Section("jobs", "Jobs", "work"),
    Section("audit", "Audit", "trail"),
    Section("settings", "Settings", "gear"),
)


def blueprint(*groups: Iterable[Route], more: Sequence[Section] = ()) -> Blueprint:
    """Build the admin's pages from the routes of their areas; only admins pass.

    Args:
        groups: routes, area by area.
        more: entries of the navigation for areas that a node may do without.
    """
    at = next(i for i, section in enumerate(SECTIONS) if section.endpoint == "jobs")
    rail = (*SECTIONS[:at], *more, *SECTIONS[at:])
    pages = Blueprint("admin", __name__, url_prefix="/admin", template_folder="templates")
    pages.before_request(let_admins_in)
    pages.context_processor(lambda: _navigation(rail))
    for group in groups:
        for route in group:
            pages.add_url_rule(route.path, view_func=route.view)
    return pages


def _navigation(rail: Sequence[Section]) -> dict[str, Any]:
    start = url_for("admin.overview")
    area = request.path.removeprefix(start).partition("/")[0] or "overview"
    return {"rail": rail, "area": area}
