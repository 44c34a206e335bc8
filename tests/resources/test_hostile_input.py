"""Parsers meet anything: they accept it or refuse it with their one error."""

import io
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.crypto.key_wrap import X25519KeyWrap
from domain.errors import Invalid
from domain.resources.device import FIELDS, Fingerprint
from domain.resources.errors import SealedBroken
from domain.resources.manifest import Manifest
from domain.resources.vlr1 import Header
from tests.resources.make_vectors import pattern
from tests.resources.sealed import DATA_KEY, seal, sealer
from tests.resources.test_key_wrap import ids
from tests.resources.test_manifest import manifest

SEALED, HEADER = seal(pattern(66_000))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)
MANY = settings(max_examples=400, deadline=None)


@MANY
@given(st.binary(max_size=200))
def test_a_header_is_read_or_broken(data):
    for head in (data, b"VLR1" + data, b"VLR1\0\0\0\1" + data):
        with suppress(SealedBroken):
            header = Header.decode(head)
            assert header.encode() == head[:80]


@MANY
@given(
    st.lists(st.tuples(st.integers(0, len(SEALED)), st.integers(0, 300), st.binary(max_size=99)))
)
def test_a_file_with_pieces_exchanged_gives_nothing_unless_it_is_the_same(edits):
    data = SEALED
    for at, cut, put in edits:
        data = data[:at] + put + data[at + cut :]
    out = []
    with suppress(SealedBroken):
        sealer().open_stream(
            io.BytesIO(data), HEADER.binding, DATA_KEY, lambda p: out.append(bytes(p))
        )
    assert bool(out) is (data == SEALED)


@MANY
@given(st.dictionaries(st.sampled_from(sorted(manifest().fields())), JSON, max_size=3), JSON)
def test_a_manifest_is_read_as_it_is_or_invalid(members, anything):
    for fields in ({**manifest().fields(), **members}, anything):
        with suppress(Invalid):
            assert Manifest.parse(fields).fields() == fields


@MANY
@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=9), JSON, max_size=3), JSON)
def test_a_fingerprint_is_read_as_it_is_or_invalid(members, anything):
    for fields in (members, anything):
        with suppress(Invalid):
            known = {k: v for k, v in Fingerprint.parse(fields).members().items() if v is not None}
            assert known == {k: v for k, v in fields.items() if v is not None}


@MANY
@given(st.binary(min_size=60, max_size=62), st.binary(min_size=32, max_size=32))
def test_a_wrapped_key_of_a_stranger_is_broken(blob, secret):
    for wrapped in (blob, b"\x01" + blob[1:]):
        with suppress(SealedBroken):
            X25519KeyWrap().unwrap(wrapped, shared_secret=secret, **ids())
            raise AssertionError("it opened")
