"""The application as it is served, on its own SQLite: what is open, and what a key may do."""

import re

import pytest

from adapters.sql.upgrade import upgrade_to_head
from app import create_app
from app.api.openapi import declared_routes
from app.settings import load_settings
from domain.federation.api_key import Scope
from domain.federation.audit import CLI
from domain.library.video import Video
from domain.library.work import Work

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
SCOPES = tuple(scope.value for scope in Scope)
PUBLIC = {
    "/.well-known/velour", "/.well-known/jwks.json", "/api/openapi.json", "/api/docs", "/health/live",
    "/health/ready", "/sign-in",
}  # fmt: skip
UNKNOWN = "01900000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def node(tmp_path_factory):
    """An application with one person, one library and one file."""
    films, data = tmp_path_factory.mktemp("films"), tmp_path_factory.mktemp("data")
    (films / "Metropolis.mp4").write_bytes(bytes(range(256)) * 40)
    app = create_app(
        load_settings({"VELOUR_DATA_DIR": str(data), "VELOUR__LIMITS__ENABLED": "false"})
    )
    container = app.extensions["velour"]
    upgrade_to_head(container.engine())
    container.create_user()(
        username="ann", email="ann@example.org", password="correct horse", actor=CLI
    )
    library = container.create_library()(name="Films", actor=CLI)
    location = container.add_location()(
        name="disk", storage_type="local", library="Films", options={"path": str(films)}, actor=CLI
    )
    now, new_id = container.clock().now(), container.new_id()
    work = Work(id=new_id(), title="Metropolis", created_at=now, updated_at=now)
    video = Video(
        id=new_id(), work_id=work.id, location_id=location.id, filename="Metropolis.mp4",
        locator="Metropolis.mp4", file_size=10_240, signature="1", created_at=now, updated_at=now,
    )  # fmt: skip
    with container.unit_of_work() as tx:
        tx.scans.add([(work, video)])
        tx.commit()
    app.work, app.video, app.shelf = work, video, library
    yield app
    container.engine().dispose()


def issue(node, *scopes, kind="peer", libraries=("Films",), **options):
    issue_key = node.extensions["velour"].issue_key()
    return issue_key(
        name=f"{kind} {' '.join(scopes)}", kind=kind, scopes=scopes, libraries=libraries, actor=CLI, **options
    )[1]  # fmt: skip


def ask(node, path, key=None, *, method="GET", **options):
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return node.test_client().open(path, method=method, headers=headers, **options)


def filled(node, rule):
    known = {"work_id": node.work.id, "video_id": node.video.id}
    return re.sub(
        r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>",
        lambda found: str(known.get(found[1], UNKNOWN)),
        rule.rule,
    )


def api_routes(node):
    declared = {d.rule.endpoint: d.operation for d in declared_routes(node)}
    for rule in node.url_map.iter_rules():
        if rule.rule.startswith("/api/v1"):
            yield filled(node, rule), declared.get(rule.endpoint), rule.methods


def test_nothing_else_is_public(node):
    shown = set()
    for rule in node.url_map.iter_rules():
        if "GET" in rule.methods and not rule.rule.startswith("/static"):
            response = ask(node, filled(node, rule))
            assert response.status_code < 500, rule.rule
            if response.status_code == 200:
                shown.add(rule.rule)

    assert shown | {"/sign-in"} == PUBLIC


def test_without_a_session_or_a_key_nothing_can_be_changed(node):
    for rule in node.url_map.iter_rules():
        for method in set(rule.methods) & {"POST", "PUT", "PATCH", "DELETE"}:
            status = ask(node, filled(node, rule), method=method).status_code
            assert status in {302, 303, 400, 401, 403, 404, 405, 422}, (rule.rule, method, status)


def test_every_route_of_the_api_declares_its_scope(node):
    routes = list(api_routes(node))

    assert len(routes) >= 8
    assert [path for path, operation, _ in routes if not (operation and operation.scope)] == []


@pytest.mark.parametrize("method", METHODS)
def test_below_v1_nobody_gets_in_without_a_key(node, method):
    for path, _, _ in api_routes(node):
        response = ask(node, path, method=method)
        assert response.status_code == 401, (path, method)
        assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("kind", ["peer", "app"])
@pytest.mark.parametrize("scope", SCOPES)
def test_one_scope_opens_what_declares_it_and_nothing_else(node, kind, scope):
    key = issue(node, scope, kind=kind)
    for path, operation, allowed in api_routes(node):
        for method in METHODS:
            status = ask(node, path, key, method=method).status_code
            if method not in allowed:
                assert status == 405, (path, method)
            elif operation.scope == scope:
                assert 200 <= status < 300 or status == 404, (path, method)
            else:
                assert status == 403, (path, method)


def test_what_is_not_granted_looks_like_what_is_not_there(node):
    key = issue(node, *SCOPES, libraries=())
    for path, _, _ in api_routes(node):
        there = ask(node, path, key)
        if str(node.work.id) in path or str(node.video.id) in path:
            absent = ask(
                node,
                path.replace(str(node.work.id), UNKNOWN).replace(str(node.video.id), UNKNOWN),
                key,
            )
            assert there.status_code == absent.status_code == 404
            assert there.get_json()["detail"] == absent.get_json()["detail"]


def test_a_key_in_the_query_opens_nothing(node):
    key = issue(node, *SCOPES, kind="app")
    for path, _, _ in api_routes(node):
        for name in ("api_key", "key", "token", "access_token"):
            assert ask(node, path, query_string={name: key}).status_code == 400


def test_an_unknown_route_is_a_problem_below_the_api_and_a_page_elsewhere(node):
    assert ask(node, "/api/nothing").content_type == "application/problem+json"
    assert ask(node, "/nothing").mimetype == "text/html"
