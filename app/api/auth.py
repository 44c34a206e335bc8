"""Who calls the API, and whether they may: deny by default.

Every request below ``/api/v1`` passes ``Guard`` first, whether or not its address exists: without
good credentials there is nothing to see. A route that declares no scope is refused.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, Request, Response, g, request
from flask.ctx import _AppCtxGlobals

from app.api.addresses import ClientAddresses
from app.api.operation import declared_operation
from app.api.problems import Malformed
from app.limits import Limits
from app.usecases.federation.authentication import Authenticate, Caller
from domain.errors import Forbidden, NotFound, Unauthenticated
from domain.federation.api_key import KeyKind, KeyRefused, Scope, key_prefix
from domain.federation.audit import Actor
from domain.ids import ConnectionId
from domain.people import User
from ports.clock import Clock
from ports.federation.audit import AuditTrail
from ports.library.catalogue import EVERYTHING, Visibility

API_ROOT = "/api/v1"
_FEDERATION_ONLY = (f"{API_ROOT}/changes", f"{API_ROOT}/federation")
_CREDENTIAL_NAMES = frozenset({"key", "api_key", "apikey", "api-key", "token", "access_token"})
_KEY_START = re.compile(r"vlr_(peer|app|client)_", re.ASCII)
_ALL_SCOPES = frozenset(Scope)


class CredentialsMissing(Unauthenticated):
    """The request carries no credentials."""

    code = "credentials.missing"
    title = "An API key is needed, in the header Authorization: Bearer"


class ScopeMissing(Forbidden):
    """The key is good and does not allow this."""

    code = "scope.missing"
    title = "The key does not have the scope that this needs"


class RouteUndeclared(Forbidden):
    """A route that says nothing about who may call it is open to nobody."""

    code = "route.undeclared"
    title = "Nobody may call this address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Whoever makes a request, once known."""

    actor: Actor
    limit_id: str  # what limits count by
    visibility: Visibility
    scopes: frozenset[Scope]
    is_peer: bool = False
    by_session: bool = False
    connection_id: ConnectionId | None = None


SessionUser = Callable[[], User | None]
"""Returns the person of the request's session cookie, or None."""

CheckForm = Callable[[], None]
"""Raises where the request does not carry the token of its own session's forms."""


def no_form_counts() -> None:
    """Refuse: where nobody checks tokens, no session changes anything."""
    raise Forbidden("with a session the API only reads")


def bearer_key(authorization: str | None, api_key: str | None) -> str | None:
    """Return the text of the key that the two headers carry, or None where they carry none.

    Args:
        authorization: the header ``Authorization``; repeated ones joined with commas.
        api_key: the header ``X-API-Key``, which is for keys of the kind client only.

    Raises:
        Malformed: there are two credentials.
        KeyRefused: another scheme than Bearer, or a key that may not stand there.
    """
    if authorization is None and api_key is None:
        return None
    if authorization is not None and api_key is not None:
        raise Malformed("send one credential, not two")
    if api_key is not None:
        if "," in api_key:
            raise Malformed("send one credential, not two")
        if not api_key.startswith(f"vlr_{KeyKind.CLIENT}_"):
            raise KeyRefused
        return api_key.strip()
    assert authorization is not None  # noqa: S101 - for the type checker
    if "," in authorization:
        raise Malformed("send one credential, not two")
    scheme, _, text = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        raise KeyRefused
    return text.strip()


def refuse_credentials_in_query(query: str) -> None:
    """Refuse a request that carries a key where logs and histories keep it.

    Args:
        query: the raw query string.

    Raises:
        Malformed: naming the parameter.
    """
    if "vlr_" not in query and not _mentions_credential(query):
        return
    for name, value in request.args.items(multi=True):
        named = name.lower() in _CREDENTIAL_NAMES and len(value) >= 16
        if named or _KEY_START.search(value) or _KEY_START.search(name):
            shown = name if name.lower() in _CREDENTIAL_NAMES else "query"
            raise Malformed(
                "keys are sent in the header Authorization, never in the address", field=shown
            )


def _mentions_credential(query: str) -> bool:
    lowered = query.lower()
    return "key" in lowered or "token" in lowered or "%" in lowered


def principal() -> Principal:
    """Return who makes the running request."""
    found = g.get("principal")
    if not isinstance(found, Principal):
        raise CredentialsMissing
    return found


