"""Addresses of streams that need no other credentials: for players, in the path.

A token names a video, on whose behalf it is watched, what for, and until when, and is signed. It
is as good as its subject: a person who may no longer sign in, or a key that was revoked, ends it.
For a person it also carries the version of the account, so that a changed password ends it.
"""

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote
from uuid import UUID

from app.usecases.federation.authentication import Authenticate, visibility_of
from app.usecases.library.streaming import OpenStream, StreamAnswer, StreamHeaders, Viewer
from domain.errors import DomainError, Forbidden
from domain.federation.api_key import KeyKind, Scope
from domain.federation.audit import Actor
from domain.ids import VideoId
from domain.library.video import VideoNotFound
from ports.clock import Clock
from ports.crypto import Secrets
from ports.federation.credentials import Credentials
from ports.library.catalogue import EVERYTHING, Catalogue, Visibility

_PURPOSE = "stream-url"
_FORM = struct.Struct(">BQ16sc16sI")  # form, end (s), video, subject's kind and id, its version
_FORM_NUMBER = 1
_SIGNATURE_BYTES = 32
_KINDS = {"user": b"u", "key": b"k"}
_NAMES = {letter: kind for kind, letter in _KINDS.items()}


class LinkRefused(Forbidden):
    """Forged, expired and revoked links look the same."""

    code = "link.refused"
    title = "This link is not valid, or no longer"


@dataclass(frozen=True, slots=True)
class _Claim:
    """What a token says. ``version`` is the account's; 0 for a key."""

    expires_at: int  # seconds since the epoch
    video_id: VideoId
    subject: str
    version: int
    purpose: str


@dataclass(frozen=True, slots=True)
class StreamSubjects:
    """Looks up on whose behalf a stream runs."""

    credentials: Credentials
    authenticate: Authenticate

    def version(self, subject: str) -> int:
        """Return what a new token carries of its subject. Raises LinkRefused for an unknown one."""
        kind, _, subject_id = subject.partition(":")
        if kind != "user":
            return 0
        user = self.credentials.find_user(subject_id)
        if user is None or not user.active:
            raise LinkRefused
        return user.version

    def viewer(self, subject: str, *, version: int, address: str) -> tuple[Visibility, Viewer]:
        """Return what the subject sees and as whom it counts.

        Raises:
            LinkRefused: it may no longer watch.
        """
        kind, _, subject_id = subject.partition(":")
        if kind == "user":
            if not self._user_is_good(subject_id, version):
                raise LinkRefused
            seen_by, actor = EVERYTHING, Actor(subject, address)
        else:
            seen_by, actor = self._key(subject_id, address)
        return seen_by, Viewer(
            subject=subject,
            actor=actor,
            still_allowed=lambda: self.is_good(subject, version=version),
            every_request=kind != "user",
        )

    def is_good(self, subject: str, *, version: int | None) -> bool:
        """Tell whether the subject may watch now. ``version`` None: whatever its version."""
        kind, _, subject_id = subject.partition(":")
        if kind == "user":
            return self._user_is_good(subject_id, version)
        try:
            self.authenticate.recheck(subject_id)
        except (DomainError, ValueError):
            return False
        return True

    def _user_is_good(self, user_id: str, version: int | None) -> bool:
        user = self.credentials.find_user(user_id)
        return user is not None and user.active and version in (None, user.version)

    def _key(self, key_id: str, address: str) -> tuple[Visibility, Actor]:
        holder = self.credentials.find_key_by_id(key_id)
        if holder is None or Scope.STREAM not in holder.key.scopes:
            raise LinkRefused
        if not self.is_good(f"key:{key_id}", version=None):
            raise LinkRefused
        key = holder.key
        is_peer = key.kind is KeyKind.PEER
        return visibility_of(key), Actor(
            f"peer:{key.name}" if is_peer else f"key:{key.prefix}", address
        )


@dataclass(frozen=True, slots=True)
class SignStreamUrl:
    """Make the address of a stream."""

    secrets: Secrets
    clock: Clock
    catalogue: Catalogue
    subjects: StreamSubjects
    life: timedelta

    def __call__(
        self, *, video_id: VideoId, subject: str, purpose: str, seen_by: Visibility = EVERYTHING
    ) -> str:
        """Return the path ``/s/<token>/<filename>``; players see the name at its end.

        Args:
            video_id: what may be watched.
            subject: ``user:<id>`` or ``key:<id>``.
            purpose: a word such as ``player``, at most 40 bytes.
            seen_by: what the subject sees.

        Raises:
            VideoNotFound, LinkRefused
        """
        target = self.catalogue.stream_target(seen_by, video_id)
        if target is None:
            raise VideoNotFound
        kind, _, subject_id = subject.partition(":")
        expires_at = int((self.clock.now() + self.life).timestamp())
        payload = _FORM.pack(
            _FORM_NUMBER,
            expires_at,
            video_id.bytes,
            _KINDS[kind],
            UUID(subject_id).bytes,
            self.subjects.version(subject),
        )
        message = payload + purpose.encode()[:40]
        token = base64.urlsafe_b64encode(message + self.secrets.sign(_PURPOSE, message))
        return f"/s/{token.decode().rstrip('=')}/{quote(target.filename, safe='')}"


@dataclass(frozen=True, slots=True)
class OpenSignedStream:
    """Open what a token allows; its subject is looked at anew every time."""

    secrets: Secrets
    clock: Clock
    subjects: StreamSubjects
    open_stream: OpenStream

    def __call__(self, *, token: str, headers: StreamHeaders, address: str) -> StreamAnswer:
        """Return the answer.

        Raises:
            LinkRefused: forged, expired or revoked.
            What OpenStream raises.
        """
        claim = self._claim(token)
        if claim.expires_at <= self.clock.now().timestamp():
            raise LinkRefused
        seen_by, viewer = self.subjects.viewer(
            claim.subject, version=claim.version, address=address
        )
        return self.open_stream(seen_by, claim.video_id, headers, viewer)

    def _claim(self, token: str) -> _Claim:
        try:
            raw = base64.b64decode(
                token.encode("ascii") + b"=" * (-len(token) % 4), altchars=b"-_", validate=True
            )
        except (binascii.Error, ValueError) as exc:
            raise LinkRefused from exc
        message, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
        if not hmac.compare_digest(self.secrets.sign(_PURPOSE, message), signature):
            raise LinkRefused
        if len(message) < _FORM.size or message[0] != _FORM_NUMBER:
            raise LinkRefused
        _, expires_at, video, kind, subject_id, version = _FORM.unpack_from(message)
        return _Claim(
            expires_at,
            VideoId(UUID(bytes=video)),
            f"{_NAMES[kind]}:{UUID(bytes=subject_id)}",
            version,
            message[_FORM.size :].decode(errors="replace"),
        )
