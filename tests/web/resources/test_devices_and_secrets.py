"""Devices are bound once; keys are sealed where they lie; nothing secret is said or logged."""

import json
import os

import pytest

from domain.federation.audit import CLI
from tests.web.resources.conftest import PASSWORD, WRAP, data_of, hardware, text


@pytest.fixture
def olaf(node):
    return node.signed_in("olaf", "Operator")


def test_the_same_device_is_told_the_same_again(node, olaf):
    first = olaf.device_id
    assert olaf.check().status_code == 200
    assert olaf.device_id == first
    assert node.actions(10).count("device.bind") == 1


def test_a_device_that_changed_a_little_is_still_the_one(olaf):
    olaf.hardware |= {"memory": hardware("other")["memory"], "board_serial": None}
    assert olaf.check().status_code == 200
    olaf.hardware |= {"cpu": hardware("other")["cpu"]}
    assert olaf.check().status_code == 403


def test_a_copied_key_on_another_machine_is_refused_and_noted(node, olaf):
    thief = node.signed_in("olaf", seed="another machine", check=False)
    thief.private_key = olaf.private_key

    answer = thief.check()

    assert (answer.status_code, answer.get_json()["code"]) == (403, "device.mismatch")
    assert "device.check" in node.actions(3)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"public_key": text(bytes(32))}, "public_key"), ({"public_key": text(b"x" * 31)}, "public_key"),
        ({"public_key": "A"}, "public_key"), ({"public_key": "????"}, "device.public_key"),
        ({"fingerprint": {"cpu": "0" * 64}}, "fingerprint"), ({"fingerprint": {}}, "fingerprint"),
        ({"fingerprint": {**hardware(), "nose": "0" * 64}}, "nose"),
        ({"fingerprint": {**hardware(), "cpu": "i7"}}, "cpu"), ({"fingerprint": []}, "device.fingerprint"),
        ({"more": 1}, "device.more"),
    ],
    ids=str,
)  # fmt: skip
def test_a_device_that_cannot_be_told_is_refused(node, changes, field):
    olaf = node.signed_in("olaf", "Operator", check=False)
    answer = olaf.check(**changes)

    assert answer.status_code == 422
    assert answer.get_json()["errors"][0]["field"] == field
    with node.container.read_only() as tx:
        assert tx.devices.all() == []


def test_without_a_device_nothing_is_delivered(node, olaf):
    node.signed_in("uma", "ResourceUploader").upload("Models", "a.bin", b"x")
    with node.container.read_only() as tx:
        device = tx.devices.find_of(node.person("olaf").id)
    node.container.reset_device()(device_id=device.id, actor=CLI)

    answer = olaf.deliver("Models", "a.bin")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "device.not-found")


def add_master_key(node):
    (node.data_dir / "keys" / "box.2.key").write_text(os.urandom(32).hex())


def test_a_new_master_key_takes_over_and_the_old_one_can_go(make_node):
    node = make_node()
    uma = node.signed_in("uma", "ResourceUploader")
    uma.upload("Models", "a.bin", b"before")
    add_master_key(node)
    node.close()

    with_both = make_node()
    uma.node, uma.http = with_both, with_both.app.test_client()
    assert uma.load("Models", "a.bin") == b"before", "devices go on with the key they know"
    old = uma.server_key
    uma.check()
    assert uma.server_key != old
    uma.upload("Models", "b.bin", b"after")
    assert uma.deliver("Models", "b.bin").get_json()["key_id"] == 2
    assert uma.load("Models", "a.bin") == b"before"
    assert with_both.container.reseal_keys()(actor=CLI) == 2
    with with_both.container.read_only() as tx:
        assert {stored.sealed_key[0] for _, stored in tx.resources.versions()} == {2}
    with_both.close()

    keys = with_both.data_dir / "keys"
    (keys / "box.2.key").rename(keys / "kept")
    (keys / "box.key").write_text(os.urandom(32).hex())
    (keys / "kept").rename(keys / "box.2.key")
    alone = make_node()
    uma.node, uma.http = alone, alone.app.test_client()
    assert uma.load("Models", "a.bin") == b"before"


def test_nothing_secret_lies_in_the_database_or_the_cdn(node, olaf):
    uma = node.signed_in("uma", "ResourceUploader")
    sealed = uma.upload("Models", "a.bin", b"plain words of the file" * 100)
    olaf.load("Models", "a.bin")
    node.container.engine().dispose()

    kept = b"".join(
        path.read_bytes()
        for path in node.data_dir.rglob("*")
        if path.is_file() and path.parent.name != "keys"
    )
    for secret in (
        sealed.data_key, sealed.data_key.hex().encode(), text(sealed.data_key).encode(),
        b"plain words of the file", olaf.token.encode(), olaf.private_key, PASSWORD.encode(),
    ):  # fmt: skip
        assert secret not in kept


def test_nothing_secret_is_logged_or_said(node, capsys):
    uma = node.signed_in("uma", "ResourceUploader")
    uma.upload("Models", "a.bin", b"content" * 500)
    said = uma.deliver("Models", "a.bin").get_json()
    address = uma.address("Models", "a.bin").get_json()["url"]
    uma.fetch(address)
    uma.fetch(address[:-20])
    sealed = uma.seal(b"b", uma.plan("Models", "b.bin", 9).get_json(), "Models", "b.bin")
    refused = [
        uma.login("wrong sentence of mine"),
        uma.publish("Models", sealed, data_key=text(sealed.data_key)),
        uma.ask("GET", f"/users/current?token={uma.token}"),
        uma.ask("GET", "/nowhere"),
        uma.ask("GET", "/users/current", headers={"Authorization": f"Bearer {uma.token}x"}),
    ]
    logged, texts = capsys.readouterr().err, " ".join(answer.text for answer in refused)

    assert all(answer.status_code >= 400 for answer in refused)
    assert logged.count('"event":"request"') > 8
    for secret in (
        uma.token, uma.token.split(".")[2], PASSWORD, "wrong sentence of mine", said["wrapped_key"],
        text(sealed.data_key), sealed.data_key.hex(), address.split("/")[4],
    ):  # fmt: skip
        assert secret not in logged
        assert secret not in texts
    assert str(node.data_dir) not in texts


def test_what_is_wrapped_is_never_the_key_itself(node, olaf):
    sealed = node.signed_in("uma", "ResourceUploader").upload("Models", "a.bin", b"x")
    first, second = (olaf.deliver("Models", "a.bin").get_json()["wrapped_key"] for _ in range(2))

    assert first != second
    assert sealed.data_key not in data_of(first)
    assert WRAP.agree(olaf.private_key, olaf.server_key) not in data_of(first)


def test_a_sealed_key_moved_to_another_version_opens_nothing(node, olaf):
    uma = node.signed_in("uma", "ResourceUploader")
    uma.upload("Models", "a.bin", b"mine")
    uma.upload("Models", "b.bin", b"yours")
    with node.container.unit_of_work() as tx:
        (first, one), (second, other) = tx.resources.versions()
        tx.resources.set_sealed_key(first.id, 1, other.sealed_key)
        tx.resources.set_sealed_key(second.id, 1, one.sealed_key)
        tx.commit()

    answer = olaf.deliver("Models", "a.bin")
    assert answer.status_code == 500
    assert json.loads(answer.text)["code"] == "internal"
    assert one.sealed_key.hex() not in answer.text
