"""What a new version has to be: checked to the last byte before any reader sees it."""

import io
import json
import os

import pytest

from domain.resources.manifest import Manifest
from tests.web.resources.conftest import WRAP, text

CONTENT = bytes(range(256)) * 30


@pytest.fixture
def uma(node):
    return node.signed_in("uma", "ResourceUploader")


def prepared(person, name="a.bin", content=CONTENT, store=True, **plan):
    """Return a sealed file whose big part is in the CDN."""
    first = person.plan("Models", name, 1, **plan).get_json()
    sealed = person.seal(content, first, "Models", name)
    if store:
        asked = person.plan("Models", name, len(sealed.big), version=first["version"]).get_json()
        assert person.store(asked, sealed.big).status_code == 201
    return sealed


def changed(sealed, **fields):
    return json.dumps({**sealed.manifest.fields(), **fields})


def versions(node):
    with node.container.read_only() as tx:
        return [stored.number for _, stored in tx.resources.versions()]


def test_a_version_without_its_big_part_is_refused(node, uma):
    answer = uma.publish("Models", prepared(uma, store=False))

    assert (answer.status_code, answer.get_json()["code"]) == (409, "resource.big-part-missing")
    assert versions(node) == []


@pytest.mark.parametrize("damage", [lambda big: big[:-1], lambda big: big + b"x", lambda big: bytes([big[0] ^ 1]) + big[1:], lambda big: big[:-1] + bytes([big[-1] ^ 1])])  # fmt: skip
def test_a_big_part_of_another_length_or_digest_is_refused(node, uma, damage):
    sealed = prepared(uma, store=False)
    big = damage(sealed.big)
    assert uma.store(uma.plan("Models", "a.bin", len(big)).get_json(), big).status_code == 201

    answer = uma.publish("Models", sealed)

    assert (answer.status_code, answer.get_json()["code"]) == (409, "resource.big-part-differs")
    assert versions(node) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"folder": "Other"}, "manifest"), ({"version": 0}, "version"), ({"version": "1"}, "version"),
        ({"version": True}, "version"), ({"version": 2**63}, "version"), ({"key_id": 77}, "key_id"),
        ({"plaintext_size": 1}, "small_size"), ({"plaintext_size": -1}, "plaintext_size"),
        ({"small_size": 5}, "small_size"), ({"big_size": 5}, "big_size"), ({"chunk_count": 99}, "chunk_count"),
        ({"small_sha256": "0" * 64}, "small"), ({"small_sha256": "xyz"}, "small_sha256"), ({"more": 1}, "more"),
        ({"name": "../a"}, "name"), ({"name": "a/b"}, "name"), ({"name": "a%2fb"}, "name"),
        ({"resource_id": "1"}, "resource_id"), ({"created_at": "now"}, "created_at"),
    ],
    ids=str,
)  # fmt: skip
def test_a_manifest_that_does_not_fit_is_refused_by_its_field(node, uma, fields, field):
    sealed = prepared(uma)

    answer = uma.publish("Models", sealed, manifest=changed(sealed, **fields))

    assert answer.status_code == 422, answer.text
    assert answer.get_json()["errors"][0]["field"] == field
    assert versions(node) == []


def test_a_manifest_of_another_resource_is_refused(node, uma):
    sealed = prepared(uma)
    other = "019a0000-0000-7000-8000-000000000000"

    answer = uma.publish("Models", sealed, manifest=changed(sealed, resource_id=other))

    assert (answer.status_code, answer.get_json()["code"]) == (409, "resource.id-differs")
    assert versions(node) == []


@pytest.mark.parametrize("text_", ["", "{", "[]", "null", "[" * 100_000, '"x"', "1e999", '{"a": NaN}'], ids=lambda t: t[:8])  # fmt: skip
def test_a_manifest_that_is_no_manifest(node, uma, text_):
    sealed = prepared(uma)
    assert uma.publish("Models", sealed, manifest=text_).status_code in {400, 413, 422}
    assert versions(node) == []


