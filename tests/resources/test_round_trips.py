"""What was sealed opens again: sizes, edges, adapters, threads, ranges, memory."""

import hashlib
import io
import itertools
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.crypto.vlr1_cryptography import CryptographyCiphers
from adapters.crypto.vlr1_stream import Vlr1Sealer
from domain.errors import Invalid
from domain.resources.errors import SourceChanged
from domain.resources.vlr1 import CHUNK_SIZE, PROLOGUE_BYTES, chunk_count, sealed_size, split_at
from tests.resources.make_vectors import pattern
from tests.resources.sealed import (
    CIPHERS,
    DATA_KEY,
    Pattern,
    header_for,
    seal,
    sealer,
    slices,
    unseal,
)

SIZES = [0, 1, 15, 16, 17, 65_535, 65_536, 65_537, 8 * 65_536, 8 * 65_536 + 1, 1_300_000]
SMALL_KB = 256


def edge_of_the_small_part():
    """Return the smallest length of which 30 % of the sealed file reach ``SMALL_KB``."""
    low, high = 0, 10**7
    while low < high:
        middle = (low + high) // 2
        if sealed_size(middle) * 3 // 10 >= SMALL_KB * 1024:
            high = middle
        else:
            low = middle + 1
    return low


EDGE = edge_of_the_small_part()


@pytest.mark.parametrize(("writer", "reader"), list(itertools.product(CIPHERS, CIPHERS)))
@pytest.mark.parametrize("length", [*SIZES, EDGE - 1, EDGE, EDGE + 1])
def test_each_adapter_opens_what_each_one_seals(length, writer, reader):
    plaintext = pattern(length)
    sealed, header = seal(plaintext, by=sealer(writer, lanes=1))
    assert len(sealed) == sealed_size(length)
    for lanes in (1, 2, 3):
        assert unseal(sealed, header.binding, by=sealer(reader, lanes)) == plaintext
        checked = sealer(reader, lanes).verify(io.BytesIO(sealed), header.binding, DATA_KEY)
        assert checked == header


@pytest.mark.parametrize("adapter", CIPHERS)
@pytest.mark.parametrize("lanes", [1, 2, 3])
@pytest.mark.parametrize("length", [*SIZES, EDGE - 1, EDGE, EDGE + 1])
def test_the_figures_are_those_of_the_two_parts(length, lanes, adapter):
    small = split_at(sealed_size(length), SMALL_KB)
    out = io.BytesIO()
    source = io.BytesIO(pattern(length))
    figures = sealer(adapter, lanes).seal(
        source, header_for(length), DATA_KEY, out.write, small_size=small
    )
    sealed = out.getvalue()
    assert (figures.small_size, figures.big_size) == (small, len(sealed) - small)
    assert figures.small_sha256 == hashlib.sha256(sealed[:small]).digest()
    assert figures.big_sha256 == hashlib.sha256(sealed[small:]).digest()
    assert figures.chunk_count == chunk_count(length)


def test_the_small_part_is_thirty_percent_up_to_the_edge_and_fixed_beyond():
    def small(length):
        return split_at(sealed_size(length), SMALL_KB)

    assert small(EDGE - 1) == sealed_size(EDGE - 1) * 3 // 10 < SMALL_KB * 1024
    assert small(EDGE) == small(EDGE + 1) == small(10**10) == SMALL_KB * 1024


@pytest.mark.parametrize("small_size_kb", [0, 1, 256])
@pytest.mark.parametrize("length", [0, 1, 16, 400, 65_537])
def test_the_small_part_holds_the_prologue_and_the_big_part_is_never_empty(length, small_size_kb):
    assert PROLOGUE_BYTES <= split_at(sealed_size(length), small_size_kb) < sealed_size(length)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_range_is_the_same_part_of_the_plaintext(data):
    length = data.draw(st.sampled_from([0, 1, 65_535, 65_536, 65_537, 200_000]))
    start = data.draw(st.integers(0, length + 3))
    size = data.draw(st.integers(0, length + 3))
    plaintext, (sealed, header) = _SEALED[length]
    reads, out = [], io.BytesIO()

    def read_at(offset, size):
        reads.append((offset, size))
        return slices(sealed)(offset, size)

    adapter = data.draw(st.sampled_from(list(CIPHERS)))
    sealer(adapter).open_range(
        read_at, header.binding, DATA_KEY, out.write, start=start, length=size
    )
    assert out.getvalue() == plaintext[start : start + size]
    touched = 2 + len(out.getvalue()) // CHUNK_SIZE
    assert sum(size for _, size in reads) <= PROLOGUE_BYTES + touched * 65_600


_SEALED = {
    length: (pattern(length), seal(pattern(length)))
    for length in [0, 1, 65_535, 65_536, 65_537, 200_000]
}


@pytest.mark.parametrize(("start", "length"), [(-1, 5), (0, -1)])
def test_a_range_takes_no_negative_numbers(start, length):
    sealed, header = seal(b"hello")
    args = (slices(sealed), header.binding, DATA_KEY, lambda piece: None)
    with pytest.raises(Invalid):
        sealer().open_range(*args, start=start, length=length)


