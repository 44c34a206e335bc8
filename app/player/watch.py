"""The player: a page that plays without a script, and notes how far somebody is."""

from http import HTTPStatus
from math import isfinite
from uuid import UUID

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue
from flask.views import MethodView

from app.browser.access import the_user
from app.usecases.library.signed_urls import SignStreamUrl
from app.usecases.library.watching import RecordProgress
from domain.errors import Invalid
from domain.ids import VideoId
from domain.library.video import VideoNotFound
from ports.library.catalogue import EVERYTHING, Catalogue, VideoView, WorkView

_PURPOSE = "player"


class WatchView(MethodView):
    """Plays one video; the other versions of its work are a link away."""

    init_every_request = False

    def __init__(self, catalogue: Catalogue, sign_stream_url: SignStreamUrl) -> None:
        self._catalogue, self._sign_stream_url = catalogue, sign_stream_url

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
        )

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
