"""Other nodes, over HTTP."""

import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import orjson

from adapters.http.documents import Documents
from adapters.http.records import check_records
from domain.errors import Invalid
from domain.library.description import YEARS_AHEAD
from domain.text import clean
from ports.clock import Clock
from ports.federation.peers import (
    CataloguePage,
    InstanceInfo,
    LimitReached,
    PeerMisbehaves,
    PeerRefused,
    PeerUnreachable,
)
from ports.outbound import WebDocument

MAX_CURSOR = 2000
MAX_PICTURE = 2 * 1024 * 1024
# Brackets, braces, commas and colons: what bounds the memory that a parsed page takes.
MAX_MARKS = 250_000
MAX_TOTAL = 2**53
_PICTURES = frozenset({"image/jpeg", "image/webp", "image/png"})
_NEXT = re.compile(r'<([^<>]*)>\s*;[^,]*\brel="?next"?')
_STATES = {
    "suspended": "suspended by peer",
    "rejected": "rejected by peer",
    "revoked": "revoked by peer",
    "pending": "not yet approved by peer",
}
_CODES = {
    "federation.disabled": "federation disabled by peer",
    "key.refused": "the peer says that the key is unknown, expired or revoked",
    "key.address-not-allowed": "the key may not be used from this node's address",
    "scope.missing": "the key lacks a scope",
}


class HttpPeers:
    """Makes clients of peers; they share connections and caps."""

    def __init__(self, documents: Documents, clock: Clock, *, max_record_bytes: int) -> None:
        self._documents, self._clock = documents, clock
        self._max_record_bytes = max_record_bytes

    def connect(self, base_url: str, api_key: str) -> "HttpPeer":
        """Return a client; nothing is sent yet."""
        return HttpPeer(
            self._documents,
            base_url,
            api_key,
            last_year=self._clock.now().year + YEARS_AHEAD,
            max_record_bytes=self._max_record_bytes,
        )


class HttpPeer:
    """Reads one node's API under its base URL. The key goes there and nowhere else."""

    def __init__(
        self,
        documents: Documents,
        base_url: str,
        api_key: str,
        *,
        last_year: int,
        max_record_bytes: int,
    ) -> None:
        self._documents, self._api = documents, f"{base_url}/api/v1"
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._last_year, self._max_record_bytes = last_year, max_record_bytes

    def instance(self) -> InstanceInfo:
        """Ask who it is."""
        said = self._object("/instance")
        return InstanceInfo(
            name=_label(said.get("name"), 200),
            version=_label(said.get("version"), 50),
            description=_label(said.get("description"), 2000),
            total_works=_count(said.get("total_works")),
            total_videos=_count(said.get("total_videos")),
            total_storage=_count(said.get("total_storage")),
        )

    def works(self, *, after: str | None, limit: int) -> CataloguePage:
        """Read one page: by the peer's own cursor where it gives one, else by page numbers."""
        query = {"per_page": str(limit), **_position(after)}
        document = self._get(f"/works?{urlencode(query)}")
        said = _parse(document)
        records = said.get("works")
        if type(records) is not list:
            raise PeerMisbehaves("its page has no list of works")
        pagination = said.get("pagination")
        figures = pagination if type(pagination) is dict else {}
        works, rejected = check_records(
            records, last_year=self._last_year, max_record_bytes=self._max_record_bytes
        )
        return CataloguePage(
            works=works,
            rejected=rejected,
            announced_total=_count(figures.get("total_count")),
            after=_next(document, figures, after),
        )

    def thumbnail(self, remote_video_id: str) -> bytes | None:
        """Return a picture of a video, or None."""
        path = f"/videos/{quote(remote_video_id, safe='')}/thumbnail"
        document = self._send(path, accept="image/webp, image/jpeg, image/png")
        if document.status == HTTPStatus.NOT_FOUND:
            return None
        _check_status(document)
        if _content_type(document) not in _PICTURES:
            raise PeerMisbehaves("its picture is of a type that is not allowed")
        if len(document.content) > MAX_PICTURE:
            raise LimitReached(f"limit_reached: a picture of more than {MAX_PICTURE} bytes")
        return bytes(document.content)

    def _object(self, path: str) -> dict[str, Any]:
        return _parse(self._get(path))

    def _get(self, path: str) -> WebDocument:
        document = self._send(path, accept="application/json")
        _check_status(document)
        if _content_type(document) != "application/json":
            raise PeerMisbehaves("it does not answer in JSON; is this the address of a node?")
        return document

    def _send(self, path: str, *, accept: str) -> WebDocument:
        return self._documents.get(self._api + path, headers={**self._headers, "Accept": accept})