def test_nothing_is_sealed_twice_in_the_same_way():
    header = header_for(5)
    first, _ = seal(b"hello", header=header)
    second, _ = seal(b"hello", header=header)
    assert first[:PROLOGUE_BYTES] == second[:PROLOGUE_BYTES]
    assert first[PROLOGUE_BYTES:] != second[PROLOGUE_BYTES:]


def test_no_two_chunks_share_an_iv():
    sealed, _ = seal(bytes(40 * CHUNK_SIZE))
    ivs = {sealed[112 + i * 65_600 :][:16] for i in range(40)}
    assert len(ivs) == 40


@pytest.mark.parametrize("lanes", [1, 2])
@pytest.mark.parametrize(
    ("length", "really"),
    [
        (0, 1),
        (1, 0),
        (1, 2),
        (65_536, 65_535),
        (65_536, 65_537),
        (10**6, 10**6 - 1),
        (10**6, 2**20),
    ],
)
def test_a_file_that_changes_its_length_meanwhile_is_not_sealed(length, really, lanes):
    out = io.BytesIO()
    with pytest.raises(SourceChanged):
        sealer(lanes=lanes).seal(
            io.BytesIO(bytes(really)),
            header_for(length),
            DATA_KEY,
            out.write,
            small_size=PROLOGUE_BYTES,
        )
    assert len(out.getvalue()) < sealed_size(length)


@pytest.mark.parametrize("small_size", [0, PROLOGUE_BYTES - 1, sealed_size(5), 10**9])
def test_a_part_without_anything_in_it_is_refused(small_size):
    with pytest.raises(Invalid, match="small part"):
        sealer().seal(
            io.BytesIO(b"hello"), header_for(5), DATA_KEY, lambda p: None, small_size=small_size
        )


@pytest.mark.parametrize("key", [b"", b"x" * 31, b"x" * 33])
def test_a_key_of_another_length_seals_nothing(key):
    with pytest.raises(Invalid, match="data key"):
        seal(b"hello", data_key=key)


def test_it_works_on_as_many_cores_as_there_are():
    by = Vlr1Sealer(CryptographyCiphers())
    plaintext = pattern(2_000_000)
    sealed, header = seal(plaintext, by=by)
    assert unseal(sealed, header.binding, by=by) == plaintext


@pytest.mark.parametrize("adapter", CIPHERS)
def test_one_sealer_serves_many_threads_at_once(adapter):
    by = sealer(adapter)
    files = [pattern(length) for length in (70_000, 900_000, 1_700_000)]
    sealed = [seal(plaintext, by=by) for plaintext in files]

    def there_and_back(number):
        plaintext, (data, header) = files[number % 3], sealed[number % 3]
        out = io.BytesIO()
        args = (slices(data), header.binding, DATA_KEY, out.write)
        by.open_range(*args, start=60_000, length=800_000)
        assert out.getvalue() == plaintext[60_000:860_000]
        again, header = seal(plaintext, by=by)
        return unseal(again, header.binding, by=by) == plaintext

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(there_and_back, range(36)))


class _Full(Exception):
    pass


@pytest.mark.parametrize("lanes", [1, 2])
def test_a_disk_that_fills_up_stops_both_ways_with_its_own_error(lanes):
    def full(piece):
        raise _Full

    by = sealer(lanes=lanes)
    with pytest.raises(_Full):
        by.seal(Pattern(10**6), header_for(10**6), DATA_KEY, full, small_size=PROLOGUE_BYTES)
    sealed, header = seal(bytes(10**6))
    with pytest.raises(_Full):
        by.open_stream(io.BytesIO(sealed), header.binding, DATA_KEY, full)


@pytest.mark.parametrize("adapter", CIPHERS)
def test_memory_does_not_grow_with_the_file(adapter, tmp_path):
    peaks = []
    for length in (4 << 20, 64 << 20):
        path, header = tmp_path / f"{length}", header_for(length)
        tracemalloc.start()
        with path.open("wb") as file:
            sealer(adapter).seal(
                Pattern(length), header, DATA_KEY, file.write, small_size=PROLOGUE_BYTES
            )
        with path.open("rb") as file:
            sealer(adapter).open_stream(file, header.binding, DATA_KEY, lambda piece: None)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 200_000
    assert peaks[1] < 8 << 20


@pytest.mark.slow
@pytest.mark.parametrize("adapter", CIPHERS)
def test_a_gibibyte_goes_there_and_back(adapter, tmp_path):
    length, path = 1 << 30, tmp_path / "sealed"
    header, by = header_for(length), sealer(adapter)
    with path.open("wb") as file:
        by.seal(Pattern(length), header, DATA_KEY, file.write, small_size=SMALL_KB * 1024)
    wanted, got = hashlib.sha256(), hashlib.sha256()
    source = Pattern(length)
    while piece := source.read(1 << 20):
        wanted.update(piece)
    with path.open("rb") as file:
        by.open_stream(file, header.binding, DATA_KEY, got.update)
    assert got.digest() == wanted.digest()
