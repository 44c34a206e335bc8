"""Every route of the area, every method, every kind of caller; tokens that are not quite right."""

import json
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from adapters.crypto.tokens import AUDIENCE, TYPE
from domain.federation.audit import CLI
from domain.resources.roles import ResourceRole
from tests.web.resources.conftest import API, PASSWORD, ResourceNode

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
ROLES = [role.label for role in ResourceRole]
READERS = set(ROLES) - {"NONE"}
UPLOADERS = {"ResourceUploader", "Admin", "ApiAdmin"}
EVERYBODY = set(ROLES)
# (method, path) -> roles that get past the door; everything else of the area is closed.
OPEN = {
    ("GET", "/users/current"): EVERYBODY,
    ("POST", "/resources/check"): EVERYBODY,
    ("GET", "/resources/cdn?folder=Models&name=a.bin"): READERS,
    ("GET", "/resources/cdn?folder=Models&name=a.bin&purpose=write&length=10"): UPLOADERS,
    ("GET", "/resources/list/Models"): READERS,
    ("POST", "/resources/get/Models"): READERS,
    ("POST", "/resources/Models"): UPLOADERS,
}


def rules(node):
    return [rule for rule in node.app.url_map.iter_rules() if rule.rule.startswith(API)]


def test_the_table_above_knows_every_route(node):
    listed = {path.partition("?")[0].replace("Models", "<folder>") for _, path in OPEN}
    found = {rule.rule.removeprefix(API) for rule in rules(node)}
    assert found == listed | {"/login"}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_gets_what_it_may_and_nothing_else(node, role):
    person = node.signed_in("olaf", role, check=False)
    for path in {path for _, path in OPEN}:
        for method in METHODS:
            status = person.ask(method, path, json={}).status_code
            allowed = OPEN.get(("GET" if method == "HEAD" else method, path))
            if (method, path[:14]) == ("POST", "/resources/cdn"):
                allowed = UPLOADERS  # there a folder of that name would be uploaded to
            if allowed is None:
                assert status in {200, 405}, (method, path)  # OPTIONS says which methods there are
                assert status == 405 or method == "OPTIONS", (method, path)
            elif role in allowed:
                assert status not in {401, 403, 405}, (method, path)
            else:
                assert status == 403, (method, path)


@pytest.mark.parametrize("credential", [None, "Bearer", "Bearer x", "Basic b2xhZg==", "Bearer a.b.c", "Bearer " + "x" * 9000])  # fmt: skip
def test_without_a_good_token_there_is_nothing(node, credential):
    person = node.signed_in("olaf", "ApiAdmin", check=False)
    headers = {} if credential is None else {"Authorization": credential}
    paths = {path for _, path in OPEN} | {"/nowhere", "", "/", "/resources", "/login/"}
    for path in paths:
        for method in METHODS:
            answer = person.http.open(API + path, method=method, headers=headers, json={})
            assert answer.status_code == 401, (method, path)
            assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert person.http.get(f"{API}/login", headers=headers).status_code == 401


def test_an_api_key_a_session_and_a_token_in_the_address_open_nothing(node):
    person = node.signed_in("olaf", "ApiAdmin", check=False)
    key = node.container.issue_key()(
        name="app", kind="app", scopes=["read"], libraries=[], actor=CLI
    )[1]
    by_key = person.http.get(f"{API}/users/current", headers={"Authorization": f"Bearer {key}"})
    assert by_key.status_code == 401
    in_address = person.http.get(f"{API}/users/current?access_token={person.token}")
    assert in_address.status_code == 400
    two = {"Authorization": f"Bearer {person.token}, Bearer {person.token}"}
    assert person.http.get(f"{API}/users/current", headers=two).status_code == 400


def test_a_token_opens_nothing_else_of_the_node(node):
    person = node.signed_in("olaf", "ApiAdmin", check=False)
    headers = {"Authorization": f"Bearer {person.token}"}
    assert person.http.get("/api/v1/works", headers=headers).status_code == 401
    assert person.http.get("/admin/resources", headers=headers).status_code == 302


def test_a_folder_that_was_not_granted_looks_like_one_that_does_not_exist(node):
    node.make_folder("Secret")
    person = node.signed_in("olaf", "ApiAdmin")

    def answers(folder):
        query = {"folder": folder, "name": "a.bin"}
        yield person.ask("GET", f"/resources/list/{folder}")
        yield person.deliver(folder, "a.bin")
        yield person.ask("GET", "/resources/cdn", query_string=query)
        yield person.plan(folder, "a.bin", 10)

    def bare(answer, folder):
        said = answer.get_json()
        del said["request_id"]
        return json.dumps(said).replace(folder, "?")

    for secret, nowhere in zip(answers("Secret"), answers("Nowhere"), strict=True):
        assert secret.status_code == nowhere.status_code == 403
        assert bare(secret, "Secret") == bare(nowhere, "Nowhere")


