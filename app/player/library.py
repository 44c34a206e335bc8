"""Finding something to watch: home, the library's grid, search, a work's page, pictures."""

import hashlib
from http import HTTPStatus
from uuid import UUID

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask.views import MethodView

from app.browser.access import the_user
from app.player.filters import SORT_NAMES, read_filter
from app.usecases.library.thumbnails import ReadThumbnail
from app.usecases.library.watching import MarkWatched
from domain.ids import VideoId, WorkId
from domain.library.video import VideoNotFound
from domain.library.work import WorkNotFound
from ports.library.catalogue import EVERYTHING, CardSlice, Catalogue
from ports.unit_of_work import ReadOnlyFactory

PER_PAGE = 60
MAX_QUERY = 200
_ROW = 12
_PICTURE_LIFE = "private, max-age=604800"
_NO_PICTURE_LIFE = "private, max-age=60"
_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"RIFF", "image/webp"),
)


class HomeView(MethodView):
    """What to go on with, what is new, what there is."""

    init_every_request = False

    def __init__(self, catalogue: Catalogue, read_only: ReadOnlyFactory) -> None:
        self._catalogue, self._read_only = catalogue, read_only

    def get(self) -> ResponseReturnValue:
        viewer = the_user().id
        with self._read_only() as tx:
            libraries = tx.libraries.all()
        recent = self._catalogue.cards(
            EVERYTHING, viewer=viewer, after=None, limit=_ROW, sort="-created_at"
        )
        return render_template(
            "player/home.html",
            begun=self._catalogue.continue_watching(EVERYTHING, viewer=viewer, limit=_ROW),
            recent=recent.cards,
            libraries=libraries,
            counts=self._catalogue.library_counts(),
        )


class LibraryView(MethodView):
    """The grid: sorted and filtered by its address, so that Back and bookmarks work."""

    init_every_request = False

    def __init__(self, catalogue: Catalogue, read_only: ReadOnlyFactory) -> None:
        self._catalogue, self._read_only = catalogue, read_only

    def get(self) -> ResponseReturnValue:
        wanted = read_filter(request.args)
        with self._read_only() as tx:
            libraries = tx.libraries.all()
        page = self._catalogue.cards(
            EVERYTHING,
            viewer=the_user().id,
            after=wanted.after,
            limit=PER_PAGE,
            sort=wanted.sort,
            where=wanted.where,
        )
        return render_template(
            "player/library.html", wanted=wanted, page=page, libraries=libraries, sorts=SORT_NAMES
        )


class SearchView(MethodView):
    """Works whose title or file name matches, best first."""

    init_every_request = False

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def get(self) -> ResponseReturnValue:
        query = request.args.get("q", "").strip()
        is_long = len(query) > MAX_QUERY
        page = CardSlice((), None)
        if query and not is_long:
            page = self._catalogue.cards(
                EVERYTHING,
                viewer=the_user().id,
                after=request.args.get("after") or None,
                limit=PER_PAGE,
                query=query,
            )
        status = HTTPStatus.UNPROCESSABLE_ENTITY if is_long else HTTPStatus.OK
        return render_template(
            "player/search.html", query=query, page=page, is_long=is_long, most=MAX_QUERY
        ), status


class WorkView(MethodView):
    """One work: what it is, where it can be had, how far the viewer is."""

    init_every_request = False

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def get(self, work_id: UUID) -> ResponseReturnValue:
        work = self._catalogue.work_view(EVERYTHING, WorkId(work_id), viewer=the_user().id)
        if work is None:
            raise WorkNotFound
        playable = [video for video in work.videos if video.availability == "available"]
        begun = [video for video in playable if video.position > 0]
        # What was begun goes on; else what a browser plays, the sharpest first.
        best = max(
            begun or playable,
            key=lambda video: (video.web_compatible, video.height or 0),
            default=None,
        )
        return render_template("player/work.html", work=work, best=best)


class WatchedView(MethodView):
    """Sets a work as watched, or as not."""

    init_every_request = False

    def __init__(self, mark_watched: MarkWatched) -> None:
        self._mark_watched = mark_watched

    def post(self, work_id: UUID) -> ResponseReturnValue:
        watched = request.form.get("watched") == "yes"
        self._mark_watched(user_id=the_user().id, work_id=WorkId(work_id), watched=watched)
        flash("Marked as watched." if watched else "Marked as not watched.", "good")
        return redirect(url_for("player.work", work_id=work_id), code=303)


class ArtView(MethodView):
    """A video's still, for whoever may see the video."""

    init_every_request = False

    def __init__(self, catalogue: Catalogue, read_thumbnail: ReadThumbnail) -> None:
        self._catalogue, self._read_thumbnail = catalogue, read_thumbnail

    def get(self, video_id: UUID) -> ResponseReturnValue:
        target = self._catalogue.stream_target(EVERYTHING, VideoId(video_id))
        if target is None:
            raise VideoNotFound
        data = self._read_thumbnail(target=target) or b""
        # A peer may have sent anything; only what looks like a picture is passed on as one.
        kind = next((kind for start, kind in _SIGNATURES if data.startswith(start)), None)
        if kind is None:
            return Response(status=404, headers={"Cache-Control": _NO_PICTURE_LIFE})
        response = Response(data, mimetype=kind, headers={"Cache-Control": _PICTURE_LIFE})
        response.set_etag(hashlib.sha256(data).hexdigest()[:32])
        return response.make_conditional(request)
