"""What a peer says of its works, as far as we believe it."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.library.video import Fingerprints, MediaFacts

MAX_REMOTE_ID = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteVideo:
    """A video of a peer; ``available`` as the peer says."""

    remote_id: str
    filename: str
    file_size: int
    facts: MediaFacts
    fingerprints: Fingerprints
    web_compatible: bool
    available: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteWork:
    """A checked record of a peer's catalogue.

    ``digest`` is the SHA-256 of the record as it was sent: an equal digest needs no write.
    """

    remote_id: str
    title: str
    year: int | None
    description: str
    director: str
    rating: float | None
    content_rating: str | None
    tags: tuple[str, ...]
    external_ids: Mapping[str, str]
    videos: tuple[RemoteVideo, ...]
    digest: bytes
