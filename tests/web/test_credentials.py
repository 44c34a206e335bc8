import pytest

from domain.people import Role, User

PATH = "/api/v1/ping"


@pytest.fixture
def key(home):
    return home.key("read", "stream", "metadata", libraries=[home.shelf()])


def person(home, role=Role.ADMIN, active=True):
    return User(
        id=home.new_id(), username="ann", email="ann@example.org", password_hash="", role=role,
        created_at=home.clock.now(), active=active,
    )  # fmt: skip


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR", "Bearer  "])
def test_the_scheme_is_read_in_any_case(home, key, scheme):
    response = home.get(PATH, headers={"Authorization": f"{scheme} {key}"})

    assert response.status_code == 200


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer nonsense", "Bearer vlr_peer_short", "Token x"],
)
def test_what_is_no_key_is_not_authenticated(home, authorization):
    response = home.get(PATH, headers={"Authorization": authorization})

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_nothing_at_all_is_not_authenticated(home):
    for path in (PATH, "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/changes"):
        for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
            response = home.get(path, method=method)
            assert response.status_code == 401, (path, method)
            assert response.headers["WWW-Authenticate"] == "Bearer"


def test_a_mistyped_key_is_refused(home, key):
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")

    assert home.get(PATH, wrong).status_code == 401


def test_unknown_revoked_and_expired_keys_look_the_same(home, make_node):
    revoked, revoked_text = home.issue("read")
    home.revoke(revoked)
    expired = home.key("read", expires_hours=1)
    home.clock.forward(hours=2)
    unknown = "vlr_peer_" + "0" * 43 + "00gIWV"

    bodies = [home.get(PATH, text).get_json() for text in (revoked_text, expired, unknown)]

    assert {body["status"] for body in bodies} == {401}
    assert len({body["detail"] for body in bodies}) == 1


def test_x_api_key_is_for_clients_only(home, key):
    assert home.get(PATH, headers={"X-API-Key": key}).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Bearer {k}"), ("X-API-Key", "{k}")],
        [("Authorization", "Bearer {k}"), ("Authorization", "Bearer {k}")],
        [("Authorization", "Bearer {k}, Bearer {k}")],
        [("X-API-Key", "{k}"), ("X-API-Key", "{k}")],
    ],
)
def test_two_credentials_are_one_too_many(home, key, headers):
    joined = {}
    for name, value in headers:  # as WSGI servers hand them on
        text = value.format(k=key)
        joined[name] = f"{joined[name]},{text}" if name in joined else text

    assert home.get(PATH, headers=joined).status_code == 400


def test_a_key_beside_a_session_is_one_too_many(home, key):
    home.signed_in = person(home)

    assert home.get(PATH, key).status_code == 400


@pytest.mark.parametrize(
    "name", ["key", "api_key", "apikey", "token", "access_token", "API_KEY", "x"]
)
def test_a_key_in_the_query_is_never_accepted(home, key, name):
    alone = home.get(PATH, query_string={name: key})
    beside = home.get(PATH, key, query_string={name: key})

    assert (alone.status_code, beside.status_code) == (401, 400)
    assert key not in alone.text


def test_a_key_in_a_cookie_or_a_form_is_never_accepted(home, key):
    home.client.set_cookie("Authorization", f"Bearer {key}")
    home.client.set_cookie("api_key", key)

    assert home.get(PATH).status_code == 401
    assert home.get(PATH, method="POST", data={"api_key": key}).status_code == 401


def test_a_missing_scope_is_forbidden(home):
    shelf = home.shelf()
    film = home.film(shelf, "Metropolis")
    path = f"/api/v1/videos/{film.video.id}/thumbnail"

    assert home.get(path, home.key("read", libraries=[shelf])).status_code == 403
    assert home.get(PATH, home.key("stream", libraries=[shelf])).status_code == 403
    assert home.get(PATH, home.key("metadata", libraries=[shelf])).status_code == 403


