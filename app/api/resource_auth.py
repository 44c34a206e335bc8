"""Who calls the resource API: a good token or nothing, before anything else is looked at."""

from dataclasses import dataclass

from flask import Flask, g, request

from app.api.auth import Principal, RouteUndeclared, client_address, refuse_credentials_in_query
from app.api.operation import declared_operation
from app.api.problems import Malformed
from app.limits import Limits
from app.usecases.resources.accounts import Identify, ResourceCaller
from ports.library.catalogue import Visibility
from ports.resources.tokens import TokenRefused

ROOT = "/resource-api"
LOGIN = f"{ROOT}/login"
_SEES_NOTHING = Visibility(libraries=frozenset(), learnt=False, metadata=False)


def caller() -> ResourceCaller:
    """Return who makes the running request."""
    found = g.get("resource_caller")
    if not isinstance(found, ResourceCaller):
        raise TokenRefused
    return found


@dataclass(frozen=True, slots=True)
class ResourceGuard:
    """Lets a request to the resource API through, or raises what is wrong with it.

    Stands behind ``app.api.auth.Guard``, which knows the address that a request comes from.
    """

    identify: Identify
    limits: Limits

    def init_app(self, app: Flask) -> None:
        """Stand in front of every request of ``app`` below /resource-api."""

        def before() -> None:
            path = request.path
            if path.startswith(f"{ROOT}/") or path == ROOT:
                self._admit(app)

        app.before_request(before)

    def _admit(self, app: Flask) -> None:
        if request.query_string:
            refuse_credentials_in_query(request.query_string.decode("latin-1"))
        if request.path == LOGIN and request.method == "POST":
            return
        found = g.resource_caller = self._identify(client_address())
        g.principal = Principal(
            actor=found.actor,
            limit_id=found.user.id.hex,
            visibility=_SEES_NOTHING,
            scopes=frozenset(),
        )
        if request.routing_exception is not None:
            return  # the framework answers 404 or 405 itself
        declared = declared_operation(app.view_functions.get(request.endpoint or ""))
        if declared is None or not declared.roles:
            raise RouteUndeclared
        g.allowance = self.limits.count(declared.limit, found.user.id.hex)
        g.allowance.require()

    def _identify(self, address: str) -> ResourceCaller:
        try:
            return self.identify(_bearer(request.headers.get("Authorization")), address=address)
        except TokenRefused:
            self.limits.count_refused_key(address).require()
            raise


def _bearer(authorization: str | None) -> str:
    if authorization is None:
        raise TokenRefused
    if "," in authorization:
        raise Malformed("send one credential, not two")
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer":
        raise TokenRefused
    return token.strip()
