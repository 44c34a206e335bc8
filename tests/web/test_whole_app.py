"""The application as it is served, on its own SQLite: what is open, and what a key may do."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from app import create_app
from app.api.openapi import declared_routes
from app.settings import load_settings
from domain.federation.api_key import Scope
from tests.web.conftest import issue

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SCOPES = tuple(scope.value for scope in Scope)
PUBLIC = {
    "/.well-known/velour", "/.well-known/jwks.json", "/api/openapi.json", "/api/docs", "/health/live",
    "/health/ready", "/sign-in",
}  # fmt: skip
UNKNOWN = "01900000-0000-7000-8000-000000000000"


def ask(whole, path, key=None, *, method="GET", **options):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return whole.test_client().open(path, method=method, headers=headers, **options)


def filled(whole, rule):
    known = {"work_id": whole.work.id, "video_id": whole.video.id, "number": 0}
    return re.sub(
        r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>",
        lambda found: str(known.get(found[1], UNKNOWN)),
        rule.rule,
    )


def api_routes(whole):
    declared = {d.rule.endpoint: d.operation for d in declared_routes(whole)}
    for rule in whole.url_map.iter_rules():
        if rule.rule.startswith("/api/v1"):
            yield filled(whole, rule), declared.get(rule.endpoint), rule.methods


def test_nothing_else_is_public(whole):
    shown = set()
    for rule in whole.url_map.iter_rules():
        if "GET" in rule.methods and not rule.rule.startswith("/static"):
            response = ask(whole, filled(whole, rule))
            assert response.status_code < 500, rule.rule
            if response.status_code == 200:
                shown.add(rule.rule)

    assert shown | {"/sign-in"} == PUBLIC


def test_without_a_session_or_a_key_nothing_can_be_changed(whole):
    for rule in whole.url_map.iter_rules():
        for method in set(rule.methods) & {"POST", "PUT", "PATCH", "DELETE"}:
            status = ask(whole, filled(whole, rule), method=method).status_code
            assert status in {302, 303, 400, 401, 403, 404, 405, 422}, (rule.rule, method, status)


def test_every_route_of_the_api_declares_its_scope(whole):
    routes = list(api_routes(whole))

    assert len(routes) >= 8
    assert [path for path, operation, _ in routes if not (operation and operation.scope)] == []


@pytest.mark.parametrize("method", METHODS)
def test_below_v1_nobody_gets_in_without_a_key(whole, method):
    for path, _, _ in api_routes(whole):
        response = ask(whole, path, method=method)
        assert response.status_code == 401, (path, method)
        assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("kind", ["peer", "app"])
@pytest.mark.parametrize("scope", SCOPES)
def test_one_scope_opens_what_declares_it_and_nothing_else(whole, kind, scope):
    key = issue(whole, scope, kind=kind)
    served = {
        (path, method): operation
        for path, operation, methods in api_routes(whole)
        for method in methods
    }
    for path in {path for path, _ in served}:
        for method in METHODS:
            operation = served.get((path, method))
            status = ask(whole, path, key, method=method).status_code
            if operation is None:
                assert status == 405, (path, method)
            elif operation.writes:
                assert status == 403, (path, method)
            elif operation.scope == scope:
                assert 200 <= status < 300 or status == 404, (path, method)
            else:
                assert status == 403, (path, method)


def test_what_is_not_granted_looks_like_what_is_not_there(whole):
    key = issue(whole, *SCOPES, libraries=())
    for path, _, _ in api_routes(whole):
        there = ask(whole, path, key)
        if str(whole.work.id) in path or str(whole.video.id) in path:
            absent = ask(
                whole,
                path.replace(str(whole.work.id), UNKNOWN).replace(str(whole.video.id), UNKNOWN),
                key,
            )
            assert there.status_code == absent.status_code == 404
            assert there.get_json()["detail"] == absent.get_json()["detail"]


def test_a_key_in_the_query_opens_nothing(whole):
    key = issue(whole, *SCOPES, kind="app")
    for path, _, _ in api_routes(whole):
        for name in ("api_key", "key", "token", "access_token"):
            assert ask(whole, path, query_string={name: key}).status_code == 401


def test_an_unknown_route_is_a_problem_below_the_api_and_a_page_elsewhere(whole):
    assert ask(whole, "/api/nothing").content_type == "application/problem+json"
    assert ask(whole, "/nothing").mimetype == "text/html"


def test_a_rotated_key_lives_on_as_long_as_the_settings_say(tmp_path):
    app = create_app(
        load_settings(
            {"VELOUR_DATA_DIR": str(tmp_path / "data"), "FEDERATION_TOKEN_EXPIRY_HOURS": "6"}
        )
    )
    run = app.test_cli_runner().invoke
    run(args=["library", "create", "Films"])
    made = run(args=["key", "create", "north", "--scope", "read", "--library", "Films", "--json"])
    rotated = run(args=["key", "rotate", "north", "--json"])
    listed = run(args=["key", "list", "--json"])

    assert (made.exit_code, rotated.exit_code) == (0, 0), rotated.output
    (old,) = [
        k for k in json.loads(listed.output)["items"] if k["id"] == json.loads(made.output)["id"]
    ]
    left = datetime.fromisoformat(old["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=5.9) < left <= timedelta(hours=6)
