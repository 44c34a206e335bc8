"""Take out of Jellyfin's OpenAPI document what the fake server is checked against.

    python -m tests.jellyfin.extract_schemas openapi-10.11.5.json tests/jellyfin/schemas-10.11.json

Of the operations that we use: parameters, bodies and answers, with the schemas that these reach.
Names, types, nullability and enumerations stay; prose goes. OpenAPI 3.0's ``nullable`` is written as
JSON Schema has it, so that any validator can read the result. See docs/decisions/0012.
"""

import json
import sys
from pathlib import Path

OPERATIONS = (
    ("get", "/System/Info/Public"),
    ("post", "/Users/AuthenticateByName"),
    ("get", "/UserViews"),
    ("get", "/Library/MediaFolders"),
    ("get", "/Items"),
    ("get", "/Videos/{itemId}/stream"),
    ("head", "/Videos/{itemId}/stream"),
    ("get", "/Items/{itemId}/Images/{imageType}"),
)
KEPT = ("type", "format", "items", "properties", "additionalProperties", "required", "enum")
REF = "#/components/schemas/"


def extract(document):
    schemas = document["components"]["schemas"]
    reached = {}
    operations = {}
    for method, path in OPERATIONS:
        operation = document["paths"][path][method]
        operations[f"{method.upper()} {path}"] = {
            "parameters": {
                parameter["name"]: {
                    "in": parameter["in"],
                    "required": parameter.get("required", False),
                    "schema": plain(parameter["schema"], schemas, reached),
                }
                for parameter in operation.get("parameters", ())
            },
            "body": body(operation.get("requestBody"), schemas, reached),
            "answers": {
                status: body(answer, schemas, reached)
                for status, answer in operation["responses"].items()
            },
        }
    return {
        "version": document["info"]["version"],
        "operations": operations,
        "$defs": dict(sorted(reached.items())),
    }


def body(described, schemas, reached):
    content = (described or {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return None if schema is None else plain(schema, schemas, reached)


def plain(schema, schemas, reached):
    """Return a schema of OpenAPI 3.0 as one of JSON Schema, and note what it refers to."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(REF)
        if name not in reached:
            reached[name] = {}
            reached[name] = plain(schemas[name], schemas, reached)
        return {"$ref": f"#/$defs/{name}"}
    nullable = schema.get("nullable", False)
    for several in ("allOf", "oneOf"):
        if several in schema:
            members = [plain(one, schemas, reached) for one in schema[several]]
            if nullable:
                return {"anyOf": [*members, {"type": "null"}]}
            return {several: members}
    kept = {key: schema[key] for key in KEPT if key in schema}
    if "items" in kept:
        kept["items"] = plain(kept["items"], schemas, reached)
    if "properties" in kept:
        kept["properties"] = {
            name: plain(one, schemas, reached) for name, one in kept["properties"].items()
        }
    if isinstance(kept.get("additionalProperties"), dict):
        kept["additionalProperties"] = plain(kept["additionalProperties"], schemas, reached)
    if nullable and "type" in kept:
        kept["type"] = [kept["type"], "null"]
        if "enum" in kept:
            kept["enum"] = [*kept["enum"], None]
    return kept


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    text = json.dumps(extract(json.loads(source.read_text())), indent=1, sort_keys=True)
    target.write_text(text + "\n")
