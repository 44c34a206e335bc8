"""Finding something to watch: home, the library's grid, search, a work's page."""

from http import HTTPStatus
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask.views import MethodView

from app.browser.access import the_user
from app.player.filters import KIND_NAMES, RATINGS, SORT_NAMES, read_filter
from app.player.series import next_episode
from app.usecases.library.watching import MarkWatched
from domain.ids import WorkId
from domain.library.work import WorkNotFound
from ports.library.catalogue import (
    EVERYTHING,
    CardSlice,
    Catalogue,
    TermKind,
    VideoView,
    WorkFilter,
    WorkKind,
)
from ports.library.catalogue import WorkView as ShownWork
from ports.unit_of_work import ReadOnlyFactory

PER_PAGE = 60
MAX_QUERY = 200
_ROW = 12
_GENRES = 100


class HomeView(MethodView):
    """What to go on with, what is new, what there is."""

    init_every_request = False

    def __init__(self, catalogue: Catalogue, read_only: ReadOnlyFactory) -> None:
        self._catalogue, self._read_only = catalogue, read_only

    def get(self) -> ResponseReturnValue:
        viewer = the_user().id
        with self._read_only() as tx:
            libraries = tx.libraries.all()
        films, episodes = (
            self._catalogue.cards(
                EVERYTHING,
                viewer=viewer,
                after=None,
                limit=_ROW,
                sort="-created_at",
                where=WorkFilter(kind=kind),
            ).cards
            for kind in (WorkKind.FILM, WorkKind.EPISODE)
        )
        return render_template(
            "player/home.html",
            begun=self._catalogue.continue_watching(EVERYTHING, viewer=viewer, limit=_ROW),
            films=films,
            episodes=episodes,
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
            "player/library.html",
            wanted=wanted,
            page=page,
            libraries=libraries,
            sorts=SORT_NAMES,
            kinds=KIND_NAMES,
            ratings=RATINGS,
            genres=self._catalogue.terms(TermKind.GENRE, limit=_GENRES),
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
        return render_template(
            "player/work.html",
            work=work,
            best=best_video(work),
            following=next_episode(self._catalogue, work, the_user().id),
        )


def best_video(work: ShownWork) -> VideoView | None:
    """Return the video to play: what was begun; else what browsers play, the sharpest first."""
    playable = [video for video in work.videos if video.availability == "available"]
    begun = [video for video in playable if video.position > 0]
    return max(
        begun or playable,
        key=lambda video: (video.web_compatible, video.height or 0),
        default=None,
    )


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
