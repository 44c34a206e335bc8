"""Series: all of them, one with its seasons, and what comes after an episode."""

from uuid import UUID

from flask import render_template, request
from flask.typing import ResponseReturnValue
from flask.views import MethodView

from app.browser.access import the_user
from domain.ids import SeriesId, UserId, WorkId
from domain.library.series import SeriesNotFound
from ports.library.catalogue import (
    EPISODE_SORT,
    EVERYTHING,
    Catalogue,
    SeriesView,
    WorkCard,
    WorkFilter,
    WorkView,
)

PER_PAGE = 60
_AT_ONCE = 200
_MOST_SLICES = 20  # of a season that is searched for an episode


class SeriesListView(MethodView):
    """All series, by title."""

    init_every_request = False

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def get(self) -> ResponseReturnValue:
        after = request.args.get("after") or None
        page = self._catalogue.series_cards(EVERYTHING, after=after, limit=PER_PAGE)
        return render_template("player/series_list.html", page=page, after=after)


class SeriesPageView(MethodView):
    """One series; a season at a time."""

    init_every_request = False

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def get(self, series_id: UUID) -> ResponseReturnValue:
        series = self._catalogue.series_view(EVERYTHING, SeriesId(series_id))
        if series is None:
            raise SeriesNotFound
        season = _season(request.args.get("season", ""), series)
        page = self._catalogue.cards(
            EVERYTHING,
            viewer=the_user().id,
            after=request.args.get("after") or None,
            limit=PER_PAGE,
            sort=EPISODE_SORT,
            where=WorkFilter(series=series.id, season=season),
        )
        return render_template(
            "player/series.html",
            series=series,
            season=season,
            page=page,
            after=request.args.get("after"),
            upcoming=next((one for one in page.cards if one.available and not one.watched), None),
        )


def next_episode(catalogue: Catalogue, work: WorkView, viewer: UserId) -> WorkCard | None:
    """Return the episode after ``work`` in its series, across seasons; None where there is none."""
    if work.series is None or work.season is None:
        return None
    series = catalogue.series_view(EVERYTHING, work.series.id)
    if series is None:
        return None
    following = _behind(catalogue, series.id, work.season, work.id, viewer)
    if following is not None:
        return following
    later = [one.number for one in series.seasons if one.number > work.season]
    if not later or work.season == 0:
        return None
    cards = catalogue.cards(
        EVERYTHING,
        viewer=viewer,
        after=None,
        limit=1,
        sort=EPISODE_SORT,
        where=WorkFilter(series=series.id, season=min(later)),
    ).cards
    return cards[0] if cards else None


def _behind(
    catalogue: Catalogue, series_id: SeriesId, season: int, work_id: WorkId, viewer: UserId
) -> WorkCard | None:
    """Walk a season until behind an episode."""
    after, found = None, False
    for _ in range(_MOST_SLICES):
        part = catalogue.cards(
            EVERYTHING,
            viewer=viewer,
            after=after,
            limit=_AT_ONCE,
            sort=EPISODE_SORT,
            where=WorkFilter(series=series_id, season=season),
        )
        for card in part.cards:
            if found:
                return card
            found = card.id == work_id
        after = part.after
        if after is None:
            return None
    return None


def _season(text: str, series: SeriesView) -> int:
    """Return the season that was asked for; the first real one where none, or no such one, was."""
    numbers = [one.number for one in series.seasons]
    wanted = int(text) if text.isascii() and text.isdigit() and len(text) < 7 else -1
    if wanted in numbers:
        return wanted
    return next((number for number in numbers if number > 0), numbers[0] if numbers else 0)
