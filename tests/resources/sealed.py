"""Sealed files for tests, and what is done to them."""

import io
import os
from uuid import UUID

from adapters.crypto.vlr1_cryptography import CryptographyCiphers
from adapters.crypto.vlr1_pycryptodome import PycryptodomeCiphers
from adapters.crypto.vlr1_stream import Vlr1Sealer
from domain.resources.vlr1 import Header, sealed_size, split_at

CIPHERS = {"cryptography": CryptographyCiphers, "pycryptodome": PycryptodomeCiphers}
RESOURCE = UUID("0190f3c1-a2b3-7c4d-8e5f-60718293a4b5")
DATA_KEY = bytes(range(32))


def sealer(name="cryptography", lanes=2):
    return Vlr1Sealer(CIPHERS[name](), lanes=lanes)


def header_for(length, *, version=7, key_id=3, resource_id=RESOURCE, salt=None):
    return Header(
        resource_id=resource_id,
        version=version,
        key_id=key_id,
        plaintext_length=length,
        salt=salt or os.urandom(32),
    )


def seal(plaintext, *, by=None, header=None, data_key=DATA_KEY, small_size_kb=256):
    """Return the sealed file and its header."""
    header = header or header_for(len(plaintext))
    out = io.BytesIO()
    small = split_at(sealed_size(len(plaintext)), small_size_kb)
    (by or sealer()).seal(io.BytesIO(plaintext), header, data_key, out.write, small_size=small)
    return out.getvalue(), header


def unseal(sealed, binding, *, by=None, data_key=DATA_KEY):
    out = io.BytesIO()
    (by or sealer()).open_stream(io.BytesIO(sealed), binding, data_key, out.write)
    return out.getvalue()


def slices(sealed):
    """Return what ``open_range`` reads from."""
    return lambda offset, length: sealed[offset : offset + length]


class Pattern:
    """A source of any length, without a file: byte j is (j * 31 + j // 256) mod 256."""

    _ROUND = bytes((j * 31 + j // 256) % 256 for j in range(65536))

    def __init__(self, length):
        self._length, self._at = length, 0

    def read(self, size):
        size = min(size, self._length - self._at, 1 << 20)
        start = self._at % 65536
        self._at += size
        return (self._ROUND * (size // 65536 + 2))[start : start + size]
