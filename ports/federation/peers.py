"""Another node, as we read from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from domain.errors import BadUpstream, Forbidden, Unavailable
from domain.federation.remote_work import RemoteWork


class PeerUnreachable(Unavailable):
    """The peer did not answer in time, or may not be contacted."""

    code = "peer.unreachable"
    title = "The peer does not answer"


class PeerSlow(PeerUnreachable):
    """The peer was reached, or tried, and the time for an answer ran out."""

    code = "peer.slow"
    title = "The peer does not answer in time"


class AddressForbidden(PeerUnreachable):
    """The address is private or special and no setting allows it."""

    code = "address.forbidden"
    title = "That address may not be contacted"


class PeerRefused(Forbidden):
    """The peer answers and does not let us in."""

    code = "peer.refused"
    title = "The peer refuses the request"


class PeerMisbehaves(BadUpstream):
    """The peer's answer breaks the protocol or a cap."""

    code = "peer.misbehaves"
    title = "The peer's answer cannot be used"


class LimitReached(PeerMisbehaves):
    """The peer sends more than it may (bytes, records, pages or time)."""

    code = "peer.limit-reached"
    title = "limit_reached"


class CycleDetected(PeerMisbehaves):
    """The peer sends the same place in its catalogue again."""

    code = "peer.cycle"
    title = "cycle"


@dataclass(frozen=True, slots=True, repr=False)
class PeerAccess:
    """A node's base URL and the key that is sent there and nowhere else; never printed."""

    base_url: str
    api_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceInfo:
    """What a peer says of itself."""

    name: str
    version: str
    description: str
    total_works: int
    total_videos: int
    total_storage: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that was not believed, with the reason."""

    remote_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """A page of a peer's works. ``after`` continues it, None at the end."""

    works: Sequence[RemoteWork]
    rejected: Sequence[Rejected]
    announced_total: int
    after: str | None


class Peer(Protocol):
    """One peer with its base URL and key."""

    def instance(self) -> InstanceInfo:
        """Ask who it is, and with that whether it answers and lets us in.

        Raises:
            PeerUnreachable, PeerRefused, PeerMisbehaves
        """
        ...

    def works(self, *, after: str | None, limit: int) -> CataloguePage:
        """Read one page of the catalogue, from the start where ``after`` is None.

        Raises:
            PeerUnreachable, PeerRefused, PeerMisbehaves
        """
        ...

    def thumbnail(self, remote_video_id: str) -> bytes | None:
        """Return a picture of a video (at most 2 MiB, an allowed type), or None."""
        ...


class Peers(Protocol):
    """Makes the client of a peer."""

    def connect(self, base_url: str, api_key: str) -> Peer:
        """Return a client; nothing is sent yet."""
        ...
