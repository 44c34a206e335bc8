"""Opening the bytes of a video: what is asked for, where it is, who may stop it."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import quote

from domain.errors import Forbidden, Unavailable
from domain.federation.audit import Actor
from domain.ids import ConnectionId, LocationId, VideoId
from domain.library.byte_range import Conditions, Refusal, Window, check_preconditions, select
from domain.library.media_types import media_type
from domain.library.storage_location import StorageLocation, StorageType
from domain.library.video import VideoNotFound
from ports.byte_body import ByteBody, Permit, WatchedBody
from ports.clock import Clock
from ports.federation.audit import AuditTrail
from ports.library.catalogue import Catalogue, StreamTarget, Visibility
from ports.library.storage import (
    ObjectChanged,
    ObjectInfo,
    ReadableStorage,
    Redirecting,
    Storages,
)
from ports.unit_of_work import ReadOnlyFactory

_KEPT = 1024
_PLAY_S = 600.0  # requests of one person for one video this close together are one playback

Key = TypeVar("Key")
Value = TypeVar("Value")


class SourceInactive(Unavailable):
    """The video comes from a node whose connection does not count at the moment."""

    code = "source.inactive"
    title = "The source of this video is switched off at the moment"


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamHeaders:
    """What a request for a stream says; header fields as they came, None where absent."""

    method: str = "GET"
    range: str | None = None
    if_range: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None

    @property
    def conditions(self) -> Conditions:
        """The fields that choose what is sent."""
        return Conditions(
            range=self.range,
            if_range=self.if_range,
            if_match=self.if_match,
            if_none_match=self.if_none_match,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewer:
    """Who watches, and how to find out whether they still may.

    ``subject`` is ``user:<id>`` or ``key:<id>``; ``every_request``: each request leaves its own
    trail with its bytes (programs and peers), instead of one for a playback (people).
    ``may_be_redirected``: can be sent to the store that keeps the film, where its location allows
    that. Browsers cannot (pages play from this node alone), and peers refuse redirects.
    """

    subject: str
    actor: Actor
    still_allowed: Callable[[], bool]
    every_request: bool
    may_be_redirected: bool = False


@dataclass(frozen=True, slots=True)
class StreamAnswer:
    """Status, header fields and body of the answer; without a body there is none to send."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: ByteBody | None = None


class _Kept(Generic[Key, Value]):
    """A few values by key, the oldest dropped first; for all threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[Key, Value] = {}

    def find(self, key: Key) -> Value | None:
        return self._values.get(key)

    def put(self, key: Key, value: Value) -> None:
        with self._lock:
            self._values.pop(key, None)
            if len(self._values) >= _KEPT:
                del self._values[next(iter(self._values))]
            self._values[key] = value


@dataclass(frozen=True, slots=True)
class _Source:
    """A video's object in its storage."""

    target: StreamTarget
    location: StorageLocation
    storage: ReadableStorage

    @property
    def is_local(self) -> bool:
        return self.location.storage_type is StorageType.LOCAL


