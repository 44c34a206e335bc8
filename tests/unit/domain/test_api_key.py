import string
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import Invalid
from domain.federation.api_key import (
    ApiKey,
    KeyKind,
    KeyMalformed,
    KeyRevoked,
    Scope,
    check_key_text,
    key_prefix,
    key_text,
    parse_scopes,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECRETS = st.binary(min_size=32, max_size=32)
CHARS = string.digits + string.ascii_uppercase + string.ascii_lowercase


def make(**more):
    values = {"name": "phone", "scopes": frozenset({Scope.READ}), **more}
    return ApiKey(
        id=UUID(int=1),
        kind=KeyKind.PEER,
        prefix="vlr_peer_00000000",
        digest=b"d" * 32,
        libraries=frozenset(),
        created_at=NOW,
        **values,
    )


@given(SECRETS, st.sampled_from(KeyKind))
def test_a_key_is_read_as_it_was_written(secret, kind):
    text = key_text(kind, secret)
    assert check_key_text(text) is kind
    assert len(text) == len(f"vlr_{kind}_") + 49
    assert key_prefix(text) == text[: len(f"vlr_{kind}_") + 8]


@given(SECRETS, SECRETS)
def test_different_secrets_make_different_keys(one, other):
    same = key_text(KeyKind.APP, one) == key_text(KeyKind.APP, other)
    assert same == (one == other)


@pytest.mark.parametrize("kind", KeyKind)
@pytest.mark.parametrize("secret", [bytes(32), b"\xff" * 32, bytes(range(32))])
def test_every_wrong_character_is_refused(kind, secret):
    text = key_text(kind, secret)
    for place, right in enumerate(text):
        for wrong in CHARS:
            if wrong != right:
                with pytest.raises(KeyMalformed):
                    check_key_text(text[:place] + wrong + text[place + 1 :])


@given(SECRETS, st.data())
def test_a_changed_character_is_refused(secret, data):
    text = key_text(KeyKind.PEER, secret)
    place = data.draw(st.integers(0, len(text) - 1))
    wrong = data.draw(st.characters().filter(lambda c: c != text[place]))
    with pytest.raises(KeyMalformed):
        check_key_text(text[:place] + wrong + text[place + 1 :])


@given(SECRETS, st.data())
def test_swapped_neighbours_are_refused(secret, data):
    text = key_text(KeyKind.PEER, secret)
    at = data.draw(st.integers(0, len(text) - 2))
    swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if swapped != text:
        with pytest.raises(KeyMalformed):
            check_key_text(swapped)


@given(st.text(max_size=80))
def test_other_texts_are_refused(text):
    with pytest.raises(KeyMalformed) as caught:
        check_key_text(text)
    assert caught.value.field == "key"


@pytest.mark.parametrize(
    "change", [str.lower, str.upper, lambda t: t + "\n", lambda t: " " + t, lambda t: t[:-1]]
)
def test_a_key_is_exact(change):
    with pytest.raises(KeyMalformed):
        check_key_text(change(key_text(KeyKind.PEER, bytes(range(32)))))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_secret_has_32_bytes(length):
    with pytest.raises(Invalid):
        key_text(KeyKind.PEER, bytes(length))


def test_a_key_is_good_until_it_expires_or_is_revoked():
    assert make().is_good(NOW + 10_000 * HOUR)
    expiring = make(expires_at=NOW + HOUR)
    assert expiring.is_good(NOW + HOUR - timedelta(microseconds=1))
    assert not expiring.is_good(NOW + HOUR)
    revoked = make()
    revoked.revoke(at=NOW)
    assert not revoked.is_good(NOW)
    revoked.revoke(at=NOW + HOUR)
    assert revoked.revoked_at == NOW


def test_a_retired_key_dies_by_itself_and_never_later_than_before():
    key = make()
    key.retire(at=NOW, overlap=HOUR)
    assert key.expires_at == NOW + HOUR
    key.retire(at=NOW, overlap=2 * HOUR)
    assert key.expires_at == NOW + HOUR
    key.revoke(at=NOW)
    with pytest.raises(KeyRevoked):
        key.retire(at=NOW, overlap=HOUR)


def test_networks_say_where_a_key_counts():
    assert make().allows_address("anything")
    key = make(networks=("192.0.2.7/24", "2001:db8::/32"))
    assert key.networks == ("192.0.2.0/24", "2001:db8::/32")
    assert key.allows_address("192.0.2.200")
    assert key.allows_address("2001:db8::1")
    for address in ("192.0.3.1", "::1", "", "x"):
        assert not key.allows_address(address)


def test_bad_fields_are_refused():
    for wrong in ({"name": " "}, {"scopes": frozenset()}, {"networks": ("x",)}):
        with pytest.raises(Invalid):
            make(**wrong)


def test_scopes_are_read_by_name():
    assert parse_scopes(["read", "stream"]) == {Scope.READ, Scope.STREAM}
    for wrong in ([], ["write"], ["read", ""]):
        with pytest.raises(Invalid):
            parse_scopes(wrong)
