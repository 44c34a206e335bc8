"""The tables, as dictionaries that are replaced whole by each commit."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from uuid import UUID, uuid4

from domain.federation.api_key import ApiKey
from domain.federation.audit import ChainedEntry
from domain.federation.connection import Connection
from domain.ids import (
    ApiKeyId,
    ConnectionId,
    DeviceId,
    FolderId,
    JobId,
    LibraryId,
    LocationId,
    ResourceId,
    SeriesId,
    UserId,
    VideoId,
    WorkId,
)
from domain.jobs import Job
from domain.library.series import Series
from domain.library.storage_location import Library, StorageLocation
from domain.library.video import Video
from domain.library.watch import WatchState
from domain.library.work import Work
from domain.people import Session, User
from domain.resources.device import Device
from domain.resources.resource import Folder, Grant, Resource, ResourceAccount, StoredVersion


@dataclass(frozen=True, slots=True)
class Learnt:
    """What is kept about a peer's work beside its fields."""

    digest: bytes
    gone: bool


@dataclass(slots=True)
class Tables:
    """All rows. A row is never changed in place: repositories copy on the way in and out."""

    libraries: dict[LibraryId, Library] = field(default_factory=dict)
    locations: dict[LocationId, StorageLocation] = field(default_factory=dict)
    location_secrets: dict[LocationId, bytes] = field(default_factory=dict)
    works: dict[WorkId, Work] = field(default_factory=dict)
    work_rows: dict[WorkId, int] = field(default_factory=dict)
    series: dict[SeriesId, Series] = field(default_factory=dict)
    learnt: dict[WorkId, Learnt] = field(default_factory=dict)
    videos: dict[VideoId, Video] = field(default_factory=dict)
    video_rows: dict[VideoId, int] = field(default_factory=dict)
    peer_lacks: set[VideoId] = field(default_factory=set)  # offline at the peer itself
    users: dict[UserId, User] = field(default_factory=dict)
    sessions: dict[bytes, Session] = field(default_factory=dict)
    watch_states: dict[tuple[UserId, VideoId], WatchState] = field(default_factory=dict)
    api_keys: dict[ApiKeyId, ApiKey] = field(default_factory=dict)
    connections: dict[ConnectionId, Connection] = field(default_factory=dict)
    sealed_keys: dict[ConnectionId, bytes] = field(default_factory=dict)
    key_digests: dict[ConnectionId, bytes] = field(default_factory=dict)
    audit: list[ChainedEntry] = field(default_factory=list)
    jobs: dict[JobId, Job] = field(default_factory=dict)
    folders: dict[FolderId, Folder] = field(default_factory=dict)
    folder_grants: dict[tuple[FolderId, UserId], Grant] = field(default_factory=dict)
    resources: dict[ResourceId, Resource] = field(default_factory=dict)
    resource_versions: dict[tuple[ResourceId, int], StoredVersion] = field(default_factory=dict)
    resource_smalls: dict[tuple[ResourceId, int], bytes] = field(default_factory=dict)
    resource_accounts: dict[UserId, ResourceAccount] = field(default_factory=dict)
    devices: dict[DeviceId, tuple[Device, int]] = field(default_factory=dict)

    def snapshot(self) -> Tables:
        """Return tables that can change apart from these."""
        return Tables(**{f.name: copy.copy(getattr(self, f.name)) for f in fields(self)})


class MemoryDatabase:
    """What units of work of one test or one process share.

    Args:
        new_id: makes the ids of works and videos that are learnt from peers.
    """

    def __init__(self, new_id: Callable[[], UUID] = uuid4) -> None:
        self.tables = Tables()
        self.writer = threading.Lock()
        self.new_id = new_id
