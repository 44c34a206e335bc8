"""Where videos live, and what the last scan of it said."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from domain.errors import Invalid, NotFound
from domain.ids import ConnectionId, LibraryId, LocationId
from domain.text import clean, clean_name

MAX_NAME = 100
MAX_SCAN_EVERY_HOURS = 24 * 31


class StorageType(StrEnum):
    """The kinds of storage a node reads from."""

    LOCAL = "local"
    S3 = "s3"
    JELLYFIN = "jellyfin"
    WEB = "web"
    VELOUR = "velour"


class LocationNotFound(NotFound):
    """No storage location has this id or name."""

    code = "location.not-found"
    title = "No such storage location"


class LibraryNotFound(NotFound):
    """No library has this id or name."""

    code = "library.not-found"
    title = "No such library"


@dataclass(slots=True, kw_only=True)
class Library:
    """A named set of storage locations: the unit in which a node grants access."""

    id: LibraryId
    name: str
    created_at: datetime
    description: str = ""
    version: int = 0

    def __post_init__(self) -> None:
        self.name = clean_name(self.name, field="name", max_length=MAX_NAME)
        self.description = clean(self.description, field="description", max_length=2000)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanCounts:
    """What a scan did, in objects (for a peer: works)."""

    found: int = 0
    added: int = 0
    updated: int = 0
    missing: int = 0
    removed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LastScan:
    """How the most recent scan of a location ended."""

    started_at: datetime
    finished_at: datetime
    success: bool
    message: str
    counts: ScanCounts
    probed: int = 0
    bytes_read: int = 0
    held: int = 0  # videos whose removal waits for an admin


@dataclass(slots=True, kw_only=True)
class StorageLocation:
    """A place that is scanned for videos.

    ``options`` are the settings of the location's type without its secrets (a local location:
    ``{"path": "/films"}``). Secrets are stored encrypted, apart, and are never returned.
    ``connection_id`` is set for the type velour only. ``scan_every_hours`` None: only when asked.
    ``watch``: scan soon after something changed there, where that can be noticed.
    ``refused_at``: an admin refused to remove what was missing then; it stays, shown as offline.
    """

    id: LocationId
    name: str
    storage_type: StorageType
    library_id: LibraryId
    created_at: datetime
    options: Mapping[str, str] = field(default_factory=dict)
    enabled: bool = True
    reachable: bool | None = None  # None: never tried
    unreachable_reason: str = ""
    last_scan: LastScan | None = None
    scan_every_hours: int | None = None
    watch: bool = False
    refused_at: datetime | None = None
    connection_id: ConnectionId | None = None
    version: int = 0

    def __post_init__(self) -> None:
        self.name = clean_name(self.name, field="name", max_length=MAX_NAME)
        hours = self.scan_every_hours
        if hours is not None and not 1 <= hours <= MAX_SCAN_EVERY_HOURS:
            raise Invalid(
                f"scan_every_hours takes 1 to {MAX_SCAN_EVERY_HOURS}", field="scan_every_hours"
            )
        if self.watch and self.storage_type is not StorageType.LOCAL:
            raise Invalid("only folders of this machine can be watched", field="watch")

    @property
    def waiting_removals(self) -> int:
        """How many missing videos wait for an admin's decision."""
        return self.last_scan.held if self.last_scan else 0

    def refuse_removal(self, *, at: datetime) -> None:
        """Keep what is missing now, shown as offline, and wait for nobody any more."""
        self.refused_at = at
        if self.last_scan is not None:
            self.last_scan = replace(self.last_scan, held=0)

    def is_scan_due(self, now: datetime, *, asked_at: datetime | None = None) -> bool:
        """Tell whether the schedule asks for a scan.

        Args:
            now: the present.
            asked_at: when the last scan was asked for, however it ended; None for never.
        """
        if not self.enabled or self.scan_every_hours is None:
            return False
        last = self.last_scan.finished_at if self.last_scan else self.created_at
        wait = timedelta(hours=self.scan_every_hours)
        # A time far ahead is from before the clock was set right.
        return all(abs(now - one) >= wait for one in (last, asked_at or last))

    def keeps(self, missing_since: datetime | None) -> bool:
        """Tell whether an admin refused to remove a video that is missing since then."""
        refused = self.refused_at
        return missing_since is not None and refused is not None and missing_since <= refused

    def record_scan(self, scan: LastScan, *, reachable: bool, reason: str = "") -> None:
        """Remember how a scan ended and whether the place answered."""
        self.last_scan = scan
        self.reachable = reachable
        self.unreachable_reason = "" if reachable else reason
