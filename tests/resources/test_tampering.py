"""Whatever is done to a sealed file, it is refused, with one error and without any plaintext."""

import io
import os
from uuid import UUID

import pytest

from domain.resources.errors import SealedBroken
from domain.resources.vlr1 import HEADER_BYTES, PROLOGUE_BYTES, Binding, Header, chunk_span
from tests.resources import decoder
from tests.resources.make_vectors import pattern
from tests.resources.sealed import CIPHERS, DATA_KEY, header_for, seal, sealer, slices, unseal

pytestmark = pytest.mark.parametrize("adapter", CIPHERS)

TINY = pattern(21)
THREE = pattern(2 * 65_536 + 777)
TINY_SEALED, TINY_HEADER = seal(TINY)
THREE_SEALED, THREE_HEADER = seal(THREE)
SPANS = [chunk_span(len(THREE), index) for index in range(3)]
CHUNKS = [THREE_SEALED[span.start : span.start + span.length] for span in SPANS]
PROLOGUE = THREE_SEALED[:PROLOGUE_BYTES]


def refuse(adapter, sealed, header, *, data_key=DATA_KEY, lanes=2):
    """Assert that nothing of ``sealed`` comes out, whichever way it is read."""
    out, by = [], sealer(adapter, lanes)
    binding = header.binding if isinstance(header, Header) else header
    with pytest.raises(SealedBroken) as stream:
        by.open_stream(io.BytesIO(sealed), binding, data_key, lambda p: out.append(bytes(p)))
    with pytest.raises(SealedBroken) as check:
        by.verify(io.BytesIO(sealed), binding, data_key)
    assert out == []
    # One error for all failures: the same type, text and context.
    told = (str(SealedBroken()), {})
    assert (str(stream.value), stream.value.context) == told
    assert (str(check.value), check.value.context) == told


def flipped(sealed, bit):
    at = bit // 8
    return sealed[:at] + bytes([sealed[at] ^ 1 << bit % 8]) + sealed[at + 1 :]


def test_every_single_bit_of_a_small_file_counts(adapter):
    for bit in range(len(TINY_SEALED) * 8):
        refuse(adapter, flipped(TINY_SEALED, bit), TINY_HEADER)


def test_bits_of_a_longer_file_count_wherever_they_are(adapter):
    size = len(THREE_SEALED)
    near = {b for span in SPANS for e in (span.start, span.start + span.length)
            for b in range(max(e - 34, 0), min(e + 18, size))}  # fmt: skip
    for at in sorted(near | set(range(0, size, 1013))):
        refuse(adapter, flipped(THREE_SEALED, at * 8 + at % 8), THREE_HEADER)


def test_every_truncation_of_a_small_file_is_refused(adapter):
    for size in range(len(TINY_SEALED)):
        refuse(adapter, TINY_SEALED[:size], TINY_HEADER)


def test_truncation_at_each_border_and_beside_it_is_refused(adapter):
    borders = [0, HEADER_BYTES, PROLOGUE_BYTES]
    borders += [span.start + part for span in SPANS for part in (16, span.length - 32, span.length)]
    for border in borders:
        for size in (border - 1, border, border + 1):
            if 0 <= size < len(THREE_SEALED):
                refuse(adapter, THREE_SEALED[:size], THREE_HEADER)


def test_each_missing_repeated_or_moved_chunk_is_refused(adapter):
    a, b, c = CHUNKS
    for chunks in (
        [b, c], [a, c], [a, b], [a], [b], [c], [],
        [b, a, c], [a, c, b], [c, b, a], [c, a, b], [b, c, a],
        [a, a, b, c], [a, b, b, c], [a, b, c, c], [a, b, c, a], [a, a, c], [a, b, b],
    ):  # fmt: skip
        refuse(adapter, PROLOGUE + b"".join(chunks), THREE_HEADER)


@pytest.mark.parametrize("more", [b"\0", b"\0" * 65_600, CHUNKS[2], THREE_SEALED])
def test_anything_behind_the_end_is_refused(adapter, more):
    refuse(adapter, THREE_SEALED + more, THREE_HEADER)


@pytest.mark.parametrize("more", [b"x", THREE_SEALED[:112], CHUNKS[0]])
def test_anything_before_the_beginning_is_refused(adapter, more):
    refuse(adapter, more + THREE_SEALED, THREE_HEADER)