def refusal(status: int, content: bytes | bytearray) -> PeerRefused | None:
    """Return what a 401 or 403 means, in words of ours and never the peer's; None for others."""
    if status not in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return None
    try:
        problem = orjson.loads(bytes(content[:65_536]))
    except orjson.JSONDecodeError:
        problem = {}
    fields = problem if type(problem) is dict else {}
    state, code = fields.get("state"), fields.get("code")
    if type(state) is str and state in _STATES:
        return PeerRefused(_STATES[state], state=state)
    if type(code) is str and code in _CODES:
        return PeerRefused(_CODES[code], state=code)
    if status == HTTPStatus.UNAUTHORIZED:
        return PeerRefused(_CODES["key.refused"], state="key.refused")
    return PeerRefused("the peer does not allow it", state="forbidden")


def _check_status(document: WebDocument) -> None:
    status = document.status
    if status == HTTPStatus.OK:
        return
    refused = refusal(status, document.content)
    if refused is not None:
        raise refused
    if 300 <= status < 400:
        raise PeerMisbehaves("it redirects, and redirects are not followed; use its final address")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        raise PeerUnreachable("the peer's rate limit is reached")
    if status == HTTPStatus.NOT_FOUND:
        raise PeerMisbehaves("it has no such page; is this the address of a node?")
    if status >= 500:
        raise PeerUnreachable(f"it answers with an error ({status})")
    raise PeerMisbehaves(f"it answers with status {status}")


def _content_type(document: WebDocument) -> str:
    return document.headers.get("content-type", "").partition(";")[0].strip().lower()


def _parse(document: WebDocument) -> dict[str, Any]:
    content = document.content
    if sum(content.count(mark) for mark in (b",", b":", b"{", b"[")) > MAX_MARKS:
        raise LimitReached("limit_reached: a page with too many values")
    try:
        said = orjson.loads(content)
    except orjson.JSONDecodeError:
        # Numbers that are none, or too large, spoil their record and not the page.
        said = _parse_leniently(content)
    if type(said) is not dict:
        raise PeerMisbehaves("its answer is not a JSON object")
    return said


def _parse_leniently(content: bytes | bytearray) -> Any:
    try:
        return json.loads(content.decode("utf-8"), parse_int=_integer)
    except (ValueError, RecursionError) as exc:
        raise PeerMisbehaves("its answer is not JSON") from exc


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 20 else float("nan")


def _position(after: str | None) -> Mapping[str, str]:
    if after is None:
        return {}
    kind, _, value = after.partition(":")
    return {"after" if kind == "after" else "page": value}


def _next(document: WebDocument, figures: Mapping[str, Any], after: str | None) -> str | None:
    """Return where the catalogue goes on. Of a link only the cursor is taken, never the URL."""
    link = _NEXT.search(document.headers.get("link", "")[:8192])
    cursors = [] if link is None else parse_qs(urlsplit(link[1]).query).get("after", [])
    if cursors:
        if len(cursors) > 1 or len(cursors[0]) > MAX_CURSOR:
            raise PeerMisbehaves("its link to the next page cannot be used")
        return f"after:{cursors[0]}"
    if after is not None and after.startswith("after:"):
        return None
    current = 1 if after is None else int(after.removeprefix("page:"))
    return f"page:{current + 1}" if current < _count(figures.get("total_pages")) else None


def _count(value: Any) -> int:
    return value if type(value) is int and 0 <= value < MAX_TOTAL else 0


def _label(value: Any, most: int) -> str:
    if type(value) is not str:
        return ""
    try:
        return clean(value[:most], field="text", max_length=most)
    except Invalid:
        return ""
