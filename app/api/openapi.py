"""The OpenAPI 3.1 document, made from the declarations on the views, and its page."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import orjson
from flask import Blueprint, Flask, Response, current_app
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from app.api import schemas
from app.api.operation import Operation, declared_operation
from app.api.problems import MEDIA_TYPE

_REF = "#/components/schemas/{model}"
_PROBLEM: Mapping[str, Any] = {
    MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="ProblemDetails")}}
}
_KEYED: Mapping[int, str] = {
    400: "a part of the request cannot be read, or it carries two credentials",
    401: "no key, or one that is unknown, expired or revoked",
    403: "the key lacks the scope, or its connection is not active",
    404: "there is nothing at this address, as far as the key sees",
    429: "too many requests; Retry-After says when to go on",
    503: "something this needs does not answer; Retry-After says when to try again",
}
_TOKEN_SCHEME: Mapping[str, Any] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of the resource API, from its /login.",
    }
}
_TOKENED: Mapping[int, str] = {
    400: "a part of the request cannot be read",
    401: "no token, or one that is forged or over",
    403: "the role does not allow this, or the folder was not granted",
    429: "too many requests; Retry-After says when to go on",
    503: "something this needs does not answer; Retry-After says when to try again",
}
_CONVERTERS: Mapping[str, Mapping[str, str]] = {
    "UUIDConverter": {"type": "string", "format": "uuid"},
    "UnicodeConverter": {"type": "string"},
}


@dataclass(frozen=True, slots=True)
class Declared:
    """A route and what its view says about it."""

    rule: Rule
    operation: Operation

    @property
    def path(self) -> str:
        """Return the path as OpenAPI writes it: ``/works/{work_id}``."""
        return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", self.rule.rule)

    @property
    def methods(self) -> list[str]:
        """Return the methods, lower case; HEAD goes with GET and OPTIONS says nothing."""
        return sorted(m.lower() for m in (self.rule.methods or ()) if m not in {"HEAD", "OPTIONS"})


def declared_routes(app: Flask) -> Iterator[Declared]:
    """Yield every route of ``app`` that declares itself, ordered by path."""
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        found = declared_operation(app.view_functions.get(rule.endpoint))
        if found is not None:
            yield Declared(rule, found)


def document(app: Flask, *, title: str, version: str) -> dict[str, Any]:
    """Return the OpenAPI document of ``app``."""
    routes = list(declared_routes(app))
    answers = {r.operation.answer for r in routes if r.operation.answer} | {schemas.ProblemDetails}
    bodies = {r.operation.body for r in routes if r.operation.body}
    _, models = models_json_schema(
        [
            *((model, "serialization") for model in sorted(answers, key=lambda m: m.__name__)),
            *((model, "validation") for model in sorted(bodies, key=lambda m: m.__name__)),
        ],
        ref_template=_REF,
    )
    tokens = any(route.operation.roles for route in routes)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        for method in route.methods:
            paths.setdefault(route.path, {})[method] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": version,
            "description": "What a key may see and do. Errors are problem documents (RFC 9457).",
        },
        "paths": paths,
        "components": {
            "schemas": models["$defs"],
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key of this node, only ever in this header.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "velour",
                    "description": "The session of an admin; __Host-velour on an https node. What "
                    "changes something needs the token of a form too, in X-CSRFToken.",
                },
                **(_TOKEN_SCHEME if tokens else {}),
            },
        },
        "security": [{"key": []}],
    }


def _operation(route: Declared) -> dict[str, Any]:
    declared = route.operation
    described: dict[str, Any] = {
        "operationId": route.rule.endpoint.replace(".", "_"),
        "summary": declared.summary,
        "tags": [declared.tag],
        "parameters": [
            *_path_parameters(route.rule),
            *_query_parameters(declared.query),
            *_header_parameters(declared.headers),
        ],
        "responses": _responses(declared),
    }
    if declared.body is not None:
        schema = {"$ref": _REF.format(model=declared.body.__name__)}
        content = {declared.body_type: {"schema": schema}}
        described["requestBody"] = {"required": True, "content": content}
    if declared.roles:
        described["security"] = [{"token": []}]
        described["description"] = f"Needs a token of the resource API: {declared.roles}."
    elif declared.scope is None:
        described["security"] = []
    elif declared.writes:
        described["security"] = [{"session": []}]
        described["description"] = "Needs the session of an admin and a CSRF token; keys only read."
    else:
        described["description"] = f"Needs the scope `{declared.scope}`."
    return described


def _responses(declared: Operation) -> dict[str, Any]:
    if declared.answer is not None:
        schema: dict[str, Any] = {"$ref": _REF.format(model=declared.answer.__name__)}
    else:
        schema = {"type": "string", "contentEncoding": "binary"}
    content: dict[str, Any] = {declared.media_type: {"schema": schema}}
    for media_type, meaning in declared.also.items():
        content[media_type] = {"schema": {"type": "string", "description": meaning}}
    responses: dict[str, Any] = {"200": {"description": "OK", "content": content}}
    common = _TOKENED if declared.roles else _KEYED if declared.scope is not None else {}
    for status, meaning in sorted({**common, **declared.statuses}.items()):
        answer: dict[str, Any] = {"description": meaning}
        if status >= 400:
            answer["content"] = _PROBLEM
        elif status == 206:
            answer["content"] = {declared.media_type: {"schema": schema}}
        elif status == 307:
            location = {"description": "where to ask instead", "schema": {"type": "string"}}
            answer["headers"] = {"Location": location}
        responses[str(status)] = answer
    return responses


def _path_parameters(rule: Rule) -> Iterator[dict[str, Any]]:
    for name, converter in rule._converters.items():  # noqa: SLF001 - Werkzeug shows it nowhere else
        schema = _CONVERTERS.get(type(converter).__name__, {"type": "string"})
        yield {"name": name, "in": "path", "required": True, "schema": dict(schema)}


def _header_parameters(headers: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for name, meaning in headers.items():
        yield {
            "name": name,
            "in": "header",
            "required": True,
            "description": meaning,
            "schema": {"type": "string"},
        }


def _query_parameters(model: type[BaseModel] | None) -> Iterator[dict[str, Any]]:
    if model is None:
        return
    described = model.model_json_schema()
    for name, schema in described["properties"].items():
        shown = {k: v for k, v in schema.items() if k not in {"title", "description"}}
        yield {
            "name": name,
            "in": "query",
            "required": name in described.get("required", ()),
            "description": schema.get("description", ""),
            "schema": shown,
        }


def blueprint(*, title: str, version: str) -> Blueprint:
    """Build the public routes of the document and of its page."""
    routes = Blueprint("openapi", __name__)
    made: dict[str, bytes] = {}

    def described() -> bytes:
        if "json" not in made:
            made["json"] = orjson.dumps(document(current_app, title=title, version=version))
        return made["json"]

    @routes.get("/api/openapi.json")
    def spec() -> Response:
        """Send the document."""
        return _cached(described(), "application/json")

    @routes.get("/api/docs")
    def page() -> Response:
        """Show the document to people."""
        return _cached(render(orjson.loads(described())).encode(), "text/html")

    return routes


def render(spec: Mapping[str, Any]) -> str:
    """Write the document as a page that needs no script and no other host."""
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width, initial-scale=1">',
        f"<title>{escape(spec['info']['title'])} API</title>",
        '<meta name=color-scheme content="light dark">',
        '<link rel=stylesheet href="/static/velour.css"></head><body>',
        '<main class="main stack-wide" id="main"><header class="stack">',
        f"<h1>{escape(spec['info']['title'])} API</h1><p>{escape(spec['info']['description'])} ",
        'The same for programs: <a href="/api/openapi.json">openapi.json</a>.</p></header>',
    ]
    for path, methods in spec["paths"].items():
        for method, described in methods.items():
            parts += _render_operation(path, method, described)
    parts.append("<h2>Shapes</h2>")
    for name, schema in spec["components"]["schemas"].items():
        parts += _render_schema(name, schema)
    parts.append("</main></body></html>")
    return "\n".join(parts)


def _render_operation(path: str, method: str, described: Mapping[str, Any]) -> Iterator[str]:
    yield f'<section class="stack" id="{escape(described["operationId"])}">'
    yield f"<h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(described['summary'])}."
    yield f" {escape(described.get('description', 'Open to everybody.'))}</p>"
    if described["parameters"]:
        yield "<div class=scroll><table>"
        yield "<thead><tr><th>Parameter<th>In<th>Type<th>Meaning</thead><tbody>"
        for parameter in described["parameters"]:
            cells = (parameter["name"], parameter["in"], _type(parameter["schema"]))
            meaning = parameter.get("description", "")
            yield f"<tr>{''.join(f'<td>{escape(c)}' for c in cells)}<td>{escape(meaning)}"
        yield "</tbody></table></div>"
    yield "<div class=scroll><table><thead><tr><th>Status<th>Meaning<th>Body</thead><tbody>"
    for status, answer in described["responses"].items():
        bodies = [
            f"{kind} {_type(content['schema'])}"
            for kind, content in answer.get("content", {}).items()
        ]
        yield f"<tr><td>{status}<td>{escape(answer['description'])}<td>{escape(', '.join(bodies))}"
    yield "</tbody></table></div></section>"


def _render_schema(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f'<section class="stack" id="{escape(name)}"><h3>{escape(name)}</h3>'
    yield f"<p>{escape(schema.get('description', ''))}</p><div class=scroll><table><tbody>"
    for member, member_schema in schema.get("properties", {}).items():
        meaning = member_schema.get("description", "")
        yield f"<tr><td><code>{escape(member)}</code><td>{escape(_type(member_schema))}"
        yield f"<td>{escape(meaning)}"
    yield "</tbody></table></div></section>"


def _type(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("const") or schema.get("type") or "any")


def _cached(body: bytes, media_type: str) -> Response:
    response = Response(body, content_type=f"{media_type}; charset=utf-8")
    response.headers["Cache-Control"] = "public, max-age=300"
    return response
