"""Every route below /api/v1, every method, every kind of caller: only what is declared is open."""

import pytest

from app.api.openapi import declared_routes
from domain.federation.api_key import Scope
from domain.people import Role, User

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
SCOPES = tuple(scope.value for scope in Scope)


@pytest.fixture
def film(home):
    return home.film(home.shelf(), "Metropolis")


def routes(home, film):
    """Return every path of the API with real ids: method -> declared operation or None."""
    declared = {d.rule.endpoint: d.operation for d in declared_routes(home.app)}
    found = {}
    for rule in home.app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1"):
            path = rule.rule.replace("<uuid:work_id>", str(film.work.id))
            path = path.replace("<uuid:video_id>", str(film.video.id))
            assert "<" not in path, "teach this test the new parameter"
            for method in rule.methods:
                found.setdefault(path, {}).setdefault(method, declared.get(rule.endpoint))
    return found


def answers(home, film, **request):
    for path, operations in routes(home, film).items():
        for method in METHODS:
            status = home.get(path, method=method, **request).status_code
            yield path, method, method in operations, operations.get(method), status


def test_every_route_declares_its_scope(home, film):
    assert [
        (path, method)
        for path, operations in routes(home, film).items()
        for method, operation in operations.items()
        if not (operation and operation.scope)
    ] == []


def unknown(home):
    return "vlr_peer_" + "0" * 49


def expired(home):
    key = home.key(*SCOPES, expires_hours=1)
    home.clock.forward(hours=2)
    return key


def revoked(home):
    key, text = home.issue(*SCOPES)
    home.revoke(key)
    return text


@pytest.mark.parametrize("make_key", [None, unknown, expired, revoked], ids=str)
def test_without_a_good_key_there_is_nothing(home, film, make_key):
    key = make_key(home) if make_key else None
    for path, method, _, _, status in answers(home, film, key=key):
        assert status == 401, (path, method)


@pytest.mark.parametrize("kind", ["peer", "app"])
@pytest.mark.parametrize("scope", SCOPES)
def test_one_scope_opens_what_declares_it_and_nothing_else(home, film, kind, scope):
    with home.read_only() as tx:
        libraries = [library.name for library in tx.libraries.all()]
    assert libraries
    key = home.key(scope, kind=kind, library_names=libraries)
    for path, method, allowed, operation, status in answers(home, film, key=key):
        if not allowed:
            assert status == 405, (path, method)
        elif operation.writes:
            assert status == 403, (path, method)
        elif operation.scope == scope:
            assert 200 <= status < 300 or status == 404, (path, method)
        else:
            assert status == 403, (path, method)


def test_a_peer_without_the_library_learns_nothing_by_id(home, film):
    key = home.key(*SCOPES)
    for path, method, allowed, operation, status in answers(home, film, key=key):
        names_it = str(film.work.id) in path or str(film.video.id) in path
        if allowed and names_it and method != "OPTIONS" and not operation.writes:
            assert status == 404, (path, method)


def test_a_suspended_peer_is_refused_everywhere(home, film):
    key = home.key(*SCOPES)
    home.get("/api/v1/ping", key)
    with home.unit_of_work() as tx:
        (connection,) = tx.connections.all()
        connection.suspend(at=home.clock.now())
        tx.connections.save(connection)
        tx.commit()

    assert {status for *_, status in answers(home, film, key=key)} == {403}


def sign_in(home, role):
    home.signed_in = User(
        id=home.new_id(), username="ann", email="ann@example.org", password_hash="", role=role,
        created_at=home.clock.now(),
    )  # fmt: skip


def test_the_session_of_an_admin_only_reads_where_no_tokens_are_checked(home, film):
    sign_in(home, Role.ADMIN)
    for path, method, _, _, status in answers(home, film):
        if method in {"GET", "HEAD"}:
            assert 200 <= status < 300 or status == 404, (path, method)
        else:
            assert status == 403, (path, method)


def test_the_session_of_a_user_opens_nothing(home, film):
    sign_in(home, Role.USER)

    assert {status for *_, status in answers(home, film)} == {403}


def test_a_key_in_the_query_opens_nothing(home, film):
    key = home.key(*SCOPES, kind="app")
    for path, method, _, _, status in answers(home, film, query_string={"api_key": key}):
        assert status == 401, (path, method)
