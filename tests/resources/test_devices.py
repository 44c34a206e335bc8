"""Which machine is the one that was registered."""

import itertools
from datetime import UTC, datetime
from uuid import UUID

import pytest

from domain.errors import Invalid
from domain.resources.device import FIELDS, Device, Fingerprint
from domain.resources.errors import DeviceMismatch

KEY = bytes(range(32))
READINGS = {name: f"{name} of this machine" for name in FIELDS}


def fingerprint(*, key=KEY, without=(), **changes):
    readings = {**READINGS, **changes}
    for name in without:
        readings[name] = None
    return Fingerprint.of(readings, public_key=key)


def device(**changes):
    return Device(
        id=UUID(int=1),
        user_id=UUID(int=2),
        public_key=KEY,
        fingerprint=fingerprint(**changes),
        bound_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize("count", range(len(FIELDS) + 1))
def test_three_equal_fields_of_five_are_enough_and_two_are_not(count):
    for names in itertools.combinations(FIELDS, count):
        other = fingerprint(**{name: "another" for name in FIELDS if name not in names})
        assert fingerprint().matches(other) is (count >= 3)
        assert fingerprint().compare(other).same == names


@pytest.mark.parametrize("count", range(len(FIELDS) + 1))
def test_a_field_that_cannot_be_read_counts_for_nothing_on_either_side(count):
    for names in itertools.combinations(FIELDS, count):
        poor = fingerprint(without=names)
        for one, other in ((poor, fingerprint()), (fingerprint(), poor), (poor, poor)):
            assert one.matches(other) is (5 - count >= 3)
            assert one.compare(other).missing == names
        assert poor.missing == names


def test_nothing_read_matches_nothing():
    assert not Fingerprint().matches(Fingerprint(), 1)


def test_a_device_that_can_never_match_is_not_registered_and_the_missing_are_named():
    fingerprint(without=("board_serial", "root_disk_serial")).require_enough()
    with pytest.raises(Invalid, match="cpu, root_disk_serial, board_serial"):
        fingerprint(without=("board_serial", "root_disk_serial", "cpu")).require_enough()


def test_another_machine_of_the_same_model_is_refused_even_with_the_key():
    same_model = {name: f"{name} of another" for name in FIELDS if name not in {"cpu", "memory"}}
    with pytest.raises(DeviceMismatch, match="machine_id, root_disk_serial, board_serial"):
        device().require_same(KEY, fingerprint(**same_model))


def test_another_key_is_refused_even_on_the_same_machine():
    with pytest.raises(DeviceMismatch, match="key"):
        device().require_same(b"x" * 32, fingerprint())
    with pytest.raises(DeviceMismatch):
        device().require_same(b"", fingerprint())


def test_a_new_disk_and_more_memory_are_forgiven():
    device().require_same(KEY, fingerprint(root_disk_serial="new", memory="more"))


def test_the_errors_hold_no_reading_and_no_hash():
    with pytest.raises(DeviceMismatch) as refused:
        device().require_same(KEY, fingerprint(**dict.fromkeys(FIELDS, "another")))
    for value in (*READINGS.values(), *fingerprint().members().values()):
        assert value not in str(refused.value)


def test_case_and_blanks_do_not_count():
    assert fingerprint(cpu=" Xeon \t GOLD\n") == fingerprint(cpu="xeon gold")
    assert fingerprint(cpu=" \n ").cpu is None


def test_hashes_of_two_keys_and_of_two_fields_cannot_be_linked():
    one, other = fingerprint(), fingerprint(key=b"x" * 32)
    assert not set(one.members().values()) & set(other.members().values())
    same = Fingerprint.of(dict.fromkeys(FIELDS, "same"), public_key=KEY)
    assert len(set(same.members().values())) == len(FIELDS)


def test_a_fingerprint_survives_its_json():
    one = fingerprint(without=("board_serial",))
    assert Fingerprint.parse(one.members()) == one
    assert Fingerprint.parse({}) == Fingerprint()


@pytest.mark.parametrize(
    "value", [5, "short", "A" * 64, "g" * 64, "0" * 65, "0" * 64 + "\n", ["0" * 64], True]
)
def test_a_field_that_is_no_hash_is_refused_by_name(value):
    with pytest.raises(Invalid) as refused:
        Fingerprint.parse({"cpu": value})
    assert refused.value.field == "cpu"


@pytest.mark.parametrize("members", [None, [], "text", 5])
def test_only_an_object_is_a_fingerprint(members):
    with pytest.raises(Invalid):
        Fingerprint.parse(members)


def test_unknown_fields_are_refused_by_name():
    with pytest.raises(Invalid) as refused:
        Fingerprint.parse({"mac_address": "0" * 64})
    assert refused.value.field == "mac_address"
    with pytest.raises(Invalid) as refused:
        Fingerprint.of({"mac_address": "x"}, public_key=KEY)
    assert refused.value.field == "mac_address"


@pytest.mark.parametrize("key", [b"", b"x" * 31, b"x" * 33])
def test_a_public_key_has_thirty_two_bytes(key):
    with pytest.raises(Invalid):
        Fingerprint.of(READINGS, public_key=key)
    with pytest.raises(Invalid):
        Device(
            id=UUID(int=1),
            user_id=UUID(int=2),
            public_key=key,
            fingerprint=fingerprint(),
            bound_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
