"""What everybody may read of a node: who it is, its public keys, whether it is well."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
from flask import Blueprint, Response, request

from app.api import schemas
from app.api.operation import Operation, operation
from domain.errors import NotFound, Unavailable
from ports.crypto import Identity

_CAPABILITIES = ("catalogue", "stream", "thumbnail", "search")


class FederationHidden(NotFound):
    """Federation is switched off, so there is nothing to describe."""

    code = "federation.hidden"
    title = "There is nothing at this address"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeDescription:
    """The settings that the descriptor shows; empty texts are left out."""

    name: str
    version: str
    base_url: str
    links: Mapping[str, str]
    federation_enabled: bool


class NodeViews:
    """The views; none of them needs a key."""

    def __init__(
        self, *, identity: Identity, description: NodeDescription, is_ready: Callable[[], bool]
    ) -> None:
        self._identity, self._description, self._is_ready = identity, description, is_ready

    @operation(
        Operation(
            summary="Read the node's descriptor",
            scope=None,
            answer=schemas.Descriptor,
            statuses={404: "federation is switched off"},
            tag="node",
        )
    )
    def descriptor(self) -> Response:
        """Describe the node to other nodes."""
        node = self._description
        if not node.federation_enabled:
            raise FederationHidden
        base_url = node.base_url or request.url_root.rstrip("/")
        body = {
            "instance_id": self._identity.instance_id,
            "name": node.name,
            "base_url": base_url,
            "api_versions": ["v1"],
            "capabilities": list(_CAPABILITIES),
            "version": node.version,
            "jwks_uri": f"{base_url}/.well-known/jwks.json",
            "links": {name: link for name, link in node.links.items() if link},
        }
        return _public(body, seconds=300)

    @operation(
        Operation(
            summary="Read the node's public keys", scope=None, answer=schemas.KeySet, tag="node"
        )
    )
    def keys(self) -> Response:
        """Publish the identity key."""
        return _public({"keys": [self._identity.public_jwk()]}, seconds=3600)

    @operation(Operation(summary="Is it alive?", scope=None, answer=schemas.Health, tag="health"))
    def live(self) -> Response:
        """Answer as long as the process serves."""
        return _health()

    @operation(
        Operation(
            summary="Is it ready to serve?",
            scope=None,
            answer=schemas.Health,
            statuses={503: "not now"},
            tag="health",
        )
    )
    def ready(self) -> Response:
        """Answer if the database does; no details."""
        if not self._is_ready():
            raise Unavailable("not ready")
        return _health()


def blueprint(
    *, identity: Identity, description: NodeDescription, is_ready: Callable[[], bool]
) -> Blueprint:
    """Build the public routes."""
    views = NodeViews(identity=identity, description=description, is_ready=is_ready)
    routes = Blueprint("node", __name__)
    routes.add_url_rule("/.well-known/velour", view_func=views.descriptor)
    routes.add_url_rule("/.well-known/jwks.json", view_func=views.keys)
    routes.add_url_rule("/health/live", view_func=views.live)
    routes.add_url_rule("/health/ready", view_func=views.ready)
    return routes


def _public(body: Mapping[str, object], *, seconds: int) -> Response:
    response = Response(orjson.dumps(body), mimetype="application/json")
    response.headers["Cache-Control"] = f"public, max-age={seconds}"
    return response


def _health() -> Response:
    response = Response(b'{"status":"ok"}', mimetype="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response
