"""A wrapped key opens for one user on one device, for one version, in one direction."""

import itertools
from uuid import UUID

import pytest

from adapters.crypto.key_wrap import WRAPPED_BYTES, X25519KeyWrap
from domain.errors import Invalid
from domain.resources.errors import SealedBroken
from ports.resources.sealing import WrapPurpose
from tests.resources.sealed import DATA_KEY, seal, unseal

WRAP = X25519KeyWrap()
NODE, ADA, BEN = (WRAP.new_private_key() for _ in range(3))


def ids(user=1, device=2, resource=3, version=7, purpose=WrapPurpose.READ):
    return {
        "user_id": UUID(int=user),
        "device_id": UUID(int=device),
        "resource_id": UUID(int=resource),
        "version": version,
        "purpose": purpose,
    }


def secret(device=ADA, node=NODE):
    return WRAP.agree(node, WRAP.public_key(device))


def wrapped(**changes):
    return WRAP.wrap(DATA_KEY, shared_secret=secret(), **ids(**changes))


def test_the_device_unwraps_what_the_node_wrapped_and_opens_the_file():
    sealed, header = seal(b"a model")
    on_device = WRAP.agree(ADA, WRAP.public_key(NODE))
    key = WRAP.unwrap(wrapped(), shared_secret=on_device, **ids())
    assert unseal(sealed, header.binding, data_key=key) == b"a model"


def test_of_two_users_with_two_devices_neither_opens_the_other_s_key():
    keys = {"ada": ADA, "ben": BEN}
    bound = {"ada": ids(user=1, device=2), "ben": ids(user=4, device=5)}
    for owner, thief in (("ada", "ben"), ("ben", "ada")):
        blob = WRAP.wrap(DATA_KEY, shared_secret=secret(keys[owner]), **bound[owner])
        assert WRAP.unwrap(blob, shared_secret=secret(keys[owner]), **bound[owner]) == DATA_KEY
        for key, claim in itertools.product(keys, bound):
            if (key, claim) != (owner, owner):
                with pytest.raises(SealedBroken):
                    WRAP.unwrap(blob, shared_secret=secret(keys[key]), **bound[claim])
        assert thief != owner


@pytest.mark.parametrize(
    "change",
    [
        {"user": 9},
        {"device": 9},
        {"resource": 9},
        {"version": 8},
        {"version": 6},
        {"purpose": WrapPurpose.UPLOAD},
        {"user": 2, "device": 1},
        {"device": 3, "resource": 2},
    ],
    ids=str,
)
def test_a_wrapped_key_is_bound_to_all_of_its_names(change):
    with pytest.raises(SealedBroken):
        WRAP.unwrap(wrapped(), shared_secret=secret(), **ids(**change))


def test_every_single_bit_of_a_wrapped_key_counts():
    blob = wrapped()
    assert len(blob) == WRAPPED_BYTES
    for bit in range(len(blob) * 8):
        changed = bytearray(blob)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(SealedBroken):
            WRAP.unwrap(bytes(changed), shared_secret=secret(), **ids())


def test_a_wrapped_key_of_another_length_is_refused():
    blob = wrapped()
    for other in (b"", *(blob[:size] for size in range(len(blob))), blob + b"\0"):
        with pytest.raises(SealedBroken):
            WRAP.unwrap(other, shared_secret=secret(), **ids())


def test_two_wraps_of_one_key_differ():
    assert wrapped() != wrapped()


def test_both_ends_agree_and_no_one_else_does():
    assert secret() == WRAP.agree(ADA, WRAP.public_key(NODE))
    assert len({secret(ADA), secret(BEN), secret(ADA, BEN)}) == 3


SMALL_ORDER = [
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
]


@pytest.mark.parametrize("public_key", [b"", b"x" * 31, b"x" * 33, *SMALL_ORDER], ids=bytes.hex)
def test_a_public_key_that_would_agree_with_everybody_is_refused(public_key):
    with pytest.raises(Invalid) as refused:
        WRAP.agree(NODE, public_key)
    assert refused.value.field == "public_key"


@pytest.mark.parametrize("key", [b"", b"x" * 31, b"x" * 33])
def test_only_whole_data_keys_are_wrapped(key):
    with pytest.raises(Invalid, match="data key"):
        WRAP.wrap(key, shared_secret=secret(), **ids())
