"""What ``bench_resources`` measures, each in a process of its own that prints its figures as JSON.

``python -m tests.benchmarks.sealing seal|open|verify|range ADAPTER LANES SOURCE BYTES [OUT]``: SOURCE
is read over and over until BYTES were read; ``-`` is the standard input or output.
"""

import json
import os
import random
import resource
import sys
import time
from pathlib import Path
from uuid import UUID

from adapters.crypto.vlr1_cryptography import CryptographyCiphers
from adapters.crypto.vlr1_pycryptodome import PycryptodomeCiphers
from adapters.crypto.vlr1_stream import Vlr1Sealer
from domain.resources.vlr1 import Header, sealed_size, split_at
from tests.benchmarks.harness import memory_kib

CIPHERS = {"cryptography": CryptographyCiphers, "pycryptodome": PycryptodomeCiphers}
KEY = bytes(range(32))
RANGE = 16 * 65_536  # sixteen chunks' worth, at any byte


def header_of(length):
    return Header(
        resource_id=UUID(int=1), version=1, key_id=1, plaintext_length=length, salt=b"s" * 32
    )


class Again:
    """A file, from its beginning again at its end."""

    def __init__(self, path, length):
        self._file = open(0 if path == "-" else path, "rb", buffering=0)  # noqa: SIM115 - until the end
        self._rewind, self._left = path != "-", length

    def readinto(self, buffer):
        got = self._file.readinto(buffer[: self._left])
        if not got and self._left and self._rewind:
            self._file.seek(0)
            got = self._file.readinto(buffer[: self._left])
        self._left -= got
        return got

    def read(self, size):
        buffer = memoryview(bytearray(size))
        return bytes(buffer[: self.readinto(buffer)])


def writer(path):
    file = open(1 if path == "-" else path, "wb", buffering=0)  # noqa: SIM115 - until the end

    def write(piece):
        while piece:
            piece = piece[file.write(piece) :]

    return write


def task(what, by, source, length, out):
    """Return what is measured, as a call."""
    header, binding = header_of(length), header_of(length).binding
    if what == "seal":
        small = split_at(sealed_size(length), 256)
        return lambda: by.seal(Again(source, length), header, KEY, writer(out), small_size=small)
    if what == "open":
        stream = Again(source, sealed_size(length))
        return lambda: by.open_stream(stream, binding, KEY, writer(out))
    if what == "verify":
        return lambda: by.verify(Again(source, sealed_size(length)), binding, KEY)
    fd, write = os.open(source, os.O_RDONLY), writer(out)

    def ranges():
        chance = random.Random(5)
        for _ in range(length // RANGE):
            start = chance.randrange(length - RANGE)
            by.open_range(
                lambda offset, size: os.pread(fd, size, offset),
                binding, KEY, write, start=start, length=RANGE,
            )  # fmt: skip

    return ranges


def warm_up(by):
    """Bring everything into memory that is needed for any length."""
    length, out = 65_536, bytearray()
    by.seal(Again("/dev/zero", length), header_of(length), KEY, out.extend, small_size=112)
    by.open_range(
        lambda offset, size: bytes(out[offset : offset + size]),
        header_of(length).binding, KEY, lambda piece: None, start=0, length=length,
    )  # fmt: skip


def main(what, adapter, lanes, source, length, out="/dev/null"):
    by, length = Vlr1Sealer(CIPHERS[adapter](), lanes=int(lanes)), int(length)
    warm_up(by)
    call = task(what, by, source, length, out)
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before, began = memory_kib(os.getpid(), "VmRSS"), time.perf_counter()
    spent = time.process_time()
    call()
    report = {
        "seconds": time.perf_counter() - began,
        "cpu_s": time.process_time() - spent,
        "bytes": length // RANGE * RANGE if what == "range" else length,
        "growth_kib": max(memory_kib(os.getpid()) - before, 0),
        "peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }
    print(json.dumps(report), file=sys.stderr)


if __name__ == "__main__":
    main(*sys.argv[1:])
