"""Peers whose catalogue is a list."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from domain.errors import DomainError
from domain.federation.remote_work import RemoteWork
from ports.federation.peers import (
    CataloguePage,
    InstanceInfo,
    PeerRefused,
    PeerUnreachable,
    Rejected,
)


@dataclass(slots=True)
class MemoryPeer:
    """A peer that answers from ``works``, or with ``fault`` where one is set.

    ``fault_after`` lets pages from that number on (from 0) end in the fault.
    """

    works_held: Sequence[RemoteWork] = ()
    rejected: Sequence[Rejected] = ()
    pictures: dict[str, bytes] = field(default_factory=dict)
    name: str = "peer"
    fault: DomainError | None = None
    fault_after: int = 0

    def instance(self) -> InstanceInfo:
        self._fail(0)
        videos = [video for work in self.works_held for video in work.videos]
        return InstanceInfo(
            name=self.name,
            version="1",
            description="",
            total_works=len(self.works_held),
            total_videos=len(videos),
            total_storage=sum(video.file_size for video in videos),
        )

    def works(self, *, after: str | None, limit: int) -> CataloguePage:
        start = int(after or 0)
        self._fail(start // limit)
        end = start + limit
        more = str(end) if end < len(self.works_held) else None
        rejected = self.rejected if start == 0 else ()
        return CataloguePage(self.works_held[start:end], rejected, len(self.works_held), more)

    def thumbnail(self, remote_video_id: str) -> bytes | None:
        self._fail(0)
        return self.pictures.get(remote_video_id)

    def _fail(self, page: int) -> None:
        if self.fault is not None and page >= self.fault_after:
            raise self.fault


class MemoryPeers:
    """Peers by base URL, each let in with one key."""

    def __init__(self) -> None:
        self._peers: dict[str, tuple[str, MemoryPeer]] = {}

    def add(self, base_url: str, api_key: str, peer: MemoryPeer) -> MemoryPeer:
        """Let ``peer`` answer at that URL to that key."""
        self._peers[base_url] = api_key, peer
        return peer

    def connect(self, base_url: str, api_key: str) -> MemoryPeer:
        wanted, peer = self._peers.get(base_url, (api_key, None))
        if peer is None:
            return MemoryPeer(fault=PeerUnreachable())
        return peer if api_key == wanted else MemoryPeer(fault=PeerRefused())
