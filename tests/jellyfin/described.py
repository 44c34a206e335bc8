"""What a version of Jellyfin's OpenAPI document says, to hold the fake server to it."""

import json
from functools import cache
from pathlib import Path

import jsonschema

VERSIONS = ("10.11", "12.0")
# Sent by any HTTP client or proxy of the server itself; the document names them nowhere.
PROBLEMS = {"400", "401", "403", "404", "500", "503"}


class NotDescribed(AssertionError):
    """A request or an answer that the document does not allow."""


@cache
def described(version):
    path = Path(__file__).with_name(f"schemas-{version}.json")
    return Described(json.loads(path.read_text()))


class Described:
    """One version's operations."""

    def __init__(self, extract):
        self._extract = extract
        self.version = extract["version"]

    def check_query(self, operation, query):
        """Raise NotDescribed for a parameter that is unknown (in any case) or has a wrong value."""
        known = {
            name.lower(): parameter["schema"]
            for name, parameter in self._extract["operations"][operation]["parameters"].items()
            if parameter["in"] == "query"
        }
        for name, text in query.items():
            schema = known.get(name.lower())
            if schema is None:
                raise NotDescribed(f"{operation} has no parameter {name}")
            self._check(_read(text, schema), schema, f"{operation} ?{name}")

    def check_body(self, operation, value):
        """Raise NotDescribed for a request's body of another shape."""
        self._check(value, self._extract["operations"][operation]["body"], operation)

    def check_answer(self, operation, status, value):
        """Raise NotDescribed for an answer of another shape."""
        answers = self._extract["operations"][operation]["answers"]
        if str(status) not in answers:
            raise NotDescribed(f"{operation} never answers with {status}")
        schema = answers[str(status)]
        if schema is None:
            raise NotDescribed(f"{operation} does not answer {status} in JSON")
        self._check(value, schema, f"{operation} {status}")

    def _check(self, value, schema, where):
        whole = {"$defs": self._extract["$defs"], **schema}
        errors = sorted(jsonschema.Draft202012Validator(whole).iter_errors(value), key=str)
        if errors:
            at = "/".join(map(str, errors[0].absolute_path))
            raise NotDescribed(f"{where}: {at}: {errors[0].message[:300]}")


def _read(text, schema):
    """Read a query's value as its schema's type; lists are written with commas."""
    kind = schema.get("type")
    if kind == "array":
        return [_read(one, schema["items"]) for one in text.split(",") if one]
    if kind == "boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    if kind in {"integer", "number"}:
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text
