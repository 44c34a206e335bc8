"""The sealed format VLR1 as arithmetic: layout, sizes, what each key and tag is bound to.

docs/formats/vlr1.md describes it byte by byte. Numbers are big-endian and unsigned:

    header 80 | commitment 32 | chunk 0 | chunk 1 | ...
    chunk  =  IV 16 | ciphertext (plaintext padded to whole blocks) | tag 32

The primitives stand behind ``ports.resources.sealing.Sealer``.
"""

import hashlib
import struct
from dataclasses import dataclass
from uuid import UUID

from domain.errors import Invalid
from domain.ids import ResourceId
from domain.resources.errors import SealedBroken, VersionMismatch

MAGIC = b"VLR1"
SUITE = 1  # AES-256-CBC, HMAC-SHA-256, HKDF-SHA-256; 2 is kept for AES-256-GCM
CHUNK_SIZE = 65_536
DATA_KEY_BYTES = SALT_BYTES = COMMITMENT_BYTES = TAG_BYTES = 32
IV_BYTES = BLOCK = 16
DERIVED_BYTES = 96  # MAC key, encryption key, commitment
MAX_PLAINTEXT = 1 << 40  # 16,777,216 chunks
MAX_VERSION = (1 << 63) - 1  # what databases keep in one column
MAX_KEY_ID = (1 << 32) - 1
KEYS_INFO = b"velour/vlr1/keys"

_HEADER = struct.Struct(">4sI16sQIIQ32s")
_PLACE = struct.Struct(">QB")
HEADER_BYTES = _HEADER.size
PROLOGUE_BYTES = HEADER_BYTES + COMMITMENT_BYTES
ASSOCIATED_BYTES = 32 + _PLACE.size
# RFC 7518, section 5.2: the length of the associated data in bits closes what the tag covers.
ASSOCIATED_LENGTH = (ASSOCIATED_BYTES * 8).to_bytes(8, "big")


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first 80 bytes: what is sealed, and how.

    Args:
        resource_id: of the resource, the same in all its versions.
        version: of the resource, from 1.
        key_id: which of the node's master keys keeps the data key.
        plaintext_length: in bytes.
        salt: 32 random bytes, new for each seal.
        suite: of algorithms; 1.
        chunk_size: bytes of plaintext in each chunk but the last; 65,536 in suite 1.

    Raises:
        Invalid: a field is out of its range; the error names it.
    """

    resource_id: ResourceId
    version: int
    key_id: int
    plaintext_length: int
    salt: bytes
    suite: int = SUITE
    chunk_size: int = CHUNK_SIZE

    def __post_init__(self) -> None:
        _check("suite", self.suite, SUITE, SUITE)
        _check("chunk_size", self.chunk_size, CHUNK_SIZE, CHUNK_SIZE)
        _check("version", self.version, 1, MAX_VERSION)
        _check("key_id", self.key_id, 0, MAX_KEY_ID)
        _check("plaintext_length", self.plaintext_length, 0, MAX_PLAINTEXT)
        if len(self.salt) != SALT_BYTES:
            raise Invalid(f"salt takes {SALT_BYTES} bytes", field="salt")

    def encode(self) -> bytes:
        """Return the 80 bytes."""
        return _HEADER.pack(
            MAGIC,
            self.suite,
            self.resource_id.bytes,
            self.version,
            self.key_id,
            self.chunk_size,
            self.plaintext_length,
            self.salt,
        )

    @classmethod
    def decode(cls, data: bytes) -> "Header":
        """Read the first 80 bytes of ``data``; nothing of them is authentic yet.

        Raises:
            SealedBroken: too short, another magic, suite or chunk size, or an absurd number.
        """
        if len(data) < HEADER_BYTES:
            raise SealedBroken
        magic, suite, resource, version, key_id, chunk, length, salt = _HEADER.unpack_from(data)
        if magic != MAGIC:
            raise SealedBroken
        try:
            return cls(
                resource_id=ResourceId(UUID(bytes=resource)),
                version=version,
                key_id=key_id,
                plaintext_length=length,
                salt=salt,
                suite=suite,
                chunk_size=chunk,
            )
        except Invalid as exc:
            raise SealedBroken from exc

    @property
    def binding(self) -> "Binding":
        """What a reader knows of the header beforehand."""
        return Binding(self.resource_id, self.version, self.key_id, self.plaintext_length)

    @property
    def keys_info(self) -> bytes:
        """What HKDF binds the derived keys to (its ``info``); the salt is the header's."""
        return KEYS_INFO + self.digest

    @property
    def digest(self) -> bytes:
        """SHA-256 of the 80 bytes."""
        return hashlib.sha256(self.encode()).digest()


@dataclass(frozen=True, slots=True)
class Binding:
    """What a sealed file has to be; a reader takes it from the signed manifest."""

    resource_id: ResourceId
    version: int
    key_id: int
    plaintext_length: int

    def require(self, header: Header) -> None:
        """Check the header of a small part before anything is asked of the content network.

        Raises:
            VersionMismatch: it belongs to another version, resource, key or length.
        """
        if header.binding != self:
            raise VersionMismatch(
                f"version_mismatch: the manifest describes version {self.version}, and the small "
                f"part is of version {header.version} or of something else"
            )


@dataclass(frozen=True, slots=True)
class Span:
    """``length`` bytes from byte ``start`` of a sealed file."""

    start: int
    length: int


def chunk_count(plaintext_length: int) -> int:
    """Return the number of chunks; nothing at all is one chunk without content."""
    return max(1, -(-plaintext_length // CHUNK_SIZE))


def chunk_plaintext(plaintext_length: int, index: int) -> int:
    """Return the bytes of plaintext in chunk ``index``."""
    return min(CHUNK_SIZE, plaintext_length - index * CHUNK_SIZE)


def chunk_sealed(plain: int) -> int:
    """Return the bytes of a chunk with ``plain`` bytes of plaintext: IV, padded blocks, tag."""
    return IV_BYTES + plain + BLOCK - plain % BLOCK + TAG_BYTES


FULL_CHUNK = chunk_sealed(CHUNK_SIZE)


def chunk_span(plaintext_length: int, index: int) -> Span:
    """Return where chunk ``index`` stands in the sealed file."""
    start = PROLOGUE_BYTES + index * FULL_CHUNK
    return Span(start, chunk_sealed(chunk_plaintext(plaintext_length, index)))


def sealed_size(plaintext_length: int) -> int:
    """Return the bytes of the whole sealed file."""
    last = chunk_span(plaintext_length, chunk_count(plaintext_length) - 1)
    return last.start + last.length


def split_at(sealed: int, small_size_kb: int) -> int:
    """Return the size of the small part; the big part is the rest, and never empty.

    The smaller of ``small_size_kb`` KiB and 30 % of the sealed file, rounded down, but always the
    header and the commitment.
    """
    return max(PROLOGUE_BYTES, min(small_size_kb * 1024, sealed * 3 // 10))


def associated(header_digest: bytes, index: int, *, final: bool) -> bytes:
    """Return what the tag of a chunk covers besides its bytes: 41 bytes."""
    return header_digest + _PLACE.pack(index, final)


def _check(field: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        wanted = str(low) if low == high else f"{low} to {high}"
        raise Invalid(f"{field} takes {wanted}, not {value}", field=field)
