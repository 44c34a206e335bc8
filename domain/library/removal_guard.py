"""The removal guard: unreachable is not empty, and a large loss waits for a person."""

from dataclasses import dataclass

MIN_HELD = 20
HELD_SHARE = 0.20


@dataclass(frozen=True, slots=True)
class RemovalDecision:
    """Whether a scan may remove what it no longer finds."""

    held: bool
    missing: int
    known: int

    @property
    def reason(self) -> str:
        """Say why the removal waits; empty where it does not."""
        if not self.held:
            return ""
        return (
            f"{self.missing} of {self.known} videos are no longer there. "
            "They are kept until an admin approves their removal."
        )


def decide(*, known: int, missing: int, approved: int = 0) -> RemovalDecision:
    """Decide on removing ``missing`` of ``known`` videos after a complete scan.

    Held where more than max(20 videos, 20 % of what the location had) would go, unless an admin
    approved as many. What an admin refused to remove is not among them.
    """
    limit = max(MIN_HELD, known * HELD_SHARE, approved)
    return RemovalDecision(held=missing > limit, missing=missing, known=known)
