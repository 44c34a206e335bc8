"""Sealing and opening large files, and handing their keys to one device."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.ids import DeviceId, ResourceId, UserId
from domain.resources.vlr1 import Binding, Header

Out = Callable[[memoryview], object]
"""Takes bytes that are valid during the call only; copy what is to be kept. ``file.write`` fits a
buffered file; a raw one may write less than it is given."""

ReadAt = Callable[[int, int], bytes]
"""Given an offset and a length, returns the bytes there; fewer only at the end."""


class Readable(Protocol):
    """A source of bytes, such as a file opened in binary mode."""

    def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes; none only at the end."""
        ...


@dataclass(frozen=True, slots=True)
class SealedFigures:
    """What was written: sizes in bytes, digests SHA-256 (32 bytes)."""

    small_size: int
    big_size: int
    small_sha256: bytes
    big_sha256: bytes
    chunk_count: int


class Sealer(Protocol):
    """VLR1, docs/formats/vlr1.md. Memory stays flat, whatever the length.

    Every failure of opening is the one error ``SealedBroken``, whichever check failed. A chunk's
    plaintext is handed out only after its tag was verified; still, the chunks before a bad one were
    handed out by then. Whoever must show nothing of a damaged file verifies first (``verify``, or
    the manifest's digests), or writes to a place that nobody sees until ``open_stream`` returns.
    """

    def seal(
        self, source: Readable, header: Header, data_key: bytes, out: Out, *, small_size: int
    ) -> SealedFigures:
        """Seal exactly ``header.plaintext_length`` bytes.

        Args:
            source: read to its end.
            header: with a salt that was never used before.
            data_key: 32 random bytes, of this version alone.
            out: takes the sealed bytes in order; the first ``small_size`` are the small part.
            small_size: as ``domain.resources.vlr1.split_at`` has it.

        Raises:
            Invalid: the key has another length, or ``small_size`` leaves one part empty.
            SourceChanged: the source has another length. What ``out`` got is useless.
        """
        ...

    def open_stream(self, source: Readable, expected: Binding, data_key: bytes, out: Out) -> Header:
        """Open a whole sealed file, small part and big part in one stream.

        Args:
            source: exactly the sealed file and nothing after it.
            expected: from the signed manifest.
            data_key: 32 bytes.
            out: takes the plaintext in order.

        Returns:
            The header, which is authentic.

        Raises:
            SealedBroken: anything is wrong with the bytes, the key or the header.
        """
        ...

    def verify(self, source: Readable, expected: Binding, data_key: bytes) -> Header:
        """Check every byte as ``open_stream`` does, and decrypt nothing.

        Only a faulty padding, which no one but the sealer can make, is left to ``open_stream``.
        """
        ...

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
        """Open ``length`` bytes of plaintext from byte ``start``; only their chunks are read.

        Reading past the end is not an error: less is handed out.

        Raises:
            SealedBroken: as above, for the header and the chunks that were read.
        """
        ...


class WrapPurpose(StrEnum):
    """Which way a wrapped key goes: a blob of one way never opens in the other."""

    READ = "read"  # from the node to a reader's device
    UPLOAD = "upload"  # from an uploader's device to the node


class KeyWrap(Protocol):
    """Data keys for one user on one device; both ends derive the same key-encryption key."""

    def agree(self, private_key: bytes, public_key: bytes) -> bytes:
        """Return the shared secret of two X25519 keys (32 bytes each), bound to both public keys.

        Raises:
            Invalid: ``public_key`` is not a usable key.
        """
        ...

    def new_private_key(self) -> bytes:
        """Make a private X25519 key: 32 bytes."""
        ...

    def public_key(self, private_key: bytes) -> bytes:
        """Return the public half: 32 bytes."""
        ...

    def wrap(
        self,
        data_key: bytes,
        *,
        shared_secret: bytes,
        user_id: UserId,
        device_id: DeviceId,
        resource_id: ResourceId,
        version: int,
        purpose: WrapPurpose = WrapPurpose.READ,
    ) -> bytes:
        """Encrypt a data key; it opens only with all of the same arguments."""
        ...

    def unwrap(
        self,
        wrapped: bytes,
        *,
        shared_secret: bytes,
        user_id: UserId,
        device_id: DeviceId,
        resource_id: ResourceId,
        version: int,
        purpose: WrapPurpose = WrapPurpose.READ,
    ) -> bytes:
        """Decrypt a data key.

        Raises:
            SealedBroken: another secret, user, device, resource, version or way, or changed bytes.
        """
        ...


class SignatureCheck(Protocol):
    """Checks a node's signatures where its private key is not: at readers."""

    def verify(self, public_key: bytes, message: bytes, signature: bytes) -> bool:
        """Tell whether ``signature`` is Ed25519 (RFC 8032) over ``message`` by ``public_key``."""
        ...
