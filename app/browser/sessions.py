"""Sessions of browsers, kept in the database by the digest of a random id.

A visitor who has not signed in costs no row: the id in the cookie carries nothing, and the CSRF
secret is derived from it. Signing in makes a new id and the first row; signing out removes the row,
so a kept cookie opens nothing.
"""

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, cast

from flask import Flask, Request, Response, session
from flask.sessions import SessionInterface, SessionMixin

from domain.people import SESSION_LIFE, Session, User
from ports.clock import Clock
from ports.crypto import Secrets
from ports.federation.credentials import Credentials, SessionHolder
from ports.unit_of_work import UnitOfWorkFactory

CSRF_KEY = "csrf_token"
_ID_BYTES = 32
_ID_FORM = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_SEEN_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class SessionStore:
    """Reads and writes rows of sessions."""

    credentials: Credentials
    unit_of_work: UnitOfWorkFactory
    clock: Clock
    secrets: Secrets

    def new_id(self) -> str:
        """Return an id with 256 random bits."""
        return urlsafe_b64encode(self.secrets.random_bytes(_ID_BYTES)).rstrip(b"=").decode()

    def csrf_secret(self, session_id: str) -> str:
        """Return the secret that forms of this session carry (signed) as their token."""
        return self.secrets.sign("session-csrf", session_id.encode()).hex()

    def find(self, session_id: str) -> SessionHolder | None:
        """Return the living session of a signed-in, active person, or None."""
        holder = self.credentials.find_session(_digest(session_id), self.clock.now())
        return holder if holder and holder.user and holder.user.active else None

    def begin(self, session_id: str, user: User, values: str) -> None:
        """Write the row of somebody who just signed in."""
        now = self.clock.now()
        row = Session(
            id_digest=_digest(session_id),
            user_id=user.id,
            values=values,
            created_at=now,
            seen_at=now,
        )
        with self.unit_of_work() as tx:
            tx.sessions.put(row)
            tx.commit()

    def keep(self, row: Session, values: str, *, changed: bool) -> None:
        """Write values and the time of the visit back, where either is worth a row."""
        now = self.clock.now()
        if not changed and now - row.seen_at < _SEEN_EVERY:
            return
        with self.unit_of_work() as tx:
            tx.sessions.refresh(replace(row, values=values, seen_at=now))
            tx.commit()

    def end(self, session_id: str) -> None:
        """Remove the row; the id opens nothing from now on."""
        with self.unit_of_work() as tx:
            tx.sessions.remove(_digest(session_id))
            tx.commit()


class BrowserSession(SessionMixin):
    """One browser's session; its row is read when something first looks into it."""

    def __init__(self, store: SessionStore, cookie: str) -> None:
        self._store = store
        self._given_id = cookie if _ID_FORM.fullmatch(cookie) else ""
        self._id = self._given_id
        self._row: Session | None = None
        self._user: User | None = None
        self._values: dict[str, Any] = {}
        self._loaded = False
        self._token_shown = False
        self.modified = False
        self.accessed = False
        self.ended = False

    @property
    def user(self) -> User | None:
        """The person who is signed in here, as the database has them now."""
        self._load()
        return self._user

    def sign_in(self, user: User) -> None:
        """Go on as ``user`` under a new id; nothing of the old session is carried over."""
        self._load()
        if self._row is not None:
            self._store.end(self._id)
        self._id, self._row, self._user, self._values = self._store.new_id(), None, user, {}
        self._store.begin(self._id, user, "{}")
        self.modified = self.ended = False

    def sign_out(self) -> None:
        """End the session here and in the database."""
        self._load()
        if self._row is not None:
            self._store.end(self._id)
        self._row, self._user, self._values, self.ended = None, None, {}, True

    def save(self) -> str | None:
        """Write what changed; return an id that the browser does not have yet, or None."""
        if not self._loaded or self.ended:
            return None
        if self._row is not None:
            self._store.keep(self._row, json.dumps(self._values), changed=self.modified)
        is_news = self._id != self._given_id and (self._user is not None or self._token_shown)
        return self._id if is_news else None

    def _load(self) -> None:
        self.accessed = True
        if self._loaded:
            return
        self._loaded = True
        holder = self._store.find(self._id) if self._id else None
        if holder is not None:
            self._row, self._user = holder.session, holder.user
            self._values = json.loads(holder.session.values)
        elif not self._id:
            self._id = self._store.new_id()

    def __getitem__(self, key: str) -> Any:
        self._load()
        if key == CSRF_KEY:
            self._token_shown = True
            return self._store.csrf_secret(self._id)
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._load()
        self.modified = True
        self._values[key] = value

    def __delitem__(self, key: str) -> None:
        self._load()
        self.modified = True
        del self._values[key]

    def __contains__(self, key: object) -> bool:
        self._load()
        return key == CSRF_KEY or key in self._values

    def __iter__(self) -> Iterator[str]:
        self._load()
        return iter(self._values)

    def __len__(self) -> int:
        self._load()
        return len(self._values)


class DatabaseSessions(SessionInterface):
    """Flask's way to the session of a request.

    Args:
        store: the rows.
        secure: the node's address is https, so the cookie never goes over anything else.
    """

    def __init__(self, store: SessionStore, *, secure: bool) -> None:
        self._store = store
        self._secure = secure
        self.cookie_name = "__Host-velour" if secure else "velour"

    def open_session(self, app: Flask, request: Request) -> BrowserSession:  # noqa: ARG002
        """Return the request's session without reading anything yet."""
        return BrowserSession(self._store, request.cookies.get(self.cookie_name, ""))

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:  # noqa: ARG002
        """Write the session back and tell the browser a new id."""
        kept = cast(BrowserSession, session)
        new_id = kept.save()
        if kept.accessed:
            response.vary.add("Cookie")
        if kept.ended:
            response.delete_cookie(
                self.cookie_name, path="/", secure=self._secure, httponly=True, samesite="Lax"
            )
        elif new_id is not None:
            response.set_cookie(
                self.cookie_name,
                new_id,
                max_age=SESSION_LIFE if kept.user else None,
                path="/",
                secure=self._secure,
                httponly=True,
                samesite="Lax",
            )


def browser_session() -> BrowserSession:
    """Return the session of this request."""
    return cast(BrowserSession, session._get_current_object())  # type: ignore[attr-defined] # noqa: SLF001


def _digest(session_id: str) -> bytes:
    return hashlib.sha256(session_id.encode()).digest()
