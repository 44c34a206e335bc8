"""``/api/v1``: the catalogue as a key may see it.

Works and videos arrive as finished JSON texts; pages are joined, never parsed.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode
from uuid import UUID

import orjson
from flask import Blueprint, Response, request

from app.api import parameters, schemas
from app.api.auth import API_ROOT, ScopeMissing, principal
from app.api.exports import LINES, Exports, asks_for_lines
from app.api.operation import Operation, operation
from domain.errors import NotFound
from domain.federation.api_key import Scope
from domain.ids import VideoId, WorkId
from domain.library.document import timestamp
from domain.library.video import VideoNotFound
from domain.library.work import WorkNotFound
from ports.clock import Clock
from ports.library.catalogue import Catalogue, DocumentPage, StreamTarget, WorkFilter

_JSON = "application/json"
_PICTURE_LIFE = "private, max-age=604800"
_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"RIFF", "image/webp"),
)

ReadPicture = Callable[[StreamTarget], bytes | None]
"""Returns the picture of a video, or None where it has none."""


class ThumbnailNotFound(NotFound):
    """The video has no picture (yet)."""

    code = "thumbnail.not-found"
    title = "There is no picture of that video"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeNames:
    """What the node says of itself."""

    name: str
    description: str
    version: str


class LibraryViews:
    """The views; each reads what its caller may see and nothing else."""

    def __init__(
        self, *, catalogue: Catalogue, read_picture: ReadPicture, clock: Clock, node: NodeNames
    ) -> None:
        self._catalogue, self._read_picture = catalogue, read_picture
        self._clock, self._node = clock, node
        self._exports = Exports(catalogue)

    @operation(
        Operation(
            summary="Check the key and the node",
            scope=Scope.READ,
            action="api.ping",
            answer=schemas.Pong,
            tag="node",
        )
    )
    def ping(self) -> Response:
        """Answer."""
        return _json({"status": "ok", "timestamp": timestamp(self._clock.now())})

    @operation(
        Operation(
            summary="Read who the node is and how much of it the key sees",
            scope=Scope.READ,
            action="api.instance",
            answer=schemas.Instance,
            tag="node",
        )
    )
    def instance(self) -> Response:
        """Describe the node."""
        totals = self._catalogue.totals(principal().visibility)
        return _json(
            {
                "name": self._node.name,
                "version": self._node.version,
                "description": self._node.description,
                "total_works": totals.works,
                "total_videos": totals.videos,
                "total_storage": totals.size_bytes,
            }
        )

    @operation(
        Operation(
            summary="List works",
            scope=Scope.READ,
            query=schemas.WorksQuery,
            answer=schemas.WorksPage,
            also={LINES: "all works, a Work a line; only the parameter filter goes with it"},
        )
    )
    def works(self) -> Response:
        """List works, by number or behind a cursor, or send all of them as lines."""
        args = request.args
        sort, where = parameters.sort(args), parameters.work_filter(args)
        needs = where.needs_metadata or sort.removeprefix("-") == "rating"
        if needs and not principal().visibility.metadata:
            raise ScopeMissing(f"the scope {Scope.METADATA} is missing", scope=Scope.METADATA)
        if asks_for_lines(request.accept_mimetypes):
            return self._exports.answer(args, principal().visibility, where)
        after = parameters.cursor(args)
        paging = parameters.paging(args, per_page=50)
        if after is not None:
            return self._works_after(after, paging.per_page, sort, where)
        page = self._catalogue.works_page(
            principal().visibility,
            page=paging.page,
            per_page=paging.per_page,
            sort=sort,
            where=where,
        )
        response = _page("works", page, paging)
        response.vary.add("Accept")
        if paging.page < paging.total_pages(page.total_count):
            # Who did not ask for a number walks on behind a cursor: as quick at any depth.
            by_number = "page" in args or page.after is None
            onward = {"page": str(paging.page + 1)} if by_number else {"after": str(page.after)}
            _lead_on(response, {**onward, "per_page": str(paging.per_page)})
        return response

    def _works_after(self, after: str, limit: int, sort: str, where: WorkFilter) -> Response:
        part = self._catalogue.works_after(
            principal().visibility, after=after or None, limit=limit, sort=sort, where=where
        )
        pagination = '{"current_page":null,"total_pages":null,"total_count":null}'
        response = _envelope("works", part.documents, pagination)
        response.vary.add("Accept")
        if part.after is not None:
            _lead_on(response, {"after": part.after, "per_page": str(limit)})
        return response

    @operation(
        Operation(
            summary="Read a work with its videos",
            scope=Scope.READ,
            answer=schemas.Work,
            statuses={
                304: "If-None-Match names the present state",
                404: "no such work, as far as the key sees",
            },
        )
    )
    def work(self, work_id: UUID) -> Response:
        """Read one work; its ETag is what If-Match of a change takes."""
        document = self._catalogue.work(principal().visibility, WorkId(work_id))
        if document is None:
            raise WorkNotFound
        response = work_response(document)
        response.make_conditional(request)
        return response

    @operation(
        Operation(
            summary="Read a video",
            scope=Scope.READ,
            answer=schemas.VideoOfWork,
            statuses={404: "no such video, as far as the key sees"},
        )
    )
    def video(self, video_id: UUID) -> Response:
        """Read one video."""
        document = self._catalogue.video(principal().visibility, VideoId(video_id))
        if document is None:
            raise VideoNotFound
        return Response(document, mimetype=_JSON)

    @operation(
        Operation(
            summary="Find videos by the title of their work or their file name",
            scope=Scope.READ,
            limit="search",
            action="api.search",
            query=schemas.SearchQuery,
            answer=schemas.VideosPage,
            statuses={422: "the query is over 200 characters"},
        )
    )
    def search(self) -> Response:
        """Search videos; a blank query finds nothing."""
        query = parameters.search_query(request.args)
        paging = parameters.paging(request.args, per_page=20)
        if not query:
            return _page("videos", DocumentPage((), 0), paging)
        page = self._catalogue.search_videos(
            principal().visibility, query, page=paging.page, per_page=paging.per_page
        )
        return _page("videos", page, paging)

    @operation(
        Operation(
            summary="See a picture of a video",
            scope=Scope.STREAM,
            limit="thumbnail",
            action="api.thumbnail",
            media_type="image/*",
            statuses={304: "the picture is the one you have", 404: "no such video, or no picture"},
        )
    )
    def thumbnail(self, video_id: UUID) -> Response:
        """Send the picture of a video."""
        target = self._catalogue.stream_target(principal().visibility, VideoId(video_id))
        if target is None:
            raise VideoNotFound
        picture = self._read_picture(target)
        kind = None if picture is None else picture_type(picture)
        if picture is None or kind is None:
            raise ThumbnailNotFound
        return picture_response(picture, kind)


def work_response(document: str) -> Response:
    """Send a work, tagged by what is sent."""
    response = Response(document, mimetype=_JSON)
    response.set_etag(work_tag(document))
    return response


def work_tag(document: str) -> str:
    """Return the entity tag of a work as a caller sees it."""
    return hashlib.sha256(document.encode()).hexdigest()[:32]


def picture_type(data: bytes) -> str | None:
    """Return the media type of a picture by its first bytes, or None for what is none of ours."""
    return next((kind for start, kind in _SIGNATURES if data.startswith(start)), None)


def picture_response(data: bytes, media_type: str) -> Response:
    """Send a picture that a browser may keep, or say that the one it has is good."""
    response = Response(data, content_type=media_type)
    response.set_etag(hashlib.sha256(data).hexdigest()[:32])
    response.headers["Cache-Control"] = _PICTURE_LIFE
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.make_conditional(request)
    return response


def blueprint(
    *, catalogue: Catalogue, read_picture: ReadPicture, clock: Clock, node: NodeNames
) -> Blueprint:
    """Build the routes of the library."""
    views = LibraryViews(catalogue=catalogue, read_picture=read_picture, clock=clock, node=node)
    routes = Blueprint("api", __name__, url_prefix=API_ROOT)
    routes.add_url_rule("/ping", view_func=views.ping)
    routes.add_url_rule("/instance", view_func=views.instance)
    routes.add_url_rule("/works", view_func=views.works)
    routes.add_url_rule("/works/<uuid:work_id>", view_func=views.work)
    routes.add_url_rule("/videos/search", view_func=views.search)
    routes.add_url_rule("/videos/<uuid:video_id>", view_func=views.video)
    routes.add_url_rule("/videos/<uuid:video_id>/thumbnail", view_func=views.thumbnail)
    return routes


def _json(body: Mapping[str, object]) -> Response:
    return Response(orjson.dumps(body), mimetype=_JSON)


def _page(name: str, page: DocumentPage, paging: parameters.Paging) -> Response:
    pagination = (
        f'{{"current_page":{paging.page},'
        f'"total_pages":{paging.total_pages(page.total_count)},'
        f'"total_count":{page.total_count}}}'
    )
    return _envelope(name, page.documents, pagination)


def _envelope(name: str, documents: Sequence[str], pagination: str) -> Response:
    body = f'{{"{name}":[{",".join(documents)}],"pagination":{pagination}}}'
    return Response(body, mimetype=_JSON)


def _lead_on(response: Response, changed: Mapping[str, str]) -> None:
    kept = {k: v for k, v in request.args.items() if k in {"sort", "filter"}}
    target = f"{request.path}?{urlencode({**kept, **changed}, quote_via=quote)}"
    response.headers["Link"] = f'<{target}>; rel="next"'