@dataclass(frozen=True, slots=True)
class OpenStream:
    """Open a visible video, or the part of it that was asked for.

    Args:
        accel_prefix: where a front server serves the files of local locations to us alone
            (``/_files/``), so that it can send them; empty for none.
        redirect_s: how long an address works to which a viewer is sent instead.
    """

    catalogue: Catalogue
    storages: Storages
    read_only: ReadOnlyFactory
    audit: AuditTrail
    clock: Clock
    accel_prefix: str = ""
    redirect_s: int = 3600
    _locations: _Kept[LocationId, StorageLocation] = field(default_factory=_Kept)
    _plays: _Kept[tuple[str, VideoId], float] = field(default_factory=_Kept)

    def __call__(
        self,
        seen_by: Visibility,
        video_id: VideoId,
        headers: StreamHeaders,
        viewer: Viewer | None = None,
    ) -> StreamAnswer:
        """Return the answer. Its body is closed by whoever sends it.

        Raises:
            VideoNotFound: not there, as far as the caller may know.
            ObjectNotFound, ObjectChanged, StorageUnreachable, BadUpstream: of the storage.
            SourceInactive: its connection is suspended, or federation is off.
        """
        target = self.catalogue.stream_target(seen_by, video_id)
        if target is None:
            raise VideoNotFound
        try:
            source = self._source(target)
            if self.accel_prefix and source.is_local:
                return self._hand_to_front(source, viewer)
            if headers.method == "HEAD":
                return _describe(source, source.storage.stat(target.locator), headers)
            if viewer is not None and viewer.may_be_redirected:
                elsewhere = self._redirect(source, viewer)
                if elsewhere is not None:
                    return elsewhere
            try:
                return self._send(source, headers, viewer)
            except ObjectChanged:
                # Size and tag of a remote object may have been a minute old; now they are not.
                return self._send(source, headers, viewer)
        except Forbidden as exc:
            # It is this node that may not read there now; its caller did nothing wrong.
            raise SourceInactive(str(exc)) from exc

    def _source(self, target: StreamTarget) -> _Source:
        location = self._locations.find(target.location_id)
        if location is None or location.version != target.location_version:
            with self.read_only() as tx:
                location = tx.locations.get(target.location_id)
            self._locations.put(target.location_id, location)
        return _Source(target, location, self.storages.readable(location))

    def _send(self, source: _Source, headers: StreamHeaders, viewer: Viewer | None) -> StreamAnswer:
        info = source.storage.stat(source.target.locator)
        chosen = select(headers.conditions, size_bytes=info.size_bytes, etag=info.etag)
        if isinstance(chosen, Refusal):
            return _refuse(source, info, chosen)
        chosen = _deliverable(chosen, info)
        window = chosen or Window(0, info.size_bytes)
        answer_headers = [*_fields(source, info), ("Content-Length", str(window.length))]
        if chosen is not None:
            span = f"{window.start}-{window.start + window.length - 1}"
            answer_headers.append(("Content-Range", f"bytes {span}/{info.size_bytes}"))
        body = None
        if window.length:
            opened = source.storage.open(
                source.target.locator, start=window.start, length=window.length, etag=info.etag
            )
            body = self._watched(opened, source, viewer)
        return StreamAnswer(206 if chosen is not None else 200, answer_headers, body)

    def _redirect(self, source: _Source, viewer: Viewer) -> StreamAnswer | None:
        """Send the viewer to the store itself, if the location has addresses to give away."""
        if not isinstance(source.storage, Redirecting):
            return None
        url = source.storage.redirect_url(source.target.locator, expires_s=self.redirect_s)
        if url is None:
            return None
        self._note(source, viewer, None)
        fields = [("Location", url), ("Cache-Control", "no-store"), ("Content-Length", "0")]
        return StreamAnswer(307, [*fields, ("Referrer-Policy", "no-referrer")])

    def _hand_to_front(self, source: _Source, viewer: Viewer | None) -> StreamAnswer:
        """Let the front server send a local file; it looks at the conditions itself."""
        source.storage.stat(source.target.locator)  # there, a file, and below its root
        self._note(source, viewer, None)
        path = f"{source.location.id}/{quote(source.target.locator)}"
        accel = ("X-Accel-Redirect", self.accel_prefix + path)
        headers = [*_about(source.target), ("Accept-Ranges", "bytes"), accel]
        return StreamAnswer(200, headers)

    def _watched(self, body: ByteBody, source: _Source, viewer: Viewer | None) -> WatchedBody:
        if viewer is None:
            return WatchedBody(body, permit=None, done=None)
        connection_id = source.location.connection_id

        def may_go_on() -> bool:
            return viewer.still_allowed() and self._is_active(connection_id)

        def done(sent: int) -> None:
            self._note(source, viewer, sent)

        permit = Permit(f"{viewer.subject} {connection_id or ''}", may_go_on)
        return WatchedBody(body, permit=permit, done=done)

    def _is_active(self, connection_id: ConnectionId | None) -> bool:
        if connection_id is None:
            return True
        with self.read_only() as tx:
            connection = tx.connections.get(connection_id)
        try:
            connection.require_active()
        except Forbidden:
            return False
        return True

    def _note(self, source: _Source, viewer: Viewer | None, sent: int | None) -> None:
        if viewer is None:
            return
        target = f"video:{source.target.video_id}"
        if viewer.every_request:
            at = self.clock.now()
            self.audit.note(viewer.actor.did("video.stream", target, at=at, bytes_sent=sent))
            return
        key, now = (viewer.subject, source.target.video_id), time.monotonic()
        last = self._plays.find(key)
        self._plays.put(key, now)
        if last is None or now - last > _PLAY_S:
            self.audit.note(viewer.actor.did("video.play", target, at=self.clock.now()))


def _about(target: StreamTarget) -> list[tuple[str, str]]:
    return [
        ("Content-Type", media_type(target.filename, container=target.container)),
        ("Content-Disposition", f"inline; filename*=UTF-8''{quote(target.filename, safe='')}"),
        ("Cache-Control", "private, max-age=0, must-revalidate"),
        ("X-Content-Type-Options", "nosniff"),
    ]


def _fields(source: _Source, info: ObjectInfo) -> list[tuple[str, str]]:
    fields = [*_about(source.target), ("Accept-Ranges", "bytes" if info.ranges else "none")]
    if info.etag is not None:
        fields.append(("ETag", f'"{info.etag}"'))
    return fields


def _deliverable(chosen: Window | None, info: ObjectInfo) -> Window | None:
    """Return the part to send; None for the whole, where the origin has nothing else to give.

    A part of such an object is sent if it can be reached by reading past what lies before it. A
    request for all of it gets a plain whole: a player that gets a part thinks it may jump.
    """
    if chosen is None or info.ranges:
        return chosen
    is_whole = chosen.length == info.size_bytes
    return chosen if not is_whole and info.can_start_at(chosen.start) else None


def _describe(source: _Source, info: ObjectInfo, headers: StreamHeaders) -> StreamAnswer:
    refused = check_preconditions(headers.conditions, etag=info.etag)
    if refused is not None:
        return _refuse(source, info, refused)
    return StreamAnswer(200, [*_fields(source, info), ("Content-Length", str(info.size_bytes))])


def _refuse(source: _Source, info: ObjectInfo, refusal: Refusal) -> StreamAnswer:
    fields = _fields(source, info)
    if refusal is Refusal.NOT_MODIFIED:
        kept = {"ETag", "Cache-Control", "X-Content-Type-Options"}
        return StreamAnswer(304, [(name, value) for name, value in fields if name in kept])
    if refusal is Refusal.PRECONDITION_FAILED:
        return StreamAnswer(412, [])
    return StreamAnswer(416, [("Content-Range", f"bytes */{info.size_bytes}")])
