"""The audit trail: of the whole node, and of one object on its own page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask.views import MethodView

from app.admin.actions import Route
from app.usecases.audit import VerifyAudit
from domain.federation.audit import ChainedEntry, Verdict
from ports.federation.audit import AuditReader
from ports.unit_of_work import ReadOnlyFactory

PER_PAGE = 50
_ON_OBJECT_PAGES = 10
_LONGEST_FILTER = 100
_MOST_DIGITS = 18

People = Mapping[str, str]
"""``user:<id>`` -> user name."""


@dataclass(frozen=True, slots=True)
class Trail:
    """Reads what happened, with the names of the people who did it."""

    reader: AuditReader
    read_only: ReadOnlyFactory

    def of(self, target: str, *, action: str = "") -> Sequence[ChainedEntry]:
        """Return the newest entries about one object, as the use cases name it."""
        return self.reader.page(before=None, limit=_ON_OBJECT_PAGES, action=action, target=target)

    def people(self) -> People:
        """Return everybody's name by what the trail calls them."""
        with self.read_only() as tx:
            return {f"user:{user.id}": user.username for user in tx.users.all()}


class AuditView(MethodView):
    """Newest first; the filters stand in the address."""

    init_every_request = False

    def __init__(self, trail: Trail) -> None:
        self._trail = trail

    def get(self) -> ResponseReturnValue:
        return self.page(None)

    def page(self, verdict: Verdict | None) -> str:
        """Show the page, with the verdict of a check where one was asked for."""
        action = request.args.get("action", "").strip()[:_LONGEST_FILTER]
        actor = request.args.get("actor", "").strip()[:_LONGEST_FILTER]
        before = _number(request.args.get("before", ""))
        people = self._trail.people()
        named = {name.casefold(): key for key, name in people.items()}
        rows = self._trail.reader.page(
            before=before,
            limit=PER_PAGE + 1,
            action=action,
            actor=named.get(actor.casefold(), actor),
        )
        return render_template(
            "admin/audit.html",
            rows=rows[:PER_PAGE],
            older=rows[PER_PAGE - 1].number if len(rows) > PER_PAGE else None,
            action=action,
            actor=actor,
            before=before,
            people=people,
            verdict=verdict,
        )


class VerifyView(AuditView):
    """Walks the chain and shows what was found."""

    def __init__(self, trail: Trail, verify: Callable[[], Verdict]) -> None:
        super().__init__(trail)
        self._verify = verify

    def post(self) -> ResponseReturnValue:
        return self.page(self._verify())


def routes(*, trail: Trail, verify_audit: VerifyAudit) -> Sequence[Route]:
    """Build the audit pages."""
    return (
        Route("/audit", AuditView.as_view("audit", trail)),
        Route("/audit/verify", VerifyView.as_view("audit_verify", trail, verify_audit)),
    )


def _number(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else None
