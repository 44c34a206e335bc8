"""Sealing and opening VLR1 around the ciphers of some library.

The order of things is the same for every library: a tag is checked, in constant time, before
anything is decrypted, and all of a batch is checked before any of it is handed out.
"""

import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from adapters.crypto.batches import MAX_LANES, SPARE, Batch, Buffers, Steps, cores, run_in_batches
from domain.errors import Invalid
from domain.resources.errors import SealedBroken, SourceChanged
from domain.resources.vlr1 import (
    BLOCK,
    CHUNK_SIZE,
    DATA_KEY_BYTES,
    FULL_CHUNK,
    IV_BYTES,
    PROLOGUE_BYTES,
    TAG_BYTES,
    Binding,
    Header,
    associated,
    chunk_count,
    chunk_plaintext,
    chunk_sealed,
    chunk_span,
    sealed_size,
)
from ports.resources.sealing import Out, Readable, ReadAt, SealedFigures

_PADDING = [bytes([BLOCK - rest]) * (BLOCK - rest) for rest in range(BLOCK)]


Buffer = bytes | memoryview
Room = bytearray | memoryview


class Lane(Protocol):
    """The ciphers of one thread for one file.

    ``encrypt`` and ``decrypt`` go on with one CBC chain, which costs less than a new one for each
    chunk. Decrypting a chunk's IV first sets the chain for that chunk. Encrypting a random block
    gives a block that is as random, and that becomes the IV.
    """

    def encrypt(self, blocks: Buffer, out: Room) -> None:
        """Encrypt whole blocks into the beginning of ``out``, which is longer by 15 or more."""
        ...

    def decrypt(self, blocks: Buffer, out: Room) -> None:
        """Decrypt whole blocks into the beginning of ``out``, which is longer by 15 or more."""
        ...

    def tag(self, associated_data: bytes, body: memoryview) -> bytes:
        """Return HMAC-SHA-256 over the associated data, ``body`` and ``ASSOCIATED_LENGTH``."""
        ...


class Ciphers(Protocol):
    """What a library gives."""

    def derive(self, data_key: bytes, *, salt: bytes, info: bytes) -> bytes:
        """Return ``DERIVED_BYTES`` of HKDF-SHA-256."""
        ...

    def lane(self, *, mac_key: bytes, encryption_key: bytes) -> Lane:
        """Make the ciphers of one thread."""
        ...


