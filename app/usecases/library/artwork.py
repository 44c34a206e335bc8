"""Upright pictures of works and series: put in by hand, taken out, read."""

from dataclasses import dataclass

from app.usecases.library.editing import EditSeries, EditWork
from app.usecases.library.storyboards import image_name, layout_name
from app.usecases.library.thumbnails import poster_digest, poster_name
from domain.errors import Invalid
from domain.federation.audit import Actor
from domain.ids import SeriesId, VideoId, WorkId
from ports.library.media import Artist, AssetStore, MediaUnreadable
from ports.unit_of_work import ReadOnlyFactory

MAX_UPLOAD_BYTES = 10 * 1024 * 1024
MAX_WIDTH, MAX_HEIGHT = 1000, 1500  # pixels


class PictureRefused(Invalid):
    """What was sent is not a picture that can be kept."""

    code = "picture.refused"
    title = "The picture cannot be used"


@dataclass(frozen=True, slots=True)
class PosterStudio:
    """Makes the kept picture out of what somebody sent."""

    artist: Artist
    assets: AssetStore

    def keep(self, item_id: WorkId | SeriesId, data: bytes) -> str:
        """Keep the picture and return its digest.

        Raises:
            PictureRefused: nothing, too much, or no JPEG, PNG or WebP picture that can be read.
        """
        if not data:
            raise PictureRefused("Choose a picture.", field="picture")
        if len(data) > MAX_UPLOAD_BYTES:
            raise PictureRefused("A picture takes at most 10 MiB.", field="picture")
        try:
            picture = self.artist.artwork(data, max_width=MAX_WIDTH, max_height=MAX_HEIGHT)
        except MediaUnreadable as exc:
            raise PictureRefused(str(exc), field="picture") from exc
        self.assets.put(poster_name(item_id), picture)
        return poster_digest(picture)


@dataclass(frozen=True, slots=True)
class SetWorkPoster:
    """Give a work a picture of one's own; the scans leave it alone."""

    read_only: ReadOnlyFactory
    studio: PosterStudio
    edit: EditWork

    def __call__(self, work_id: WorkId, data: bytes, *, actor: Actor) -> None:
        """Raise WorkNotFound, NotOurs, PictureRefused."""
        with self.read_only() as tx:
            tx.works.get(work_id).require_ours()
        self.edit(work_id, {"poster": self.studio.keep(work_id, data)}, actor=actor)


@dataclass(frozen=True, slots=True)
class SetSeriesPoster:
    """Give a series a picture of one's own; the scans leave it alone."""

    read_only: ReadOnlyFactory
    studio: PosterStudio
    edit: EditSeries

    def __call__(self, series_id: SeriesId, data: bytes, *, actor: Actor) -> None:
        """Raise SeriesNotFound, PictureRefused."""
        with self.read_only() as tx:
            tx.series.get(series_id)
        self.edit(series_id, {"poster": self.studio.keep(series_id, data)}, actor=actor)


@dataclass(frozen=True, slots=True)
class RemoveWorkPoster:
    """Take a work's picture away; none comes back until it is given back to the scans."""

    edit: EditWork
    assets: AssetStore

    def __call__(self, work_id: WorkId, *, actor: Actor) -> None:
        """Raise WorkNotFound, NotOurs."""
        self.edit(work_id, {"poster": ""}, actor=actor)
        self.assets.remove(poster_name(work_id))


@dataclass(frozen=True, slots=True)
class RemoveSeriesPoster:
    """Take a series' picture away; none comes back until it is given back to the scans."""

    edit: EditSeries
    assets: AssetStore

    def __call__(self, series_id: SeriesId, *, actor: Actor) -> None:
        """Raise SeriesNotFound."""
        self.edit(series_id, {"poster": ""}, actor=actor)
        self.assets.remove(poster_name(series_id))


@dataclass(frozen=True, slots=True)
class KeptPictures:
    """Read pictures that are kept; who may see them is asked before.

    An empty asset stands for a picture that cannot be had: there is none then.
    """

    assets: AssetStore

    def poster(self, item_id: WorkId | SeriesId) -> bytes | None:
        """Return the upright picture of a work or a series, or None."""
        return self.assets.find(poster_name(item_id)) or None

    def storyboard(self, video_id: VideoId) -> bytes | None:
        """Return the grid of pictures of a video, or None."""
        return self.assets.find(image_name(video_id)) or None

    def storyboard_map(self, video_id: VideoId) -> bytes | None:
        """Return as JSON how a video's grid is laid out, or None."""
        return self.assets.find(layout_name(video_id)) or None