@pytest.mark.parametrize("same", ["everything but the salt", "key", "version"])
def test_chunks_of_another_file_of_the_same_key_are_refused(adapter, same):
    version = {"version": 7}.get(same, 8) if same != "everything but the salt" else 7
    resource = UUID(int=5) if same == "key" else THREE_HEADER.resource_id
    if same == "version":
        resource = UUID(int=6)
    header = header_for(len(THREE), version=version, resource_id=resource)
    other, _ = seal(THREE, header=header)
    for span in SPANS:
        end = span.start + span.length
        spliced = THREE_SEALED[: span.start] + other[span.start : end] + THREE_SEALED[end:]
        refuse(adapter, spliced, THREE_HEADER)
    for cut in (HEADER_BYTES, PROLOGUE_BYTES):  # header of one, body of another
        refuse(adapter, THREE_SEALED[:cut] + other[cut:], THREE_HEADER)
        refuse(adapter, other[:cut] + THREE_SEALED[cut:], header)


def test_swapped_halves_are_refused(adapter):
    for cut in (PROLOGUE_BYTES, 40_000, SPANS[1].start, len(THREE_SEALED) // 2):
        refuse(adapter, THREE_SEALED[cut:] + THREE_SEALED[:cut], THREE_HEADER)


def test_big_and_small_part_of_two_versions_are_refused(adapter):
    old, _ = seal(THREE, header=header_for(len(THREE), version=6))
    for cut in (PROLOGUE_BYTES, 40_000, 70_000):
        refuse(adapter, THREE_SEALED[:cut] + old[cut:], THREE_HEADER)


@pytest.mark.parametrize(
    "expected",
    [
        Binding(THREE_HEADER.resource_id, 8, 3, len(THREE)),
        Binding(THREE_HEADER.resource_id, 7, 4, len(THREE)),
        Binding(THREE_HEADER.resource_id, 7, 3, len(THREE) - 1),
        Binding(UUID(int=1), 7, 3, len(THREE)),
    ],
    ids=["version", "key id", "length", "resource"],
)
def test_a_whole_file_that_is_another_than_expected_is_refused(adapter, expected):
    refuse(adapter, THREE_SEALED, expected)
    with pytest.raises(SealedBroken):
        sealer(adapter).open_range(
            slices(THREE_SEALED), expected, DATA_KEY, lambda p: None, start=0, length=1
        )


@pytest.mark.parametrize("key", [b"", b"x", DATA_KEY[:31], DATA_KEY + b"x", bytes(32)])
def test_another_key_is_refused(adapter, key):
    refuse(adapter, THREE_SEALED, THREE_HEADER, data_key=key)


def test_twenty_thousand_wrong_keys_open_nothing(adapter):
    by, out = sealer(adapter), []
    for _ in range(20_000 if adapter == "cryptography" else 2_000):
        with pytest.raises(SealedBroken):
            by.open_stream(io.BytesIO(TINY_SEALED), TINY_HEADER.binding, os.urandom(32), out.append)
    assert out == []


class Counting(io.BytesIO):
    """Counts the bytes that are asked for."""

    def __init__(self, data):
        super().__init__(data)
        self.asked = 0

    def read(self, size=-1):
        self.asked += size
        return super().read(size)

    def readinto(self, buffer):
        self.asked += len(buffer)
        return super().readinto(buffer)


ABSURD = {
    "suite": [(4, 4, n) for n in (0, 2, 3, 2**32 - 1)],
    "version": [(24, 8, n) for n in (0, 2**63, 2**64 - 1)],
    "chunk size": [(36, 4, n) for n in (0, 1, 16, 65_535, 65_537, 2**31, 2**32 - 1)],
    "length": [(40, 8, n) for n in (0, 22, 2**40, 2**40 + 1, 2**63 - 1, 2**63, 2**64 - 1)],
}


@pytest.mark.parametrize(("at", "size", "number"), [e for v in ABSURD.values() for e in v])
def test_absurd_numbers_are_refused_before_anything_is_read_for_them(adapter, at, size, number):
    absurd = TINY_SEALED[:at] + number.to_bytes(size, "big") + TINY_SEALED[at + size :]
    source = Counting(absurd)
    for binding in (TINY_HEADER.binding, _binding_of(absurd)):
        source.seek(0)
        source.asked = 0
        with pytest.raises(SealedBroken):
            sealer(adapter).open_stream(source, binding, DATA_KEY, lambda p: None)
        assert source.asked <= PROLOGUE_BYTES


def _binding_of(sealed):
    number = int.from_bytes
    return Binding(
        UUID(bytes=sealed[8:24]),
        number(sealed[24:32], "big"),
        number(sealed[32:36], "big"),
        number(sealed[40:48], "big"),
    )


@pytest.mark.parametrize("padding", [bytes(11), b"\x0b" * 10 + b"\x0c", b"\x01" * 11, b"\x10" * 11])
def test_a_sealer_that_pads_wrongly_is_refused(adapter, padding):
    header = TINY_HEADER.encode()
    mac_key, encryption_key, commitment = decoder.derive(DATA_KEY, header)
    iv = bytes(16)
    cipher = decoder.Cipher(decoder.algorithms.AES(encryption_key), decoder.modes.CBC(iv))
    body = iv + cipher.encryptor().update(TINY + padding)
    tag = decoder.tag_of(mac_key, header, 0, True, body)
    out = []
    with pytest.raises(SealedBroken):
        sealer(adapter).open_stream(
            io.BytesIO(header + commitment + body + tag), TINY_HEADER.binding, DATA_KEY, out.append
        )
    assert out == []


@pytest.mark.parametrize("final", [True, False])
def test_the_final_flag_counts_in_both_directions(adapter, final):
    header = THREE_HEADER.encode()
    mac_key, _, _ = decoder.derive(DATA_KEY, header)
    at = 1 if final else 2  # claims to be the last, or not to be
    body = CHUNKS[at][:-32]
    forged = body + decoder.tag_of(mac_key, header, at, final, body)
    chunks = [*CHUNKS[:at], forged, *CHUNKS[at + 1 :]]
    refuse(adapter, PROLOGUE + b"".join(chunks), THREE_HEADER)


@pytest.mark.parametrize("lanes", [1, 2, 3])
def test_of_a_long_file_only_whole_verified_chunks_come_out_and_verifying_gives_nothing(
    adapter, lanes
):
    plaintext = pattern(40 * 65_536)
    sealed, header = seal(plaintext)
    by = sealer(adapter, lanes)
    for bad in (0, 7, 8, 9, 29, 39):
        span = chunk_span(len(plaintext), bad)
        broken, out = flipped(sealed, (span.start + 999) * 8), io.BytesIO()
        with pytest.raises(SealedBroken):
            by.open_stream(io.BytesIO(broken), header.binding, DATA_KEY, out.write)
        opened = out.getvalue()
        assert len(opened) <= bad * 65_536
        assert opened == plaintext[: len(opened)]
        with pytest.raises(SealedBroken):
            by.verify(io.BytesIO(broken), header.binding, DATA_KEY)


def test_ranges_refuse_damage_in_their_chunks_and_in_the_header(adapter):
    by = sealer(adapter)

    def opened(sealed, start, length):
        out = io.BytesIO()
        try:
            by.open_range(
                slices(sealed), THREE_HEADER.binding, DATA_KEY, out.write,
                start=start, length=length,
            )  # fmt: skip
        except SealedBroken:
            assert out.getvalue() == b""
            raise
        return out.getvalue()

    broken = flipped(THREE_SEALED, (SPANS[1].start + 5) * 8)
    assert opened(broken, 0, 65_536) == THREE[:65_536]
    assert opened(broken, 2 * 65_536, 777) == THREE[2 * 65_536 :]
    for start, length in ((65_536, 1), (131_071, 1), (65_535, 2), (131_071, 2), (0, len(THREE))):
        with pytest.raises(SealedBroken):
            opened(broken, start, length)
    for at in range(PROLOGUE_BYTES):
        with pytest.raises(SealedBroken):
            opened(flipped(THREE_SEALED, at * 8), 0, 1)
    moved = PROLOGUE + CHUNKS[1] + CHUNKS[0] + CHUNKS[2]
    for start in (0, 65_536):
        with pytest.raises(SealedBroken):
            opened(moved, start, 1)
    for size in (0, 111, 112, SPANS[2].start, len(THREE_SEALED) - 1):
        with pytest.raises(SealedBroken):
            opened(THREE_SEALED[:size], 2 * 65_536, 1)


def test_the_big_part_and_the_key_are_not_enough_without_the_small_part(adapter):
    big = THREE_SEALED[PROLOGUE_BYTES:]
    guess = header_for(len(THREE))  # all that is known of it but the salt
    for commitment in (bytes(32), decoder.derive(DATA_KEY, guess.encode())[2]):
        refuse(adapter, guess.encode() + commitment + big, guess)


def test_untouched_files_open(adapter):
    assert unseal(TINY_SEALED, TINY_HEADER.binding, by=sealer(adapter)) == TINY
    assert unseal(THREE_SEALED, THREE_HEADER.binding, by=sealer(adapter)) == THREE
