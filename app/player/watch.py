"""The player: a page that plays without a script, and notes how far somebody is; subtitles."""

import hashlib
from http import HTTPStatus
from math import isfinite
from typing import NamedTuple
from uuid import UUID

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue
from flask.views import MethodView

from app.browser.access import the_user
from app.browser.words import track_name
from app.player.library import best_video
from app.player.series import next_episode
from app.usecases.library.artwork import KeptPictures
from app.usecases.library.signed_urls import SignStreamUrl
from app.usecases.library.subtitles import ReadSubtitles
from app.usecases.library.watching import RecordProgress
from domain.errors import Invalid
from domain.ids import VideoId
from domain.library.storage_location import StorageType
from domain.library.video import VideoNotFound
from ports.library.catalogue import EVERYTHING, Catalogue, VideoView, WorkCard, WorkView

_PURPOSE = "player"
_SUBTITLES_LIFE = "private, max-age=3600"


class Track(NamedTuple):
    """Subtitles that the player offers; ``number`` is their place among the video's tracks."""

    number: int
    name: str
    language: str


class Following(NamedTuple):
    """The next episode, and the video of it to play."""

    card: WorkCard
    video_id: VideoId


def tracks_of(video: VideoView) -> list[Track]:
    """Return the tracks that can be shown: of text, and beside the file or in one of ours."""
    is_local = video.storage_type is StorageType.LOCAL
    return [
        Track(number, track_name(track), track.language or "und")
        for number, track in enumerate(video.subtitles)
        if track.is_text and (is_local if track.is_embedded else track.locator)
    ]


class WatchView(MethodView):
    """Plays one video; the other versions of its work are a link away."""

    init_every_request = False

    def __init__(
        self, catalogue: Catalogue, sign_stream_url: SignStreamUrl, pictures: KeptPictures
    ) -> None:
        self._catalogue, self._sign_stream_url = catalogue, sign_stream_url
        self._pictures = pictures

    def get(self, video_id: UUID) -> ResponseReturnValue:
        user = the_user()
        work, video = self._find(VideoId(video_id))
        asked = request.args.get("t", type=float)
        source = self._sign_stream_url(
            video_id=video.id, subject=f"user:{user.id}", purpose=_PURPOSE
        )
        return render_template(
            "player/watch.html",
            work=work,
            video=video,
            source=source,
            start=max(asked, 0.0) if asked is not None and isfinite(asked) else video.position,
            others=[other for other in work.videos if other.id != video.id],
            tracks=tracks_of(video),
            has_storyboard=self._pictures.storyboard_map(video.id) is not None,
            following=self._following(work),
        )

    def _following(self, work: WorkView) -> Following | None:
        card = next_episode(self._catalogue, work, the_user().id)
        found = card and self._catalogue.work_view(EVERYTHING, card.id, viewer=the_user().id)
        video = best_video(found) if found else None
        return Following(card, video.id) if card and video else None

    def _find(self, video_id: VideoId) -> tuple[WorkView, VideoView]:
        target = self._catalogue.stream_target(EVERYTHING, video_id)
        work = target and self._catalogue.work_view(
            EVERYTHING, target.work_id, viewer=the_user().id
        )
        if not work:
            raise VideoNotFound
        video = next((video for video in work.videos if video.id == video_id), None)
        if video is None:
            raise VideoNotFound
        return work, video


class ProgressView(MethodView):
    """Notes the place in the film: every few seconds, on pause, on leaving."""

    init_every_request = False

    def __init__(self, record_progress: RecordProgress) -> None:
        self._record_progress = record_progress

    def post(self, video_id: UUID) -> ResponseReturnValue:
        position = request.form.get("position", type=float)
        if position is None:
            raise Invalid("position takes a number of seconds", field="position")
        self._record_progress(user_id=the_user().id, video_id=VideoId(video_id), position=position)
        return Response(status=HTTPStatus.NO_CONTENT)


class SubtitlesView(MethodView):
    """One track of a video as WebVTT."""

    init_every_request = False

    def __init__(self, catalogue: Catalogue, read_subtitles: ReadSubtitles) -> None:
        self._catalogue, self._read_subtitles = catalogue, read_subtitles

    def get(self, video_id: UUID, number: int) -> ResponseReturnValue:
        target = self._catalogue.stream_target(EVERYTHING, VideoId(video_id))
        if target is None:
            raise VideoNotFound
        text = self._read_subtitles(target=target, number=number).encode()
        response = Response(text, content_type="text/vtt; charset=utf-8")
        response.headers["Cache-Control"] = _SUBTITLES_LIFE
        response.set_etag(hashlib.sha256(text).hexdigest()[:32])
        return response.make_conditional(request)
