"""``PATCH /api/v1/works/{id}``: what the edit page does, for programs of an admin."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, request

from app.api import schemas
from app.api.auth import API_ROOT, principal
from app.api.library import work_response, work_tag
from app.api.operation import Operation, operation
from app.api.problems import NotJson, PreconditionFailed, PreconditionMissing
from app.usecases.library.editing import EditWork
from domain.errors import StaleWrite
from domain.federation.api_key import Scope
from domain.ids import WorkId
from domain.library.byte_range import Conditions, check_preconditions
from domain.library.description import Credit, CreditRole
from domain.library.work import WorkNotFound
from ports.library.catalogue import Catalogue
from ports.unit_of_work import ReadOnlyFactory

_JSON_TYPES = frozenset({"application/json", "application/merge-patch+json"})


class EditingViews:
    """The view that changes a work."""

    def __init__(
        self, *, catalogue: Catalogue, read_only: ReadOnlyFactory, edit_work: EditWork
    ) -> None:
        self._catalogue, self._read_only, self._edit_work = catalogue, read_only, edit_work

    @operation(
        Operation(
            summary="Set fields of a work by hand",
            scope=Scope.METADATA,
            writes=True,
            action="api.edit",
            headers={"If-Match": "the ETag of the work as it was read"},
            body=schemas.WorkChange,
            answer=schemas.Work,
            statuses={
                404: "no such work",
                409: "the work was learnt from another node",
                412: "somebody else changed the work since it was read",
                415: "the body is not JSON",
                422: "a field has a wrong value, or there is no such field",
                428: "If-Match is missing",
            },
        )
    )
    def change(self, work_id: UUID) -> Response:
        """Change one work and answer with it as it is now."""
        asked = request.headers.get("If-Match")
        if asked is None:
            raise PreconditionMissing
        if request.mimetype not in _JSON_TYPES:
            raise NotJson
        wanted = schemas.WorkChange.model_validate_json(request.get_data())
        seen_by, wanted_id = principal().visibility, WorkId(work_id)
        # The version before the text: a change between the two is refused when it is written.
        with self._read_only() as tx:
            version = tx.works.get(wanted_id).version
        document = self._catalogue.work(seen_by, wanted_id)
        if document is None:
            raise WorkNotFound
        if check_preconditions(Conditions(if_match=asked), etag=work_tag(document)) is not None:
            raise PreconditionFailed
        try:
            self._edit_work(
                wanted_id,
                _changes(wanted),
                unlock=frozenset(_field(name) for name in wanted.unlock),
                version=version,
                actor=principal().actor,
            )
        except StaleWrite as exc:
            raise PreconditionFailed from exc
        return work_response(self._catalogue.work(seen_by, wanted_id) or document)


def _changes(wanted: schemas.WorkChange) -> Mapping[str, Any]:
    named = wanted.model_fields_set - {"unlock"}
    changes = {_field(name): getattr(wanted, name) for name in named}
    if "people" in named:
        changes["credits"] = tuple(
            Credit(one.name, CreditRole(one.role), one.character) for one in wanted.people
        )
    return changes


def _field(name: str) -> str:
    return "credits" if name == "people" else str(name)


def blueprint(
    *, catalogue: Catalogue, read_only: ReadOnlyFactory, edit_work: EditWork
) -> Blueprint:
    """Build the routes that change works."""
    views = EditingViews(catalogue=catalogue, read_only=read_only, edit_work=edit_work)
    routes = Blueprint("editing", __name__, url_prefix=API_ROOT)
    routes.add_url_rule(
        "/works/<uuid:work_id>",
        view_func=views.change,
        methods=["PATCH"],
        provide_automatic_options=False,  # GET's route at the same address answers those
    )
    return routes
