"""What a scan counts while it runs, and how it reports."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from app.usecases.library.looking import Reading
from domain.library.storage_location import ScanCounts
from domain.library.video import shown

MAX_ERRORS = 100


@dataclass(slots=True)
class Tally:
    """Figures of a scan so far.

    ``errors`` holds the first 100 objects that cannot be taken in, or not wholly; ``failed`` counts
    the former.
    """

    found: int = 0
    probed: int = 0
    added: int = 0
    updated: int = 0
    back: int = 0  # were offline and answer again
    missing: int = 0
    removed: int = 0
    failed: int = 0
    bytes_read: int = 0
    errors: list[dict[str, str]] = field(default_factory=list)

    def read(self, reading: Reading) -> None:
        """Count an object that was looked into, and say what of it could not be had."""
        if reading.probed is not None:
            self.bytes_read += reading.probed.bytes_read
        for fault in reading.faults:
            self._note(fault.item, fault.reason)

    def fail(self, item: str, reason: str) -> None:
        """Count an object that could not be taken in."""
        self.failed += 1
        self._note(item, reason)

    def _note(self, item: str, reason: str) -> None:
        if len(self.errors) < MAX_ERRORS:
            self.errors.append({"item": shown(item) or item, "reason": reason})

    @property
    def counts(self) -> ScanCounts:
        """Return the counts that are kept and reported."""
        return ScanCounts(
            found=self.found,
            added=self.added,
            updated=self.updated,
            missing=self.missing,
            removed=self.removed,
            failed=self.failed,
        )

    def in_words(self) -> str:
        """Say what happened: ``12 videos found, 3 added, 1 failed``."""
        parts = [f"{self.found} {'video' if self.found == 1 else 'videos'} found"]
        for figure, words in (
            (self.added, "added"),
            (self.updated, "updated"),
            (self.back, "back online"),
            (self.removed, "removed"),
            (self.failed, "failed"),
        ):
            if figure:
                parts.append(f"{figure} {words}")
        return ", ".join(parts)


def scan_result(
    *, success: bool, message: str, tally: Tally, held: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    """Return a scan's result as JSON: the shape that the contract fixes.

    ``held`` names videos whose removal waits for an admin, at most 100.
    """
    result: dict[str, Any] = {
        "success": success,
        "message": message,
        "counts": asdict(tally.counts),
        "errors": tally.errors,
    }
    if held:
        result |= {"held": True, "held_items": list(held)}
    return result
