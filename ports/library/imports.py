"""Writing what a scan found, in bulk: part of a unit of work, a bounded batch at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from domain.ids import LocationId, SeriesId, VideoId, WorkId
from domain.library.matching import Traits
from domain.library.video import Availability, Video
from domain.library.work import Work


@dataclass(frozen=True, slots=True)
class KnownVideo:
    """A stored video as a rescan needs it. ``row`` is a small integer, unique in the node."""

    row: int
    id: VideoId
    work_id: WorkId
    signature: str
    availability: Availability
    extras: str = ""
    missing_since: datetime | None = None


class ScanImport(Protocol):
    """Bulk side of the catalogue for walkable locations."""

    def known(self, location_id: LocationId, locators: Sequence[str]) -> Mapping[str, KnownVideo]:
        """Return the stored videos of those locators (at most 1,000), gone ones included."""
        ...

    def candidates(self, wanted: Sequence[Traits]) -> Sequence[tuple[WorkId, Traits]]:
        """Return own works that might be the same as one of these (at most 1,000).

        They share an external id, a fingerprint, or title and known year with one; some may share
        less: the rule of matching decides.
        """
        ...

    def add(self, pairs: Sequence[tuple[Work | None, Video]]) -> None:
        """Add videos, each with a new work or (None) to the stored work it names."""
        ...

    def update(self, videos: Sequence[Video]) -> None:
        """Write changed videos back by id; id, work and creation time stay."""
        ...

    def set_availability(self, videos: Sequence[VideoId], availability: Availability) -> None:
        """Mark videos (at most 1,000); what is there again, or gone, is not missing any more."""
        ...

    def set_missing(self, videos: Sequence[VideoId], at: datetime) -> None:
        """Mark videos (at most 1,000) as offline and missing, since ``at`` or earlier."""
        ...

    def set_location_offline(self, location_id: LocationId) -> int:
        """Mark the location's available videos offline; return how many."""
        ...

    def iter_known(self, location_id: LocationId) -> Iterator[tuple[str, KnownVideo]]:
        """Yield (locator, video) of all videos of the location that are not gone, lazily."""
        ...

    def iter_posterless(
        self, location_id: LocationId
    ) -> Iterator[tuple[VideoId, WorkId | SeriesId]]:
        """Yield available videos that know of a poster which their work lacks, lazily.

        Along comes whose poster it is: the work's, or of an episode its series'.
        """
        ...

    def count_known(self, location_id: LocationId) -> int:
        """Count the location's videos that are not gone."""
        ...
