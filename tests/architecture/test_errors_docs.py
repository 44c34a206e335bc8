"""docs/errors.md lists every code a caller can meet; UPDATE_DOCS=1 rewrites it."""

import importlib
import inspect
import os
import pkgutil
from http import HTTPStatus
from pathlib import Path

import adapters
import app
import domain
import ports
from app.api.problems import HTTP_CODES, STATUS, all_errors
from domain.errors import DomainError

FILE = Path(__file__).parents[2] / "docs" / "errors.md"

INTRO = """# Errors

Generated from the errors themselves. Under `/api`, `/.well-known`, `/health`, `/s`, `/cdn` and `/resource-api` every
error is a problem document (RFC 9457, `application/problem+json`):

```json
{"type": "/problems/scope.missing", "title": "The key does not have the scope that this needs", "status": 403,
 "detail": "the scope stream is missing", "error": "the scope stream is missing", "code": "scope.missing",
 "instance": "/api/v1/videos/…/thumbnail", "request_id": "9f86d081884c7d65"}
```

`error` repeats `detail` for simple clients; 422 adds `errors`, a list of `{field, detail}`; `request_id` is also in
the header `X-Request-Id` and finds the request in the server's log. A code is never reused for something else.
"""


def ours(error):
    return error.__module__.partition(".")[0] in {"domain", "ports", "adapters", "app"}


def load_everything():
    for layer in (domain, ports, adapters, app):
        for module in pkgutil.walk_packages(layer.__path__, f"{layer.__name__}."):
            if ".migrations" not in module.name:
                importlib.import_module(module.name)


def table():
    load_everything()
    found = {}
    for error in all_errors():
        if ours(error) and error is not DomainError:
            status = next(
                (s.value for family, s in STATUS.items() if issubclass(error, family)), 500
            )
            found[error.code] = (status, error.title, inspect.getdoc(error).splitlines()[0])
    for status, code in HTTP_CODES.items():
        found.setdefault(code, (status, HTTPStatus(status).phrase, "Refused by the web framework."))
    rows = [
        f"| `{code}` | {status} | {title} | {meaning} |"
        for code, (status, title, meaning) in sorted(found.items())
    ]
    return "\n".join(["| Code | Status | Title | Meaning |", "|---|---|---|---|", *rows])


def test_every_code_is_documented():
    text = f"{INTRO}\n{table()}\n"
    if os.environ.get("UPDATE_DOCS"):
        FILE.write_text(text)
    assert FILE.read_text() == text, "docs/errors.md is stale: run the tests with UPDATE_DOCS=1"


def test_two_errors_never_share_a_code():
    waiting, seen = [DomainError], {}
    while waiting:
        error = waiting.pop()
        waiting += error.__subclasses__()
        if ours(error):
            assert seen.setdefault(error.code, error) is error, (error, seen[error.code])


def test_every_error_belongs_to_a_family_with_a_status():
    homeless = [
        error.__name__
        for error in all_errors()
        if ours(error)
        and error is not DomainError
        and not any(issubclass(error, f) for f in STATUS)
    ]
    assert homeless == ["SealBroken"], "an error without a family is answered with 500"