class Vlr1Sealer:
    """``ports.resources.sealing.Sealer`` on a library's ciphers.

    Args:
        ciphers: of the library.
        lanes: threads for one file, 1 to work in the calling thread; as many as there are cores if
            left out, four at the most.
        random_bytes: for IVs.
    """

    def __init__(
        self,
        ciphers: Ciphers,
        *,
        lanes: int | None = None,
        random_bytes: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._ciphers, self._random = ciphers, random_bytes
        self._lanes = lanes or min(MAX_LANES, cores())
        self._buffers = Buffers(FULL_CHUNK)

    def seal(
        self, source: Readable, header: Header, data_key: bytes, out: Out, *, small_size: int
    ) -> SealedFigures:
        """Seal exactly ``header.plaintext_length`` bytes; see the port."""
        if len(data_key) != DATA_KEY_BYTES:
            raise Invalid(f"a data key takes {DATA_KEY_BYTES} bytes", field="data_key")
        if not PROLOGUE_BYTES <= small_size < sealed_size(header.plaintext_length):
            raise Invalid("the small part holds the header, and not everything", field="small_size")
        file = self._keys(header, data_key)
        parts = _Parts(small_size, out)
        parts.write(memoryview(header.encode() + file.commitment))
        length, fill = header.plaintext_length, _filler(source)

        def load(batch: Batch) -> None:
            wanted = _plain_bytes(length, batch.first, batch.count)
            if fill(batch.source[:wanted]) != wanted:
                raise SourceChanged("the file became shorter while it was being sealed")
            if batch.first + batch.count > file.last and source.read(1):
                raise SourceChanged("the file became longer while it was being sealed")

        def work(lane: Lane, batch: Batch, place: int) -> None:
            size = file.plain_bytes(batch.first + place)
            plain = batch.source[place * CHUNK_SIZE : place * CHUNK_SIZE + size]
            sealed = batch.target[place * FULL_CHUNK : place * FULL_CHUNK + chunk_sealed(size)]
            body, rest = size - size % BLOCK, size % BLOCK
            lane.encrypt(self._random(IV_BYTES), sealed)
            lane.encrypt(plain[:body], sealed[IV_BYTES:])
            lane.encrypt(bytes(plain[body:]) + _PADDING[rest], sealed[IV_BYTES + body :])
            tag = lane.tag(file.associated(batch.first + place), sealed[:-TAG_BYTES])
            sealed[-TAG_BYTES:] = tag

        def done(batch: Batch) -> None:
            parts.write(batch.target[: _sealed_bytes(length, batch.first, batch.count)])

        self._run(file, range(file.last + 1), Steps(load, work, done))
        return parts.figures(file.last + 1)

    def open_stream(self, source: Readable, expected: Binding, data_key: bytes, out: Out) -> Header:
        """Open a whole sealed file; see the port."""
        return self._read_all(source, expected, data_key, out)

    def verify(self, source: Readable, expected: Binding, data_key: bytes) -> Header:
        """Check every byte and decrypt nothing; see the port."""
        return self._read_all(source, expected, data_key, None)

    def open_range(
        self,
        read_at: ReadAt,
        expected: Binding,
        data_key: bytes,
        out: Out,
        *,
        start: int,
        length: int,
    ) -> None:
        """Open ``length`` bytes of plaintext from byte ``start``; see the port."""
        if start < 0 or length < 0:
            raise Invalid("a range takes no negative numbers", field="start")
        file = self._authentic(read_at(0, PROLOGUE_BYTES), expected, data_key)
        total = file.header.plaintext_length
        end = min(start + length, total)
        if start >= end:
            return
        first, last = start // CHUNK_SIZE, (end - 1) // CHUNK_SIZE

        def load(batch: Batch) -> None:
            wanted = _sealed_bytes(total, batch.first, batch.count)
            piece = read_at(chunk_span(total, batch.first).start, wanted)
            if len(piece) != wanted:
                raise SealedBroken
            batch.source[:wanted] = piece

        def done(batch: Batch) -> None:
            at = batch.first * CHUNK_SIZE
            out(batch.target[max(start - at, 0) : min(end - at, batch.count * CHUNK_SIZE)])

        steps = Steps(load, _opening(file), done)
        self._run(file, range(first, last + 1), steps)

    def _read_all(
        self, source: Readable, expected: Binding, data_key: bytes, out: Out | None
    ) -> Header:
        fill = _filler(source)
        prologue = bytearray(PROLOGUE_BYTES)
        got = fill(memoryview(prologue))
        file = self._authentic(bytes(prologue[:got]), expected, data_key)
        length = file.header.plaintext_length

        def load(batch: Batch) -> None:
            wanted = _sealed_bytes(length, batch.first, batch.count)
            if fill(batch.source[:wanted]) != wanted:
                raise SealedBroken
            # Nothing may follow, and that is known before the end is handed out.
            if batch.first + batch.count > file.last and source.read(1):
                raise SealedBroken

        def done(batch: Batch) -> None:
            if out is not None:
                out(batch.target[: _plain_bytes(length, batch.first, batch.count)])

        work = _checking(file) if out is None else _opening(file)
        steps = Steps(load, work, done)
        self._run(file, range(file.last + 1), steps)
        return file.header

    def _keys(self, header: Header, data_key: bytes) -> "_File":
        derived = self._ciphers.derive(data_key, salt=header.salt, info=header.keys_info)
        return _File(header, derived[:32], derived[32:64], derived[64:])

    def _authentic(self, prologue: bytes, expected: Binding, data_key: bytes) -> "_File":
        if len(prologue) != PROLOGUE_BYTES or len(data_key) != DATA_KEY_BYTES:
            raise SealedBroken
        header = Header.decode(prologue)
        if header.binding != expected:
            raise SealedBroken
        file = self._keys(header, data_key)
        if not hmac.compare_digest(file.commitment, prologue[-len(file.commitment) :]):
            raise SealedBroken
        return file

    def _run(self, file: "_File", chunks: range, steps: Steps[Lane]) -> None:
        def lane() -> Lane:
            return self._ciphers.lane(mac_key=file.mac_key, encryption_key=file.encryption_key)

        run_in_batches(chunks, steps, buffers=self._buffers, lane=lane, at_most=self._lanes)


@dataclass(frozen=True, slots=True, repr=False)
class _File:
    header: Header
    mac_key: bytes
    encryption_key: bytes
    commitment: bytes
    digest: bytes = field(init=False)
    last: int = field(init=False)  # number of the last chunk
    last_plain: int = field(init=False)
    last_sealed: int = field(init=False)

    def __post_init__(self) -> None:
        length = self.header.plaintext_length
        last = chunk_count(length) - 1
        plain = chunk_plaintext(length, last)
        for name, value in (
            ("digest", self.header.digest),
            ("last", last),
            ("last_plain", plain),
            ("last_sealed", chunk_sealed(plain)),
        ):
            object.__setattr__(self, name, value)

    def associated(self, index: int) -> bytes:
        return associated(self.digest, index, final=index == self.last)

    def plain_bytes(self, index: int) -> int:
        return CHUNK_SIZE if index < self.last else self.last_plain


class _Parts:
    """Passes sealed bytes on and keeps the digests of both parts."""

    def __init__(self, small_size: int, out: Out) -> None:
        self._small, self._out = small_size, out
        self._written = 0
        self._digests = hashlib.sha256(), hashlib.sha256()

    def write(self, piece: memoryview) -> None:
        cut = min(max(self._small - self._written, 0), len(piece))
        self._digests[0].update(piece[:cut])
        self._digests[1].update(piece[cut:])
        self._written += len(piece)
        self._out(piece)

    def figures(self, chunks: int) -> SealedFigures:
        small, big = (digest.digest() for digest in self._digests)
        return SealedFigures(self._small, self._written - self._small, small, big, chunks)


def _opening(file: _File) -> Callable[[Lane, Batch, int], None]:
    check = _checking(file)

    def work(lane: Lane, batch: Batch, place: int) -> None:
        check(lane, batch, place)
        size = file.plain_bytes(batch.first + place)
        rest = size % BLOCK
        body = size - rest
        start, at = place * FULL_CHUNK, place * CHUNK_SIZE
        blocks = start + IV_BYTES
        source, target = batch.source, batch.target
        last = bytearray(BLOCK + SPARE)
        lane.decrypt(source[start:blocks], last)
        lane.decrypt(source[blocks : blocks + body], target[at:])
        lane.decrypt(source[blocks + body : blocks + body + BLOCK], last)
        # Authentic by now: a wrong padding is a sealer's fault, and tells nothing to anybody else.
        if last[rest:BLOCK] != _PADDING[rest]:
            raise SealedBroken
        if rest:
            target[at + body : at + size] = last[:rest]

    return work


def _checking(file: _File) -> Callable[[Lane, Batch, int], None]:
    def work(lane: Lane, batch: Batch, place: int) -> None:
        index = batch.first + place
        start = place * FULL_CHUNK
        end = start + (FULL_CHUNK if index < file.last else file.last_sealed)
        cut = end - TAG_BYTES
        tag = lane.tag(file.associated(index), batch.source[start:cut])
        if not hmac.compare_digest(tag, batch.source[cut:end]):
            raise SealedBroken

    return work


def _plain_bytes(length: int, first: int, count: int) -> int:
    return min(count * CHUNK_SIZE, length - first * CHUNK_SIZE)


def _sealed_bytes(length: int, first: int, count: int) -> int:
    last = chunk_span(length, first + count - 1)
    return last.start + last.length - chunk_span(length, first).start


def _filler(source: Readable) -> Callable[[memoryview], int]:
    """Return what fills a buffer and tells how much of it was there, without copying if it can."""
    readinto: Callable[[memoryview], int] | None = getattr(source, "readinto", None)

    def fill(buffer: memoryview) -> int:
        done = 0
        while done < len(buffer):
            if readinto is not None:
                got = readinto(buffer[done:])
            else:
                piece = source.read(len(buffer) - done)
                got = len(piece)
                buffer[done : done + got] = piece
            if not got:
                break
            done += got
        return done

    return fill