def test_off_means_that_nothing_is_there(make_node):
    node = make_node(RESOURCES_ENABLED="false")
    client = node.app.test_client()
    paths = {path for _, path in OPEN} | {"/login", "/nowhere"}
    for path in paths:
        for method in ("GET", "POST", "PUT", "OPTIONS"):
            answer = client.open(API + path, method=method, json={})
            assert answer.status_code == 404, (method, path)
            assert answer.mimetype == "application/problem+json"
    assert client.get("/cdn/AAAA/1.big").status_code == 404
    assert "/resource-api" not in client.get("/api/openapi.json").text


# -- tokens


def claims(person):
    return jwt.decode(person.token, options={"verify_signature": False})


def pem(node):
    return (node.data_dir / "keys" / "identity.pem").read_bytes()


def forge(person, *, key=None, algorithm="EdDSA", header=None, **changes):
    """Return the person's token with changes, signed by the node's own key unless told."""
    node = person.node
    kid = node.container.identity().public_jwk()["kid"]
    payload = {k: v for k, v in (claims(person) | changes).items() if v is not None}
    headers = {"typ": TYPE, "kid": kid} | (header or {})
    return jwt.encode(payload, pem(node) if key is None else key, algorithm=algorithm, headers=headers)  # fmt: skip


def is_let_in(person, token):
    answer = person.http.get(f"{API}/users/current", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code in {200, 401}
    return answer.status_code == 200


@pytest.fixture
def olaf(node):
    return node.signed_in("olaf", "Operator", check=False)


def test_a_token_says_what_was_agreed(node, olaf):
    said, header = claims(olaf), jwt.get_unverified_header(olaf.token)

    assert header == {
        "alg": "EdDSA", "typ": "velour-access+jwt",
        "kid": node.container.identity().public_jwk()["kid"],
    }  # fmt: skip
    assert said["nameid"] == said["sub"] == str(node.person("olaf").id)
    assert (said["unique_name"], said["role"]) == ("olaf@example.org", "Operator")
    assert (said["iss"], said["aud"]) == (node.container.identity().instance_id, AUDIENCE)
    assert said["exp"] - said["iat"] == 4 * 3600
    assert is_let_in(olaf, forge(olaf)), "the forger below works"


def test_each_token_has_an_id_of_its_own(node, olaf):
    first = claims(olaf)["jti"]
    olaf.login()
    assert claims(olaf)["jti"] != first


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "velour-hub"}, {"aud": [AUDIENCE, "other"]}, {"aud": None}, {"iss": "elsewhere"},
        {"iss": None}, {"exp": None}, {"exp": 1}, {"exp": "soon"}, {"exp": True}, {"exp": 10**30}, {"nbf": 2**33},
        {"iat": 2**33}, {"jti": None}, {"sub": None}, {"nameid": "019a0000-0000-7000-8000-000000000000"},
        {"nameid": None}, {"ver": None}, {"ver": "9.9"}, {"ver": 1}, {"sub": "x", "nameid": "x"},
        {"sub": "019a0000-0000-7000-8000-000000000000", "nameid": "019a0000-0000-7000-8000-000000000000"},
    ],
    ids=str,
)  # fmt: skip
def test_a_claim_that_is_wrong_ends_it(olaf, changes):
    assert not is_let_in(olaf, forge(olaf, **changes))


@pytest.mark.parametrize(
    "header",
    [
        {"typ": "JWT"}, {"typ": None}, {"kid": "other"}, {"kid": ""}, {"kid": "../../keys/session.key"},
        {"crit": ["exp"]}, {"jku": "https://evil.example/jwks.json"}, {"x5u": "https://evil.example"},
        {"jwk": {"kty": "OKP"}},
    ],
    ids=str,
)  # fmt: skip
def test_a_header_that_is_wrong_ends_it(olaf, header):
    assert not is_let_in(olaf, forge(olaf, header=header))


def test_swapped_algorithms_and_other_keys_end_it(node, olaf):
    public = node.container.identity().public_jwk()["x"]
    raw = Ed25519PrivateKey.generate()
    forged = [
        forge(olaf, key=raw),
        forge(olaf, key="", algorithm="none"),
        forge(olaf, key=public.ljust(32, "="), algorithm="HS256"),
        forge(olaf, key=raw.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw), algorithm="HS256"),
    ]  # fmt: skip
    head, body, signature = olaf.token.split(".")
    flipped = ("B" if signature[0] != "B" else "C") + signature[1:]
    not_canonical = signature[:-1] + {"A": "B", "Q": "R", "g": "h", "w": "x"}[signature[-1]]
    forged += [f"{head}.{body}.", f"{head}.{body}", f"{head}..{signature}"]
    forged += [f"{head}.{body}.{one}" for one in (flipped, not_canonical, signature + "=")]
    for token in forged:
        assert not is_let_in(olaf, token), token


