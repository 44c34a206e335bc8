"""Identifiers: UUIDs told apart by the type checker, free at run time.

All are UUIDv7 made by this node: opaque, stable, never derived from a path, never reused.
"""

from typing import NewType
from uuid import UUID

LibraryId = NewType("LibraryId", UUID)
LocationId = NewType("LocationId", UUID)
WorkId = NewType("WorkId", UUID)
VideoId = NewType("VideoId", UUID)
SeriesId = NewType("SeriesId", UUID)
UserId = NewType("UserId", UUID)
ApiKeyId = NewType("ApiKeyId", UUID)
ConnectionId = NewType("ConnectionId", UUID)
JobId = NewType("JobId", UUID)
AuditId = NewType("AuditId", UUID)
FolderId = NewType("FolderId", UUID)
ResourceId = NewType("ResourceId", UUID)
DeviceId = NewType("DeviceId", UUID)