def client_address() -> str:
    """Return where the running request comes from."""
    return str(g.get("client_address", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """Lets a request to the API through, or raises what is wrong with it."""

    authenticate: Authenticate
    session_user: SessionUser
    addresses: ClientAddresses
    limits: Limits
    audit: AuditTrail
    clock: Clock
    federation_enabled: bool
    check_form: CheckForm = no_form_counts

    def init_app(self, app: Flask) -> None:
        """Stand in front of every request of ``app``."""

        def before() -> None:
            here, asked = g._get_current_object(), request._get_current_object()  # type: ignore[attr-defined] # noqa: SLF001
            here.client_address = self.addresses.of(
                asked.remote_addr, asked.environ.get("HTTP_X_FORWARDED_FOR")
            )
            path = asked.path
            if path.startswith(f"{API_ROOT}/") or path == API_ROOT:
                self._admit(app, here, asked)

        app.before_request(before)
        app.after_request(self._after)

    def _admit(self, app: Flask, here: _AppCtxGlobals, asked: Request) -> None:
        if not self.federation_enabled and asked.path.startswith(_FEDERATION_ONLY):
            raise NotFound("There is nothing at this address.")
        declared = declared_operation(app.view_functions.get(asked.endpoint or ""))
        writes = declared is not None and declared.writes
        caller = here.principal = self._identify(asked, here.client_address, writes=writes)
        if asked.query_string:  # whoever sends a key nowhere else is refused above, with a 401
            refuse_credentials_in_query(asked.query_string.decode("latin-1"))
        if asked.routing_exception is not None:
            return  # the framework answers 404 or 405 itself
        if declared is None or declared.scope is None:
            raise RouteUndeclared
        here.operation = declared
        if declared.scope not in caller.scopes:
            raise ScopeMissing(f"the scope {declared.scope} is missing", scope=declared.scope)
        if declared.writes:
            if not caller.by_session:
                raise Forbidden("keys only read; this takes the session of an admin")
            self.check_form()
        if declared.limit:
            here.allowance = self.limits.count(declared.limit, caller.limit_id)
            here.allowance.require()

    def _identify(self, asked: Request, address: str, *, writes: bool) -> Principal:
        text = self._presented_key(asked, address)
        user = self.session_user()
        if text is None:
            return _of_user(user, address, writes=writes)
        if user is not None:
            raise Malformed("send one credential, not two: this has a key and a session")
        return self.of_key(text, address)

    def _presented_key(self, asked: Request, address: str) -> str | None:
        try:
            return bearer_key(
                asked.environ.get("HTTP_AUTHORIZATION"), asked.environ.get("HTTP_X_API_KEY")
            )
        except KeyRefused:
            self.limits.count_refused_key(address).require()
            raise

    def of_key(self, text: str, address: str) -> Principal:
        """Return who holds the key of that text.

        Raises:
            KeyRefused, ConnectionInactive, FederationDisabled, Limited
        """
        try:
            caller = self.authenticate(key_text=text, address=address)
        except Unauthenticated:
            # After the look-up, so that guessing never locks out a good key behind the same proxy.
            self.limits.count_refused_key(address).require()
            raise
        except Forbidden as refusal:
            self.limits.count_refused_key(address).require()
            actor = Actor(f"key:{key_prefix(text)}", address)
            at, result = self.clock.now(), refusal.code
            self.audit.note(actor.did("api.refused", request.path, at=at, result=result))
            raise
        return self.principal_of(caller, address)

    @staticmethod
    def principal_of(caller: Caller, address: str) -> Principal:
        """Return a caller with a key as whoever makes a request."""
        key = caller.key
        is_peer = key.kind is KeyKind.PEER
        return Principal(
            actor=Actor(f"peer:{key.name}" if is_peer else f"key:{key.prefix}", address),
            limit_id=key.id.hex,
            visibility=caller.visibility,
            scopes=caller.scopes,
            is_peer=is_peer,
            connection_id=caller.connection_id,
        )

    def _after(self, response: Response) -> Response:
        here = g._get_current_object()  # noqa: SLF001
        headers = response.headers
        allowance = here.get("allowance")
        if allowance is not None:
            for name, value in allowance.headers().items():
                headers.add(name, value)
        caller = here.get("principal")
        if caller is None:
            return response
        headers.add("Vary", "Authorization, Cookie")
        if "Cache-Control" not in headers:
            headers.add("Cache-Control", "no-store")
        declared = here.get("operation")
        if caller.is_peer and declared is not None and declared.action:
            refused = response.status_code >= 400
            self.audit.note(
                caller.actor.did(
                    declared.action,
                    request.path,
                    at=self.clock.now(),
                    result=here.get("problem_code", "error") if refused else "ok",
                )
            )
        return response


def _of_user(user: User | None, address: str, *, writes: bool) -> Principal:
    """A signed-in admin reads what everybody on this node sees, and may call what ``writes``."""
    if user is None or not user.active:
        raise CredentialsMissing
    if not user.is_admin:
        raise Forbidden("the API takes the session of an admin, or an API key")
    if request.method not in {"GET", "HEAD"} and not writes:
        raise Forbidden("with a session this address only reads")
    return Principal(
        actor=Actor(f"user:{user.id}", address),
        limit_id=user.id.hex,
        visibility=EVERYTHING,
        scopes=_ALL_SCOPES,
        by_session=True,
    )
