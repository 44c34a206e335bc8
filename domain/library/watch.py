"""How far a person got in a work."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import UserId, VideoId

WATCHED_SHARE = 0.95


@dataclass(slots=True, kw_only=True)
class WatchState:
    """Position of one person in one video; the last action wins, "unwatched" included."""

    user_id: UserId
    video_id: VideoId
    position: float  # seconds
    watched: bool
    updated_at: datetime

    def move(self, position: float, *, duration: float | None, at: datetime) -> None:
        """Remember ``position`` (seconds); near the end counts as watched, from the start again."""
        if at < self.updated_at:
            return
        self.updated_at = at
        if duration and position >= duration * WATCHED_SHARE:
            self.watched, self.position = True, 0.0
        else:
            self.position = max(position, 0.0)

    def mark(self, *, watched: bool, at: datetime) -> None:
        """Set the state by hand; either way playing starts from the beginning."""
        if at >= self.updated_at:
            self.watched, self.position, self.updated_at = watched, 0.0, at
