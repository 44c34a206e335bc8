"""Asking a Jellyfin server: sign-in, JSON answers, and in words what goes wrong with them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import orjson

from adapters.storage.http_objects import OriginClosed
from adapters.storage.jellyfin.session import Credentials, Session
from adapters.storage.jellyfin.shape import Fields, Many, Text, flag, shown, whole
from domain.errors import BadUpstream
from ports.federation.peers import (
    AddressForbidden,
    LimitReached,
    PeerMisbehaves,
    PeerSlow,
    PeerUnreachable,
)
from ports.library.storage import OriginSlow, OriginUnreachable, StorageUnreachable
from ports.outbound import OriginAnswer, Origins, WebDocument, WebForms

PRODUCT = "Jellyfin Server"
OLDEST = (10, 10)
# Brackets, braces, commas and colons: what bounds the memory that a parsed page takes.
MAX_MARKS = 500_000
MAX_PICTURE = 8 * 1024 * 1024
NOT_JELLYFIN = "it does not answer like a Jellyfin server; is this its address?"
_VERSION = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})(?:[.\-+].*)?", re.ASCII | re.DOTALL)
_UNAVAILABLE = "the Jellyfin server is starting or under maintenance"
_REDIRECTS = "the Jellyfin server redirects, and that is not followed; use its final address"

_INFO = Fields(
    {
        "ServerName": Text(200),
        "Version": Text(50),
        "ProductName": Text(100),
        "StartupWizardCompleted": flag,
    }
)
_SIGNED_IN = Fields({"AccessToken": Text(1000)})
_LIBRARIES = Fields(
    {
        "Items": Many(
            Fields({"Id": Text(64), "Name": Text(500), "CollectionType": Text(50)}), most=10_000
        )
    }
)

Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a server says of itself."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Library:
    """A library as the server shows it. ``holds`` is its collection type, empty for a mixed one."""

    id: str
    name: str
    holds: str


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list: the items as they came, and how many the whole list has."""

    items: list[Any]
    total: int


class JellyfinClient:
    """Asks one server, below its base URL. What it is sent there goes nowhere else.

    Every method raises StorageUnreachable, with the reason in words, when there is no answer that
    can be used.
    """

    def __init__(self, base_url: str, session: Session, documents: WebForms) -> None:
        self.base_url = base_url
        self._session, self._documents = session, documents

    def info(self) -> ServerInfo:
        """Ask who it is; this needs no key. Refuse what is no Jellyfin server, or too old a one."""
        path = "/System/Info/Public"
        try:
            answer = self._parsed(self._get(path, self._session.headers()))
        except LimitReached as exc:
            raise _in_words(exc) from exc
        said = _INFO(answer) or {}
        version = said.get("Version", "")
        numbers = _VERSION.fullmatch(version)
        if said.get("ProductName") != PRODUCT or numbers is None:
            raise StorageUnreachable(NOT_JELLYFIN)
        if (int(numbers[1]), int(numbers[2])) < OLDEST:
            raise StorageUnreachable(f"it runs Jellyfin {shown(version)}; 10.10 is needed")
        if said.get("StartupWizardCompleted") is False:
            raise StorageUnreachable("the set-up of the Jellyfin server is not finished")
        return ServerInfo(shown(said.get("ServerName", "")), shown(version))

    def libraries(self) -> list[Library]:
        """List the libraries that the key or the user may see, whatever is in them."""
        path = "/UserViews" if self._session.is_user else "/Library/MediaFolders"
        said = self._ask_small(path, {})
        if type(said.get("Items")) is not list:
            raise StorageUnreachable(NOT_JELLYFIN)
        found = (_LIBRARIES(said) or {}).get("Items", ())
        return [
            Library(one["Id"], shown(one["Name"]), one.get("CollectionType", "").lower())
            for one in found
            if one.get("Id") and one.get("Name")
        ]

    def items(self, query: Query) -> Page:
        """Read a page of items.

        Raises:
            LimitReached: the page is larger than it may be; a shorter one may do.
        """
        said = self._ask("/Items", query)
        items, total = said.get("Items"), whole(said.get("TotalRecordCount"))
        if type(items) is not list or total is None or total < 0:
            raise StorageUnreachable(NOT_JELLYFIN)
        return Page(items, total)

    def find(self, item_id: str, query: Query) -> Any:
        """Return one item as it came, or None where the server has none of that id."""
        said = self._ask_small("/Items", {"ids": item_id, **query})
        items = said.get("Items")
        if type(items) is not list:
            raise StorageUnreachable(NOT_JELLYFIN)
        return items[0] if items else None

    def picture(self, item_id: str, image: str, query: Query) -> bytes | None:
        """Return an image of an item in its own format, or None; at most 8 MiB."""
        path = f"/Items/{item_id}/Images/{image}?{urlencode(query)}"
        try:
            document = self._signed(path, max_bytes=MAX_PICTURE)
        except LimitReached as exc:
            raise BadUpstream("the Jellyfin server's picture is larger than 8 MiB") from exc
        if document.status == HTTPStatus.NOT_FOUND:
            return None
        self._check(document)
        return bytes(document.content) or None

    def token(self) -> str:
        """Return the token to ask with, signing in where that is needed."""
        return self._session.token(self._sign_in)

    def headers(self, token: str) -> Mapping[str, str]:
        """Return the header that a request with the token carries."""
        return self._session.headers(token)

    def renew(self, refused: str) -> bool:
        """See Session."""
        return self._session.renew(refused)

    def _sign_in(self, credentials: Credentials) -> str:
        wanted = {"Username": credentials.username, "Pw": credentials.password}
        headers = {
            **self._session.headers(),
            "Accept": "application/json",
            "Content-Type": "application/json",
        }
        url = f"{self.base_url}/Users/AuthenticateByName"
        try:
            document = self._documents.post(url, headers=headers, content=orjson.dumps(wanted))
        except (PeerUnreachable, PeerMisbehaves) as exc:
            raise _in_words(exc) from exc
        if document.status == HTTPStatus.UNAUTHORIZED:
            raise OriginClosed("the user name or the password is wrong")
        if document.status == HTTPStatus.FORBIDDEN:
            raise OriginClosed(
                "the Jellyfin server does not let the user sign in: the user is disabled, or may "
                "not come from this network or at this time"
            )
        self._check(document)
        try:
            token = (_SIGNED_IN(self._parsed(document)) or {}).get("AccessToken")
        except LimitReached as exc:
            raise _in_words(exc) from exc
        if token is None:
            raise StorageUnreachable(NOT_JELLYFIN)
        return str(token)

    def _ask_small(self, path: str, query: Query) -> dict[str, Any]:
        try:
            return self._ask(path, query)
        except LimitReached as exc:
            raise _in_words(exc) from exc

    def _ask(self, path: str, query: Query) -> dict[str, Any]:
        document = self._signed(f"{path}?{urlencode(query)}" if query else path)
        self._check(document)
        said = self._parsed(document)
        if type(said) is not dict:
            raise StorageUnreachable(NOT_JELLYFIN)
        return said

    def _signed(self, path: str, *, max_bytes: int | None = None) -> WebDocument:
        """Ask as the key or the user; a user whose token is refused signs in again, once."""
        token = self.token()
        document = self._get(path, self._session.headers(token), max_bytes)
        if document.status == HTTPStatus.UNAUTHORIZED and self.renew(token):
            document = self._get(path, self._session.headers(self.token()), max_bytes)
        return document

    def _get(
        self, path: str, headers: Mapping[str, str], max_bytes: int | None = None
    ) -> WebDocument:
        try:
            return self._documents.get(
                f"{self.base_url}{path}",
                headers={**headers, "Accept": "application/json, image/*;q=0.9"},
                max_bytes=max_bytes,
            )
        except LimitReached:
            raise
        except (PeerUnreachable, PeerMisbehaves) as exc:
            raise _in_words(exc) from exc

    def _check(self, document: WebDocument) -> None:
        status = document.status
        if status == HTTPStatus.OK:
            return
        if status == HTTPStatus.UNAUTHORIZED:
            raise OriginClosed(f"the Jellyfin server does not accept {self._session.who}")
        if status == HTTPStatus.FORBIDDEN:
            raise OriginClosed(f"the Jellyfin server does not allow {self._session.who} to read it")
        if 300 <= status < 400:
            raise StorageUnreachable(_REDIRECTS)
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            raise OriginUnreachable(_UNAVAILABLE)
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= 500:
            raise OriginUnreachable(f"the Jellyfin server answers with status {status}")
        raise StorageUnreachable(NOT_JELLYFIN)

    def _parsed(self, document: WebDocument) -> Any:
        self._check(document)
        content = document.content
        if sum(content.count(mark) for mark in (b",", b":", b"{", b"[")) > MAX_MARKS:
            raise LimitReached("limit_reached: a page with too many values")
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError:
            pass  # numbers that are none, or too large, spoil their field and not the page
        try:
            return json.loads(content.decode("utf-8"), parse_int=_integer)
        except (ValueError, RecursionError) as exc:
            raise StorageUnreachable(NOT_JELLYFIN) from exc


