"""How far people got: noted while they watch, or set by hand."""

from dataclasses import dataclass
from math import isfinite

from domain.errors import Invalid
from domain.ids import UserId, VideoId, WorkId
from domain.library.watch import WatchState
from domain.library.work import WorkNotFound
from ports.clock import Clock
from ports.library.catalogue import EVERYTHING, Catalogue
from ports.unit_of_work import UnitOfWork, UnitOfWorkFactory


@dataclass(frozen=True, slots=True)
class RecordProgress:
    """Note where a person is in a video."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, *, user_id: UserId, video_id: VideoId, position: float) -> WatchState:
        """Return the new state; near the end counts as watched.

        Args:
            user_id: who watches.
            video_id: what.
            position: seconds from the start.

        Raises:
            VideoNotFound, Invalid
        """
        if not isfinite(position) or position < 0:
            raise Invalid("position takes a number of seconds from 0", field="position")
        with self.unit_of_work() as tx:
            video = tx.videos.get(video_id)
            state = self._state(tx, user_id, video_id)
            state.move(position, duration=video.facts.duration, at=self.clock.now())
            tx.watch_states.put(state)
            tx.commit()
        return state

    def _state(self, tx: UnitOfWork, user_id: UserId, video_id: VideoId) -> WatchState:
        return tx.watch_states.find(user_id, video_id) or WatchState(
            user_id=user_id,
            video_id=video_id,
            position=0.0,
            watched=False,
            updated_at=self.clock.now(),
        )


@dataclass(frozen=True, slots=True)
class MarkWatched:
    """Set a work, with all its videos, as watched or not."""

    unit_of_work: UnitOfWorkFactory
    catalogue: Catalogue
    clock: Clock

    def __call__(self, *, user_id: UserId, work_id: WorkId, watched: bool) -> None:
        """Set the state; either way playing starts from the beginning. Raises WorkNotFound."""
        work = self.catalogue.work_view(EVERYTHING, work_id, viewer=None)
        if work is None:
            raise WorkNotFound
        now = self.clock.now()
        with self.unit_of_work() as tx:
            for video in work.videos:
                tx.watch_states.put(
                    WatchState(
                        user_id=user_id,
                        video_id=video.id,
                        position=0.0,
                        watched=watched,
                        updated_at=now,
                    )
                )
            tx.commit()