def test_a_key_that_is_not_the_one_is_refused(node, uma):
    sealed = prepared(uma)
    wrong = type(sealed)(sealed.manifest, sealed.small, sealed.big, os.urandom(32))
    answer = uma.publish("Models", wrong)
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, "small")

    for data_key in ("", "!!", text(b"x" * 61), text(os.urandom(60))):
        answer = uma.publish("Models", sealed, data_key=data_key)
        assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, "data_key")
    uma.private_key, kept = WRAP.new_private_key(), uma.private_key
    assert uma.publish("Models", sealed).status_code == 422
    uma.private_key = kept
    assert versions(node) == []
    assert uma.publish("Models", sealed).status_code == 200


def test_a_small_part_that_is_not_the_one_is_refused(node, uma):
    sealed = prepared(uma)
    for small in (b"", sealed.small[:-1], sealed.small + b"x", b"\0" * len(sealed.small)):
        answer = uma.publish("Models", sealed, small=(io.BytesIO(small), "small"))
        assert answer.status_code == 422
    assert versions(node) == []


def test_a_form_has_its_fields_once_and_no_others(node, uma):
    sealed = prepared(uma)
    for changes in ({"small": None}, {"manifest": None}, {"data_key": None}, {"more": "x"}, {"device": ["a", "a"]}, {"small": "text"}):  # fmt: skip
        assert uma.publish("Models", sealed, **changes).status_code == 400, changes
    assert uma.publish("Models", sealed, device="x").status_code == 422
    stranger = "019a0000-0000-7000-8000-000000000000"
    assert uma.publish("Models", sealed, device=stranger).status_code == 404
    assert uma.ask("POST", "/resources/Models", json={}).status_code == 400
    assert versions(node) == []
    assert uma.publish("Models", sealed, device=None).status_code == 200


def test_a_form_that_is_too_large_is_refused_before_it_is_read(node, uma):
    sealed = prepared(uma)
    large, kind = b"x" * (5 * 1024 * 1024), "multipart/form-data; boundary=x"
    answer = uma.ask("POST", "/resources/Models", data=large, headers={"Content-Type": kind})
    assert answer.status_code == 413
    assert uma.publish("Models", sealed, data_key="x" * 300_000).status_code == 413
    many = {f"f{i}": "x" for i in range(50)}
    assert uma.publish("Models", sealed, **many).status_code == 413
    assert versions(node) == []


@pytest.mark.parametrize("version", [1, 2])
def test_an_older_or_the_same_version_is_refused(node, uma, version):
    uma.upload("Models", "a.bin", b"one")
    uma.upload("Models", "a.bin", b"two", version=2)

    answer = uma.plan("Models", "a.bin", 10, version=version)

    assert (answer.status_code, answer.get_json()["code"]) == (409, "resource.version-not-newer")
    sealed = uma.seal(CONTENT, {**uma.plan("Models", "a.bin", 10).get_json(), "version": version}, "Models", "a.bin")  # fmt: skip
    assert uma.publish("Models", sealed).status_code == 409
    assert versions(node) == [1, 2]
    assert uma.load("Models", "a.bin") == b"two"


def test_the_same_version_published_twice_is_published_once(node, uma):
    sealed = prepared(uma)
    assert uma.publish("Models", sealed).get_json() == {"version": 1}
    assert uma.publish("Models", sealed).get_json() == {"version": 1}

    assert versions(node) == [1]
    assert node.actions(10).count("resource.publish") == 1


def test_an_interrupted_upload_goes_on_with_the_plan_it_had(node, uma):
    sealed = prepared(uma)
    version, length = sealed.manifest.version, len(sealed.big)

    again = uma.plan("Models", "a.bin", length, version=version).get_json()

    assert (again["url"], again["parts"], again["complete"]) == (None, [], None), "it is there"
    assert again["resource_id"] == str(sealed.manifest.resource_id)
    other = uma.plan("Models", "a.bin", length + 1, version=version)
    assert (other.status_code, other.get_json()["code"]) == (409, "cdn.object-exists")
    assert uma.plan("Models", "a.bin", length).get_json()["version"] == version + 1
    assert uma.publish("Models", sealed).status_code == 200