class SignedOrigins:
    """Media of one server: signed in as its documents are, and never led elsewhere.

    The server answers with status 500 when the item of a stream is gone; it is asked then whether
    it has the item.
    """

    def __init__(self, client: JellyfinClient, origins: Origins) -> None:
        self._client, self._origins = client, origins

    def fetch(self, method: str, url: str, *, headers: Mapping[str, str]) -> OriginAnswer:
        """See Origins."""
        token = self._client.token()
        answer = self._fetch(method, url, headers, token)
        if answer.status == HTTPStatus.UNAUTHORIZED and self._client.renew(token):
            answer = self._fetch(method, url, headers, self._client.token())
        if 300 <= answer.status < 400:
            raise BadUpstream(_REDIRECTS)
        if answer.status == HTTPStatus.INTERNAL_SERVER_ERROR and self._is_gone(url):
            return OriginAnswer(HTTPStatus.NOT_FOUND, answer.headers, None, answer.text)
        return answer

    def _fetch(self, method: str, url: str, headers: Mapping[str, str], token: str) -> OriginAnswer:
        return self._origins.fetch(method, url, headers={**headers, **self._client.headers(token)})

    def _is_gone(self, url: str) -> bool:
        item_id = url.removeprefix(f"{self._client.base_url}/Videos/").partition("/")[0]
        return self._client.find(item_id, {"enableImages": "false"}) is None


def _in_words(exc: Exception) -> StorageUnreachable:
    if isinstance(exc, AddressForbidden):
        return OriginClosed(f"the Jellyfin server may not be contacted: {exc}")
    if isinstance(exc, PeerSlow):
        return OriginSlow(f"the Jellyfin server does not answer: {exc}")
    if isinstance(exc, LimitReached):
        return StorageUnreachable("the Jellyfin server sends more than may be read at once")
    if isinstance(exc, PeerUnreachable):
        return OriginUnreachable(f"the Jellyfin server does not answer: {exc}")
    return StorageUnreachable(f"{NOT_JELLYFIN} ({exc})")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 20 else float("nan")
