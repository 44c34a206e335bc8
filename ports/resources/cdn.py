"""Where the big parts of resources are: a cheap store that nobody has to trust.

A key is made of ids only, ``folder/resource/version.big``. What stands under a key never changes:
objects are added and removed, and never written over.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

from domain.errors import BadUpstream, Conflict, Forbidden, Invalid, NotFound, Unavailable
from ports.byte_body import ByteBody

_KEY = re.compile(r"[A-Za-z0-9-]{1,64}(/[A-Za-z0-9-]{1,64}){0,3}\.[a-z]{1,8}", re.ASCII)


class CdnObjectNotFound(NotFound):
    """No object of the CDN has this key."""

    code = "cdn.object-not-found"
    title = "There is no such object in the CDN"


class CdnObjectExists(Conflict):
    """Objects of the CDN are never written over."""

    code = "cdn.object-exists"
    title = "There is an object of that name in the CDN already"


class CdnUploadIncomplete(Invalid):
    """Fewer or more bytes came than were announced; nothing was kept."""

    code = "cdn.upload-incomplete"
    title = "The bytes that came are not as many as were announced"


class CdnUnreachable(Unavailable):
    """The CDN does not answer, or not in time."""

    code = "cdn.unreachable"
    title = "The CDN does not answer at the moment"


class CdnRefuses(BadUpstream):
    """The CDN refuses this node, or its answer makes no sense."""

    code = "cdn.refuses"
    title = "The CDN does not do what this node asks of it"


class CdnLinkRefused(Forbidden):
    """Forged and expired addresses look the same."""

    code = "cdn.link-refused"
    title = "This address is not valid, or no longer"


@dataclass(frozen=True, slots=True, kw_only=True)
class CdnObject:
    """An object as the CDN describes it; ``etag`` without quotes."""

    key: str
    size_bytes: int
    etag: str
    stored_at: datetime


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request that anybody may send until it expires, with at least these header fields.

    The length of a body was announced and has to be just that. ``url`` begins with a slash where
    this node itself answers.
    """

    method: str
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPlan:
    """How an object is written: by ``whole``, or by ``parts`` in their order and ``complete``.

    Each part but the last has ``part_bytes`` bytes. ``complete`` takes the XML document of S3's
    CompleteMultipartUpload with the part numbers (from 1) and their ``ETag`` fields.
    """

    whole: SignedRequest | None = None
    parts: tuple[SignedRequest, ...] = ()
    part_bytes: int = 0
    complete: SignedRequest | None = None


class Cdn(Protocol):
    """Objects by key. Every method raises CdnUnreachable or CdnRefuses where the store fails."""

    def put(self, key: str, source: BinaryIO, *, length: int) -> CdnObject:
        """Store the ``length`` bytes of ``source``; the object appears whole or not at all.

        Raises:
            CdnObjectExists: the key is taken.
            CdnUploadIncomplete: the source has fewer bytes, or more.
            OutOfSpace: a disk of this node is full.
        """
        ...

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> ByteBody:
        """Open ``length`` bytes from byte ``start``; to the end where None. The caller closes.

        Reading past the end is not an error: the body is shorter.

        Raises:
            CdnObjectNotFound
        """
        ...

    def head(self, key: str) -> CdnObject | None:
        """Describe an object; None where there is none."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object. Removing an absent one is not an error."""
        ...

    def iter_objects(self, prefix: str = "") -> Iterator[CdnObject]:
        """Yield the objects whose keys begin so, lazily and in no particular order."""
        ...

    def presign_get(self, key: str, *, expires_s: int) -> SignedRequest:
        """Return the request that reads this object, whole or in ranges, and nothing else."""
        ...

    def presign_put(self, key: str, *, length: int, expires_s: int) -> UploadPlan:
        """Return the requests that write ``length`` bytes under this key, and nothing else.

        Raises:
            CdnObjectExists: the key is taken.
        """
        ...

    def discard_unfinished(self, *, before: datetime) -> int:
        """Remove what uploads left that began before and never ended; return how many."""
        ...


def check_key(key: str) -> str:
    """Return ``key`` if an object may be called so.

    Raises:
        ValueError: it is not made of ids; a mistake of the program.
    """
    if not _KEY.fullmatch(key):
        raise ValueError("not a key of the CDN")
    return key


@dataclass(frozen=True, slots=True)
class CdnClaim:
    """What a signed address of this node allows; ``length`` of what is written."""

    key: str
    length: int


class ServedCdn(Cdn, Protocol):
    """A CDN whose addresses this node answers itself."""

    def claim(self, token: str, *, writes: bool) -> CdnClaim:
        """Return what the address with that token allows.

        Raises:
            CdnLinkRefused: forged, expired, or for the other direction.
        """
        ...