def test_two_uploaders_of_one_version_make_one(node, uma):
    ulf = node.signed_in("ulf", "Admin")
    first, second = (one.plan("Models", "a.bin", 10).get_json() for one in (uma, ulf))
    assert (first["resource_id"], first["version"]) == (second["resource_id"], second["version"])
    sealed = [one.seal(CONTENT, plan, "Models", "a.bin") for one, plan in ((uma, first), (ulf, second))]  # fmt: skip
    plan = uma.plan("Models", "a.bin", len(sealed[0].big)).get_json()
    rival = ulf.plan("Models", "a.bin", len(sealed[1].big)).get_json()

    assert uma.store(plan, sealed[0].big).status_code == 201
    assert ulf.store(rival, sealed[1].big).status_code == 409
    assert ulf.publish("Models", sealed[1]).status_code == 409
    assert uma.publish("Models", sealed[0]).status_code == 200
    assert ulf.publish("Models", sealed[1]).status_code == 409
    assert ulf.load("Models", "a.bin") == CONTENT


def test_a_file_larger_than_allowed_is_refused(make_node):
    node = make_node(VELOUR__RESOURCES__MAX_SIZE_BYTES="5000")
    uma = node.signed_in("uma", "ResourceUploader")

    assert uma.plan("Models", "a.bin", 10_000).status_code == 422
    uma.upload("Models", "a.bin", b"x" * 5000)
    sealed = uma.seal(b"x" * 5001, uma.plan("Models", "b.bin", 10).get_json(), "Models", "b.bin")
    answer = uma.publish("Models", sealed)
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, "plaintext_size")


def test_manifests_are_fresh_whenever_they_are_asked_for(node, uma):
    uma.upload("Models", "a.bin", CONTENT)
    node.clock.ahead += node.container.deliver_resource().manifest_life * 3
    uma.login()

    manifest = Manifest.parse(uma.deliver("Models", "a.bin").get_json()["manifest"])

    manifest.require_fresh(node.clock.now())
    assert manifest.expires_at > node.clock.now()


HOSTILE = [
    "..", "../a", "a/../b", "..%2fa", "%2e%2e%2fa", "..%5ca", "..\\a", "a\0b", "%00", "a\nb", "/etc/passwd",
    "\u2025/a", "\uff0e\uff0e\uff0fa", "\u2215a", ".hidden", "a.", " a", "a ", "a..b", "CON", "x" * 129,
    "\u202egnp.exe", "a;b", "a|b", "$(id)", "<script>", "'; DROP TABLE resource;--", "a?b", "a#b", "a:b", "\ud800",
    "e\u0301" * 200, "~", "*", "",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=lambda n: ascii(n)[:30])
def test_hostile_names_lead_nowhere(node, uma, name):
    before = {p for p in node.data_dir.rglob("*") if "velour.db" not in p.name}
    quoted = "".join(f"%{byte:02X}" for byte in name.encode("utf-8", "surrogatepass"))
    answers = [
        uma.ask("GET", f"/resources/cdn?folder=Models&name={quoted}"),
        uma.ask("GET", f"/resources/cdn?folder=Models&name={quoted}&purpose=write&length=5"),
        uma.ask("GET", f"/resources/cdn?folder={quoted}&name=a"),
        uma.ask("GET", f"/resources/list/{quoted}"),
        uma.ask("POST", f"/resources/{quoted}", data={}),
        uma.ask("POST", f"/resources/get/{quoted}", json={"fileName": "a", "device": str(uma.device_id)}),
    ]  # fmt: skip
    if "\ud800" not in name:
        answers.append(uma.deliver("Models", name))
    for answer in answers:
        assert answer.status_code in {400, 403, 404, 405, 422}, (name, answer.request.path)
        assert answer.mimetype == "application/problem+json"
        assert str(node.data_dir) not in answer.text
    assert {p for p in node.data_dir.rglob("*") if "velour.db" not in p.name} == before


@pytest.mark.parametrize("name", ["engine v2.bin", "Modèle.bin", "模型.bin", "a-b_c.1"])
def test_names_of_people_work(node, uma, name):
    uma.upload("Models", name, b"content")
    assert uma.load("Models", name) == b"content"


def test_one_name_in_two_encodings_is_one_file(node, uma):
    uma.upload("Models", "é.bin", b"composed")
    assert uma.load("Models", "é.bin") == b"composed"