def test_a_token_of_another_node_is_worth_nothing(node, olaf, tmp_path):
    other = ResourceNode(tmp_path / "other")
    try:
        other.make_user("olaf")
        other.make_folder()
        stranger = other.signed_in("olaf", "ApiAdmin", check=False)
        assert not is_let_in(olaf, stranger.token)
    finally:
        other.close()


def test_a_token_ends_after_four_hours_and_a_minute(node, olaf):
    node.clock.ahead += timedelta(hours=4, seconds=30)
    assert is_let_in(olaf, olaf.token)
    node.clock.ahead += timedelta(seconds=60)
    assert not is_let_in(olaf, olaf.token)


def end_by_password(node, user):
    node.container.change_password()(user_id=user.id, password="another sentence", actor=CLI)


def end_by_deactivation(node, user):
    node.container.deactivate()(user_id=user.id, actor=CLI)


def end_by_role(node, user):
    node.container.set_resource_role()(user_id=user.id, role="Validator", actor=CLI)


def end_by_grant_with_another_role(node, user):
    node.grant("olaf", "Admin")


def end_by_removal(node, user):
    with node.container.unit_of_work() as tx:
        tx.users.remove(user.id)
        tx.commit()


@pytest.mark.parametrize("end", [end_by_password, end_by_deactivation, end_by_role, end_by_grant_with_another_role, end_by_removal])  # fmt: skip
def test_a_token_ends_at_once_with_what_it_stands_for(node, olaf, end):
    assert is_let_in(olaf, olaf.token)
    end(node, node.person("olaf"))
    assert not is_let_in(olaf, olaf.token)


def test_letting_somebody_in_again_does_not_revive_old_tokens(node, olaf):
    user = node.person("olaf")
    node.container.deactivate()(user_id=user.id, actor=CLI)
    node.container.deactivate()(user_id=user.id, actor=CLI, active=True)
    assert not is_let_in(olaf, olaf.token)


# -- signing in


def test_unknown_wrong_and_switched_off_look_alike(node, olaf):
    node.make_user("otto")
    node.container.deactivate()(user_id=node.person("otto").id, actor=CLI)

    def refused(email, password):
        answer = olaf.http.post(f"{API}/login", json={"email": email, "password": password})
        said = answer.get_json()
        del said["request_id"]
        return answer.status_code, said

    wrong = refused("olaf@example.org", "wrong horse battery")
    assert wrong[0] == 401
    assert wrong[1]["code"] == "sign-in.refused"
    assert refused("nobody@example.org", PASSWORD) == wrong
    assert refused("otto@example.org", PASSWORD) == wrong
    assert refused("olaf@example.org", "") == wrong


def test_unknown_and_wrong_cost_the_same_hashing(node, monkeypatch):
    node.make_user("olaf")
    hasher, verified = node.container.hasher(), []
    verify = type(hasher).verify

    def counting(self, encoded, password):
        verified.append((bool(encoded), password))
        return verify(self, encoded, password)

    monkeypatch.setattr(type(hasher), "verify", counting)
    for email in ("olaf@example.org", "nobody@example.org"):
        node.app.test_client().post(f"{API}/login", json={"email": email, "password": "wrong one"})

    # An empty hash takes as long as a real one: tests/unit/test_crypto.py.
    assert verified == [(True, "wrong one"), (False, "wrong one")]


def test_guessing_is_slowed_down_for_account_and_address(make_node):
    node = make_node(VELOUR__LIMITS__ENABLED="true")
    node.make_user("olaf")
    http = node.app.test_client()

    def login(email, password="wrong horse battery"):
        return http.post(f"{API}/login", json={"email": email, "password": password})

    assert [login("olaf@example.org").status_code for _ in range(6)] == [401] * 5 + [429]
    right = login("olaf@example.org", PASSWORD)
    assert right.status_code == 429
    assert int(right.headers["Retry-After"]) > 0
    assert login("someone@example.org").status_code == 429


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422), ({"email": "a"}, 422), ({"email": "a", "password": "b", "more": 1}, 422),
        ({"email": 1, "password": "b"}, 422), ([], 422), ({"email": "x" * 300, "password": "b"}, 422),
        ({"email": "a", "password": "x" * 5000}, 422), ({"email": ["a"], "password": None}, 422),
    ],
    ids=lambda v: str(v)[:40],
)  # fmt: skip
def test_a_login_that_cannot_be_read(node, body, status):
    answer = node.app.test_client().post(f"{API}/login", json=body)
    assert answer.status_code == status
    assert "x" * 100 not in answer.text


def test_a_login_in_another_form(node):
    http = node.app.test_client()
    assert http.post(f"{API}/login", data="x=1").status_code == 415
    assert http.post(f"{API}/login", data="{", content_type="application/json").status_code == 400
    big = "x" * (2 * 1024 * 1024)
    assert http.post(f"{API}/login", json={"email": big, "password": "b"}).status_code == 413
