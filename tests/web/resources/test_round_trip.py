"""From an uploader's file to a reader's, through the real routes, keys and the local CDN."""

from datetime import timedelta

import pytest

from domain.resources.errors import SealedBroken
from domain.resources.manifest import Manifest
from tests.web.resources.conftest import WRAP, data_of


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 300_000])
def test_what_is_uploaded_is_loaded(node, size):
    content = bytes(i % 251 for i in range(size))
    node.signed_in("uma", "ResourceUploader").upload("Models", "a.bin", content)

    assert node.signed_in("olaf", "Operator").load("Models", "a.bin") == content


def test_a_list_says_what_there_is(node):
    uma = node.signed_in("uma", "ResourceUploader")
    second = uma.upload("Models", "b.bin", b"b" * 5000)
    uma.upload("Models", "a.bin", b"a")
    newer = uma.upload("Models", "a.bin", b"a" * 9)

    items = node.signed_in("olaf", "Operator").ask("GET", "/resources/list/Models").get_json()

    assert [(one["name"], one["version"], one["size"]) for one in items["items"]] == [
        ("a.bin", 2, 9),
        ("b.bin", 1, 5000),
    ]
    assert items["items"][0]["sha256"] == newer.manifest.big_sha256.hex()
    assert items["items"][1]["big_size"] == second.manifest.big_size


def test_a_key_wrapped_for_one_device_opens_on_no_other(node):
    node.signed_in("uma", "ResourceUploader").upload("Models", "a.bin", b"secret")
    olaf, vera = node.signed_in("olaf", "Operator"), node.signed_in("vera", "Validator")
    assert olaf.load("Models", "a.bin") == vera.load("Models", "a.bin") == b"secret"

    for thief, victim in ((olaf, vera), (vera, olaf)):
        said = victim.deliver("Models", "a.bin").get_json()
        manifest = Manifest.parse(said["manifest"])
        with pytest.raises(SealedBroken):
            WRAP.unwrap(
                data_of(said["wrapped_key"]),
                shared_secret=WRAP.agree(thief.private_key, thief.server_key),
                user_id=victim.user_id, device_id=victim.device_id,
                resource_id=manifest.resource_id, version=1,
            )  # fmt: skip
        assert thief.deliver("Models", "a.bin", device=str(victim.device_id)).status_code == 404


def test_an_older_version_goes_on_for_a_day(node):
    uma, olaf = node.signed_in("uma", "ResourceUploader"), node.signed_in("olaf", "Operator")
    uma.upload("Models", "a.bin", b"one")
    uma.upload("Models", "a.bin", b"two")

    assert olaf.load("Models", "a.bin") == b"two"
    assert olaf.address("Models", "a.bin", version=1).status_code == 200
    node.clock.ahead += timedelta(hours=23)
    olaf.login()
    old = olaf.address("Models", "a.bin", version=1).get_json()["url"]
    assert node.collect() == {"versions": 0, "objects": 0, "unfinished": 0}
    assert olaf.fetch(old).status_code == 200

    node.clock.ahead += timedelta(hours=1)
    assert node.collect() == {"versions": 1, "objects": 0, "unfinished": 0}
    assert olaf.address("Models", "a.bin", version=1).status_code == 404
    assert olaf.load("Models", "a.bin") == b"two"


def test_the_trail_tells_who_had_what(node):
    uma, olaf = node.signed_in("uma", "ResourceUploader"), node.signed_in("olaf", "Operator")
    uma.upload("Models", "a.bin", b"one")
    olaf.load("Models", "a.bin")

    assert {
        "resource.login", "device.bind", "resource.publish", "resource.deliver", "resource.download",
        "folder.grant", "resource.set-role",
    } <= set(node.actions(40))  # fmt: skip
