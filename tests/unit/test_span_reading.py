"""Reading spans of what a storage location holds, within a budget."""

from dataclasses import dataclass

import pytest

from adapters.memory.storage import MemoryStorage
from app.usecases.library.span_reading import StorageSpans
from domain.errors import BadUpstream
from ports.byte_body import BodyTruncated
from ports.library.media import BudgetSpent
from ports.library.storage import (
    ObjectChanged,
    ObjectInfo,
    ObjectNotFound,
    OriginSlow,
    StorageUnreachable,
)

DATA = bytes(range(256)) * 40


@dataclass
class OddBody:
    """Sends what it is given, and breaks then if it is to."""

    pieces: list[bytes]
    length: int = 0
    breaks: bool = False
    closed: bool = False
    tick: object = lambda: None

    def __iter__(self):
        for piece in self.pieces:
            self.tick()
            yield piece
        if self.breaks:
            raise BodyTruncated

    def close(self):
        self.closed = True


@dataclass
class OddStorage:
    """Opens one body, whatever is asked for."""

    body: OddBody

    def open(self, locator, *, start, length, etag):
        return self.body


@pytest.fixture
def storage():
    return MemoryStorage({"film": DATA})


def spans(storage, *, budget=5000, etag=None, **options):
    return StorageSpans(storage, "film", ObjectInfo(len(DATA), etag), budget, **options)


def test_a_span_is_what_the_storage_has_there(storage):
    source = spans(storage)
    assert source.size_bytes == len(DATA)
    assert source.read(10, 100) == DATA[10:110]
    assert source.read(len(DATA) - 10, 100) == DATA[-10:]
    assert source.bytes_read == 110


@pytest.mark.parametrize("start", [-1, len(DATA), len(DATA) + 1])
def test_outside_there_is_nothing_and_it_costs_nothing(storage, start):
    source = spans(storage)
    assert source.read(start, 10) == b""
    assert source.bytes_read == 0


def test_the_budget_is_never_exceeded(storage):
    source = spans(storage, budget=150)
    source.read(0, 100)
    with pytest.raises(BudgetSpent, match="no more than 150"):
        source.read(100, 51)
    assert source.bytes_read == 100
    assert source.read(100, 50) == DATA[100:150]
    with pytest.raises(BudgetSpent):
        source.read(0, 1)


def test_what_the_storage_raises_comes_through(storage):
    with pytest.raises(ObjectChanged):
        spans(storage, etag="another").read(0, 10)
    storage.unreachable = "away"
    with pytest.raises(StorageUnreachable, match="away"):
        spans(storage).read(0, 10)
    with pytest.raises(ObjectNotFound):
        spans(MemoryStorage()).read(0, 10)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (OddBody([b"12345", b"678"]), BadUpstream),
        (OddBody([b"12345", b"6789012345", b"x" * 10_000]), BadUpstream),
        (OddBody([b"12345"], breaks=True), StorageUnreachable),
    ],
)
def test_a_body_of_another_length_is_refused_and_counted(body, error):
    source = spans(OddStorage(body))
    with pytest.raises(error):
        source.read(0, 10)
    assert body.closed
    assert 5 <= source.bytes_read <= 15


def test_a_source_that_drips_is_given_up():
    now = [0.0]

    def tick():
        now[0] += 7

    body = OddBody([b"x"] * 100, tick=tick)
    source = spans(OddStorage(body), patience_s=60, monotonic=lambda: now[0])
    with pytest.raises(OriginSlow, match="too slowly"):
        source.read(0, 100)
    assert body.closed
    assert source.bytes_read < 12


def test_the_patience_is_for_the_whole_object():
    now = [0.0]
    source = spans(OddStorage(OddBody([b"x"])), patience_s=60, monotonic=lambda: now[0])
    for _ in range(6):
        source.read(0, 1)
        now[0] += 10
    now[0] += 1
    with pytest.raises(OriginSlow):
        source.read(0, 1)


def test_what_an_origin_without_ranges_sends_before_a_span_counts(storage):
    source = StorageSpans(storage, "film", ObjectInfo(len(DATA), None, ranges=False), 300)
    assert source.read(0, 100) == DATA[:100]
    assert source.read(50, 100) == DATA[50:150]
    assert source.bytes_read == 250
    with pytest.raises(BudgetSpent):
        source.read(100, 10)
    assert source.bytes_read == 250
