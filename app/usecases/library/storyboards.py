"""Storyboards: small pictures all along a film, for hovering over the player's time line."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from app.usecases.jobs import Enqueue
from domain.ids import LocationId, VideoId
from domain.jobs import Job
from domain.library.video import Availability, Video
from ports.jobs import JobContext
from ports.library.media import AssetStore, MediaUnreadable, Storyboarder
from ports.library.storage import Storages
from ports.unit_of_work import ReadOnlyFactory

STORYBOARDS = "storyboards"
SLICE_S = 30.0  # then other jobs get their turn
NONE = b""  # kept where none can be had


def image_name(video_id: VideoId) -> str:
    """Return the name of a storyboard's picture in the asset store."""
    return f"storyboards/{video_id}.webp"


def layout_name(video_id: VideoId) -> str:
    """Return the name of what says how the picture is laid out: JSON, see ``Storyboard``."""
    return f"storyboards/{video_id}.json"


@dataclass(frozen=True, slots=True)
class RequestStoryboards:
    """Queue the job of a location; one waits at a time."""

    enqueue: Enqueue

    def __call__(self, location_id: LocationId, *, after: str = "") -> Job:
        """Return the job; ``after`` is the locator behind which it goes on."""
        return self.enqueue(
            name=STORYBOARDS,
            arguments={"location_id": str(location_id), "after": after},
            key=f"{STORYBOARDS}:{location_id}:{after}",
        )


@dataclass(frozen=True, slots=True)
class MakeStoryboards:
    """The job: it works for half a minute and asks for its own continuation."""

    read_only: ReadOnlyFactory
    storages: Storages
    assets: AssetStore
    storyboarder: Storyboarder
    go_on: RequestStoryboards
    monotonic: Callable[[], float] = time.monotonic

    def __call__(self, context: JobContext, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make those that are lacking; raises LocationNotFound."""
        location_id = LocationId(UUID(arguments["location_id"]))
        with self.read_only() as tx:
            storage = self.storages.walkable(tx.locations.get(location_id))
        made = failed = 0
        ends_at = self.monotonic() + SLICE_S
        last = str(arguments.get("after", ""))
        for video in self._lacking(location_id, last):
            path = storage.local_path(video.locator) if storage is not None else None
            if path is None:  # reading a whole film over the network for hints is not worth it
                break
            if self.monotonic() > ends_at:
                self.go_on(location_id, after=last)
                break
            done = self._make(video, path)
            made, failed, last = made + done, failed + (not done), video.locator
            context.progress(made=made, failed=failed)
        return {"made": made, "failed": failed}

    def _make(self, video: Video, path: str) -> bool:
        try:
            board = self.storyboarder.storyboard(path)
        except MediaUnreadable:
            self.assets.put(image_name(video.id), NONE)
            return False
        layout = {name: value for name, value in asdict(board).items() if name != "image"}
        self.assets.put(layout_name(video.id), json.dumps(layout).encode())
        self.assets.put(image_name(video.id), board.image)
        return True

    def _lacking(self, location_id: LocationId, after: str) -> Iterator[Video]:
        with self.read_only() as tx:
            wanted = [
                (locator, known.id)
                for locator, known in tx.scans.iter_known(location_id)
                if locator > after
                and known.availability is Availability.AVAILABLE
                and not self.assets.has(image_name(known.id))
            ]
        for _, video_id in sorted(wanted):  # databases differ in how they order texts
            with self.read_only() as tx:
                video = tx.videos.get(video_id)
            if video.facts.duration:
                yield video
