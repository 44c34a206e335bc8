"""Stills, posters and storyboards, for whoever may see what they show."""

import hashlib
from uuid import UUID

from flask import Response, request
from flask.typing import ResponseReturnValue
from flask.views import MethodView

from app.usecases.library.artwork import KeptPictures
from app.usecases.library.thumbnails import ReadThumbnail
from domain.ids import SeriesId, VideoId, WorkId
from domain.library.video import VideoNotFound
from ports.library.catalogue import EVERYTHING, Catalogue, StreamTarget

_LIFE = "private, max-age=604800"
_FOR_GOOD = "private, max-age=31536000, immutable"
_ASK_AGAIN = "private, no-cache"
_NONE_LIFE = "private, max-age=60"
_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"RIFF", "image/webp"),
)


class ArtView(MethodView):
    """A video's still."""

    init_every_request = False

    def __init__(self, catalogue: Catalogue, read_thumbnail: ReadThumbnail) -> None:
        self._catalogue, self._read_thumbnail = catalogue, read_thumbnail

    def get(self, video_id: UUID) -> ResponseReturnValue:
        target = _target(self._catalogue, video_id)
        return _picture(self._read_thumbnail(target=target), life=_LIFE)


class PosterView(MethodView):
    """A work's upright picture; its address names the digest, so browsers keep it for good."""

    init_every_request = False

    def __init__(self, catalogue: Catalogue, pictures: KeptPictures) -> None:
        self._catalogue, self._pictures = catalogue, pictures

    def get(self, work_id: UUID) -> ResponseReturnValue:
        work = self._catalogue.work_view(EVERYTHING, WorkId(work_id), viewer=None)
        if work is None or not work.poster:
            return _none()
        return _poster(self._pictures.poster(work.id), work.poster)


class SeriesPosterView(MethodView):
    """A series' upright picture."""

    init_every_request = False

    def __init__(self, catalogue: Catalogue, pictures: KeptPictures) -> None:
        self._catalogue, self._pictures = catalogue, pictures

    def get(self, series_id: UUID) -> ResponseReturnValue:
        series = self._catalogue.series_view(EVERYTHING, SeriesId(series_id))
        if series is None or not series.poster:
            return _none()
        return _poster(self._pictures.poster(series.id), series.poster)


class StoryboardView(MethodView):
    """The grid of pictures that the time line shows."""

    init_every_request = False

    def __init__(self, catalogue: Catalogue, pictures: KeptPictures) -> None:
        self._catalogue, self._pictures = catalogue, pictures

    def get(self, video_id: UUID) -> ResponseReturnValue:
        target = _target(self._catalogue, video_id)
        return _picture(self._pictures.storyboard(target.video_id), life=_LIFE)


class StoryboardMapView(MethodView):
    """How the grid is laid out: columns, count, tile_width, tile_height (pixels), interval_s."""

    init_every_request = False

    def __init__(self, catalogue: Catalogue, pictures: KeptPictures) -> None:
        self._catalogue, self._pictures = catalogue, pictures

    def get(self, video_id: UUID) -> ResponseReturnValue:
        target = _target(self._catalogue, video_id)
        layout = self._pictures.storyboard_map(target.video_id)
        if not layout:
            return _none()
        return Response(layout, mimetype="application/json", headers={"Cache-Control": _LIFE})


def _target(catalogue: Catalogue, video_id: UUID) -> StreamTarget:
    target = catalogue.stream_target(EVERYTHING, VideoId(video_id))
    if target is None:
        raise VideoNotFound
    return target


def _poster(data: bytes | None, digest: str) -> ResponseReturnValue:
    life = _FOR_GOOD if request.args.get("v") == digest else _ASK_AGAIN
    return _picture(data, life=life, etag=digest)


def _picture(data: bytes | None, *, life: str, etag: str = "") -> ResponseReturnValue:
    # A peer may have sent anything; only what looks like a picture is passed on as one.
    kind = next((kind for start, kind in _SIGNATURES if (data or b"").startswith(start)), None)
    if data is None or kind is None:
        return _none()
    response = Response(data, mimetype=kind, headers={"Cache-Control": life})
    response.set_etag(etag or hashlib.sha256(data).hexdigest()[:32])
    return response.make_conditional(request)


def _none() -> Response:
    return Response(status=404, headers={"Cache-Control": _NONE_LIFE})
