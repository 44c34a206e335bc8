"""The removal guard: unreachable is not empty, and a large loss waits for a person."""

from dataclasses import dataclass

MIN_HELD = 20
HELD_SHARE = 0.20


@dataclass(frozen=True, slots=True)
class RemovalDecision:
    """Whether a scan may remove what it no longer finds.

    ``asks``: whether an admin is to be asked; one who refused as many before is not.
    """

    held: bool
    missing: int
    known: int
    asks: bool = True

    @property
    def reason(self) -> str:
        """Say why the removal waits; empty where it does not."""
        if not self.held:
            return ""
        return (
            f"{self.missing} of {self.known} videos are no longer there. "
            "They are kept until an admin approves their removal."
        )


def decide(*, known: int, missing: int, approved: int = 0, refused: int = 0) -> RemovalDecision:
    """Decide on removing ``missing`` of ``known`` videos after a complete scan.

    Held where more than max(20 videos, 20 % of what the location had) would go, unless an admin
    approved that many. Where an admin refused, nothing goes until another scan finds fewer missing
    than would be held anyway.
    """
    limit = max(MIN_HELD, known * HELD_SHARE, approved)
    return RemovalDecision(
        held=missing > limit,
        missing=missing,
        known=known,
        asks=missing > max(limit, refused),
    )
