"""The viewer's frame: home, library, series, search, works, the player."""

from flask import Blueprint

from app.browser.access import let_people_in
from app.player import library, pictures, series, watch
from app.usecases.library.artwork import KeptPictures
from app.usecases.library.signed_urls import SignStreamUrl
from app.usecases.library.subtitles import ReadSubtitles
from app.usecases.library.thumbnails import ReadThumbnail
from app.usecases.library.watching import MarkWatched, RecordProgress
from ports.library.catalogue import Catalogue
from ports.unit_of_work import ReadOnlyFactory


def blueprint(
    *,
    catalogue: Catalogue,
    read_only: ReadOnlyFactory,
    sign_stream_url: SignStreamUrl,
    read_thumbnail: ReadThumbnail,
    kept_pictures: KeptPictures,
    read_subtitles: ReadSubtitles,
    record_progress: RecordProgress,
    mark_watched: MarkWatched,
) -> Blueprint:
    """Build the viewer's pages; only signed-in people pass."""
    pages = Blueprint("player", __name__, template_folder="templates")
    pages.before_request(let_people_in)
    shown = (catalogue, kept_pictures)
    watched = "/watch/<uuid:video_id>"
    for path, view in (
        ("/", library.HomeView.as_view("home", catalogue, read_only)),
        ("/library", library.LibraryView.as_view("library", catalogue, read_only)),
        ("/search", library.SearchView.as_view("search", catalogue)),
        ("/series", series.SeriesListView.as_view("series", catalogue)),
        ("/series/<uuid:series_id>", series.SeriesPageView.as_view("one_series", catalogue)),
        (
            "/series/<uuid:series_id>/poster",
            pictures.SeriesPosterView.as_view("series_poster", *shown),
        ),
        ("/work/<uuid:work_id>", library.WorkView.as_view("work", catalogue)),
        ("/work/<uuid:work_id>/poster", pictures.PosterView.as_view("poster", *shown)),
        ("/work/<uuid:work_id>/watched", library.WatchedView.as_view("watched", mark_watched)),
        ("/art/<uuid:video_id>", pictures.ArtView.as_view("art", catalogue, read_thumbnail)),
        (watched, watch.WatchView.as_view("watch", catalogue, sign_stream_url, kept_pictures)),
        (f"{watched}/progress", watch.ProgressView.as_view("progress", record_progress)),
        (
            f"{watched}/subtitles/<int:number>.vtt",
            watch.SubtitlesView.as_view("subtitles", catalogue, read_subtitles),
        ),
        (f"{watched}/storyboard.webp", pictures.StoryboardView.as_view("storyboard", *shown)),
        (
            f"{watched}/storyboard.json",
            pictures.StoryboardMapView.as_view("storyboard_map", *shown),
        ),
    ):
        pages.add_url_rule(path, view_func=view)
    return pages
