"""The viewer's frame: home, library, search, works, the player."""

from flask import Blueprint

from app.browser.access import let_people_in
from app.player import library, watch
from app.usecases.library.signed_urls import SignStreamUrl
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
    record_progress: RecordProgress,
    mark_watched: MarkWatched,
) -> Blueprint:
    """Build the viewer's pages; only signed-in people pass."""
    pages = Blueprint("player", __name__, template_folder="templates")
    pages.before_request(let_people_in)
    for path, view in (
        ("/", library.HomeView.as_view("home", catalogue, read_only)),
        ("/library", library.LibraryView.as_view("library", catalogue, read_only)),
        ("/search", library.SearchView.as_view("search", catalogue)),
        ("/work/<uuid:work_id>", library.WorkView.as_view("work", catalogue)),
        ("/work/<uuid:work_id>/watched", library.WatchedView.as_view("watched", mark_watched)),
        ("/art/<uuid:video_id>", library.ArtView.as_view("art", catalogue, read_thumbnail)),
        ("/watch/<uuid:video_id>", watch.WatchView.as_view("watch", catalogue, sign_stream_url)),
        (
            "/watch/<uuid:video_id>/progress",
            watch.ProgressView.as_view("progress", record_progress),
        ),
    ):
        pages.add_url_rule(path, view_func=view)
    return pages
