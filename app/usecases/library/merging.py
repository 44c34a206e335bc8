"""Showing two works as one, showing them apart again, and splitting a video off."""

from dataclasses import dataclass
from typing import NamedTuple

from app.usecases.library.editing import work_target
from domain.federation.audit import Actor
from domain.ids import VideoId, WorkId
from domain.library.editing import SplitRefused
from domain.library.work import Work
from ports.clock import Clock
from ports.ids import IdFactory
from ports.library.names import NameGuesser
from ports.unit_of_work import ReadOnlyFactory, UnitOfWorkFactory


class Merged(NamedTuple):
    """A work that is hidden behind another, with how many videos it brings."""

    work: Work
    videos: int


@dataclass(frozen=True, slots=True)
class ListMerged:
    """Read which works are shown under another."""

    read_only: ReadOnlyFactory

    def __call__(self, work_id: WorkId) -> tuple[Merged, ...]:
        """Return them, the oldest first."""
        with self.read_only() as tx:
            return tuple(
                Merged(work, len(tx.videos.of(work.id))) for work in tx.works.merged(work_id)
            )


@dataclass(frozen=True, slots=True)
class MergeWorks:
    """Hide one work behind another; its videos are shown there, and nothing is lost."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, work_id: WorkId, *, into: WorkId, actor: Actor) -> Work:
        """Return the work that shows the videos of both; raises WorkNotFound, MergeRefused."""
        now = self.clock.now()
        with self.unit_of_work() as tx:
            work, other = tx.works.get(work_id), tx.works.get(into)
            work.merge_into(other, at=now)
            tx.works.save(work)
            target, detail = work_target(work_id), f"into {work_target(into)}"
            tx.audit.append([actor.did("work.merge", target, at=now, detail=detail)])
            tx.commit()
        return other


@dataclass(frozen=True, slots=True)
class UndoMerge:
    """Show a merged work on its own again."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, work_id: WorkId, *, actor: Actor) -> Work:
        """Return the work; raises WorkNotFound, MergeRefused."""
        now = self.clock.now()
        with self.unit_of_work() as tx:
            work = tx.works.get(work_id)
            detail = f"from work:{work.merged_into}"
            work.undo_merge(at=now)
            tx.works.save(work)
            entry = actor.did("work.undo-merge", work_target(work_id), at=now, detail=detail)
            tx.audit.append([entry])
            tx.commit()
        return work


@dataclass(frozen=True, slots=True)
class SplitVideo:
    """Make a video that was matched wrongly a work of its own, named after its file.

    How far people watched belongs to the video and goes with it.
    """

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    new_id: IdFactory
    names: NameGuesser

    def __call__(self, video_id: VideoId, *, actor: Actor) -> Work:
        """Return the work that the video is in now.

        Raises:
            VideoNotFound
            NotOurs: the video was learnt from a peer.
            SplitRefused: the work has no other video.
        """
        now = self.clock.now()
        with self.unit_of_work() as tx:
            video = tx.videos.get(video_id)
            work = tx.works.get(video.work_id)
            work.require_ours()
            if len(tx.videos.of(work.id)) == 1:
                raise SplitRefused(
                    "Its work has no other video. If it was merged by hand, undo the merge."
                )
            guessed = self.names.guess(video.filename)
            apart = Work(
                id=WorkId(self.new_id()),
                title=guessed.title,
                created_at=now,
                updated_at=now,
                year=guessed.year,
            )
            tx.works.add(apart)
            tx.videos.move(video_id, apart.id)
            target, detail = work_target(work.id), f"video:{video_id} to {work_target(apart.id)}"
            tx.audit.append([actor.did("work.split", target, at=now, detail=detail)])
            tx.commit()
        return apart
