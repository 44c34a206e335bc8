"""The CDN of a node that has none of its own: objects at signed addresses, whole or in ranges."""

from http import HTTPStatus

from flask import Blueprint, Response, request
from werkzeug.exceptions import LengthRequired

from app.api.problems import Malformed
from domain.library.byte_range import Conditions, Refusal, Window, check_preconditions, select
from ports.byte_body import WatchedBody
from ports.resources.cdn import CdnObject, CdnObjectNotFound, ServedCdn


class CdnViews:
    """Views; one instance answers all requests."""

    def __init__(self, cdn: ServedCdn) -> None:
        self._cdn = cdn

    def read(self, token: str, filename: str) -> Response:
        """Send an object, or a part of it, to whoever holds a good address."""
        del filename
        claim = self._cdn.claim(token, writes=False)
        found = self._cdn.head(claim.key)
        if found is None:
            raise CdnObjectNotFound
        asked = request.headers
        conditions = Conditions(
            range=asked.get("Range"),
            if_range=asked.get("If-Range"),
            if_match=asked.get("If-Match"),
            if_none_match=asked.get("If-None-Match"),
        )
        if request.method == "HEAD":
            refused = check_preconditions(conditions, etag=found.etag)
            return _refusal(refused, found) if refused else _answer(found, None)
        chosen = select(conditions, size_bytes=found.size_bytes, etag=found.etag)
        if isinstance(chosen, Refusal):
            return _refusal(chosen, found)
        window = chosen or Window(0, found.size_bytes)
        body = self._cdn.get(found.key, start=window.start, length=window.length)
        answer = _answer(found, chosen)
        answer.response = WatchedBody(body, permit=None, done=None)
        answer.direct_passthrough = True
        return answer

    def write(self, token: str, filename: str) -> Response:
        """Take an object from whoever holds a good address; nothing is kept of a broken one."""
        del filename
        claim = self._cdn.claim(token, writes=True)
        if request.content_length is None:
            raise LengthRequired
        if request.content_length != claim.length:
            raise Malformed(
                f"this address takes exactly {claim.length} bytes", field="Content-Length"
            )
        # One more: a server that ends bodies itself is asked for it, to see that nothing follows.
        request.max_content_length = claim.length + 1
        stored = self._cdn.put(claim.key, request.stream, length=claim.length)  # type: ignore[arg-type] # it has read()
        return Response(
            status=HTTPStatus.CREATED,
            headers={"ETag": f'"{stored.etag}"', "Cache-Control": "no-store"},
        )


def blueprint(cdn: ServedCdn) -> Blueprint:
    """Build the routes of the local CDN."""
    views, routes = CdnViews(cdn), Blueprint("cdn", __name__)
    path = "/cdn/<token>/<filename>"
    routes.add_url_rule(path, view_func=views.read, methods=["GET"])
    routes.add_url_rule(path, view_func=views.write, methods=["PUT"])
    return routes


def _answer(found: CdnObject, chosen: Window | None) -> Response:
    length = found.size_bytes if chosen is None else chosen.length
    response = Response(status=HTTPStatus.OK, content_type="application/octet-stream")
    response.headers.update(
        {
            "Content-Length": str(length),
            "Accept-Ranges": "bytes",
            "ETag": f'"{found.etag}"',
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
            "Content-Disposition": "attachment",
        }
    )
    if chosen is not None:
        last = chosen.start + chosen.length - 1
        response.status_code = HTTPStatus.PARTIAL_CONTENT
        response.headers["Content-Range"] = f"bytes {chosen.start}-{last}/{found.size_bytes}"
    return response


def _refusal(refused: Refusal, found: CdnObject) -> Response:
    if refused is Refusal.NOT_MODIFIED:
        return Response(status=HTTPStatus.NOT_MODIFIED, headers={"ETag": f'"{found.etag}"'})
    if refused is Refusal.PRECONDITION_FAILED:
        return Response(status=HTTPStatus.PRECONDITION_FAILED)
    headers = {"Content-Range": f"bytes */{found.size_bytes}"}
    return Response(status=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, headers=headers)