def test_a_suspended_peer_is_refused_and_resumes(home, key):
    assert home.get(PATH, key).status_code == 200
    with home.unit_of_work() as tx:
        (connection,) = tx.connections.all()
        connection.suspend(at=home.clock.now())
        tx.connections.save(connection)
        tx.commit()

    response = home.get(PATH, key)

    assert response.status_code == 403
    assert "suspended" in response.get_json()["error"]


def test_a_refused_peer_leaves_a_note(home, key):
    home.get(PATH, key)
    with home.unit_of_work() as tx:
        (connection,) = tx.connections.all()
        connection.suspend(at=home.clock.now())
        tx.connections.save(connection)
        tx.commit()
    home.get(PATH, key)

    last = list(home.audit_reader.iter_chain())[-1].entry
    assert (last.action, last.target, last.result) == ("api.refused", PATH, "connection.inactive")
    assert last.actor.startswith("key:vlr_peer_")
    assert key not in last.actor


def test_an_admin_reads_with_a_session(home):
    shelf = home.shelf()
    home.film(shelf, "Metropolis")
    home.signed_in = person(home)

    assert home.get("/api/v1/works").get_json()["pagination"]["total_count"] == 1
    assert home.get("/api/v1/works", method="POST").status_code == 403


def test_others_do_not_read_with_a_session(home):
    home.signed_in = person(home, Role.USER)
    assert home.get(PATH).status_code == 403

    home.signed_in = person(home, active=False)
    assert home.get(PATH).status_code == 401


def test_a_route_without_a_declared_scope_is_open_to_nobody(make_node):
    node = make_node()
    node.app.add_url_rule("/api/v1/forgotten", view_func=lambda: "secret")

    response = node.get("/api/v1/forgotten", node.key("read", "stream", "metadata"))

    assert response.status_code == 403
    assert "secret" not in response.text


def address_seen(node, remote, forwarded=None):
    key = node.key("read", kind="app", networks=["198.51.100.7/32"])
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    response = node.get(PATH, key, headers=headers, environ_base={"REMOTE_ADDR": remote})
    return response.status_code == 200


def test_a_forwarded_address_counts_only_from_a_trusted_proxy(make_node):
    open_node = make_node()
    behind_proxy = make_node(trusted_proxies=("10.0.0.0/8",))

    assert address_seen(open_node, "198.51.100.7")
    assert not address_seen(open_node, "203.0.113.9", "198.51.100.7")
    assert address_seen(behind_proxy, "10.0.0.1", "198.51.100.7")
    assert address_seen(behind_proxy, "10.0.0.1", "192.0.2.1, 198.51.100.7, 10.9.9.9")
    assert not address_seen(behind_proxy, "10.0.0.1", "198.51.100.7, 203.0.113.9")
    assert not address_seen(behind_proxy, "203.0.113.9", "198.51.100.7")
    assert not address_seen(behind_proxy, "10.0.0.1", "198.51.100.7, rubbish")


def test_every_access_of_a_peer_leaves_a_note(home):
    shelf = home.shelf()
    key = home.key("read", libraries=[shelf], name="north")
    home.get("/api/v1/works", key, environ_base={"REMOTE_ADDR": "192.0.2.4"})
    home.get("/api/v1/videos/search?query=secret", key)
    home.get(f"/api/v1/videos/{home.new_id()}/thumbnail", key)

    notes = [
        row.entry for row in home.audit_reader.iter_chain() if row.entry.action.startswith("api.")
    ]

    assert [note.action for note in notes] == ["api.read", "api.search", "api.thumbnail"]
    assert notes[0].actor == "peer:north"
    assert (notes[0].target, notes[0].address) == ("/api/v1/works", "192.0.2.4")
    assert [note.result for note in notes] == ["ok", "ok", "scope.missing"]
    assert "secret" not in notes[1].target


def test_reading_by_a_program_of_this_node_is_no_federated_access(home):
    home.get("/api/v1/works", home.key("read", kind="app"))

    assert not [r for r in home.audit_reader.iter_chain() if r.entry.action.startswith("api.")]
