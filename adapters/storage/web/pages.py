"""Pages of the web that are read whole: fetched with redirects, and what may have gone wrong."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from adapters.storage.redirects import follow, origin
from domain.errors import BadUpstream
from ports.federation.peers import LimitReached, PeerSlow, PeerUnreachable
from ports.library.storage import OriginSlow, OriginUnreachable, StorageUnreachable
from ports.outbound import WebDocument, WebDocuments

# Caddy lists in JSON, with exact sizes, only for those that name it.
_ACCEPT = (
    "text/html, application/xhtml+xml, application/rss+xml, application/atom+xml, "
    "application/xml;q=0.9, application/json;q=0.8, */*;q=0.5"
)
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_REASONS = {
    400: "the server does not understand the request (400)",
    401: "the server asks for a user name and a password, or refuses these (401)",
    403: "the server does not let this node in (403)",
    404: "there is nothing at that address (404)",
    410: "there is nothing at that address any more (410)",
    429: "the server asks for fewer requests (429)",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page as it came. ``url`` is where it was found in the end, ``kind`` its media type."""

    url: str
    kind: str
    content: bytes
    server: str = ""
    charset: str = ""

    def text(self) -> str:
        """Return the content as text; what is not in its encoding is replaced."""
        for mark, coding in _MARKS.items():
            if self.content.startswith(mark):
                return self.content.decode(coding, "replace")
        try:
            return self.content.decode(self.charset or "utf-8")
        except (LookupError, ValueError):
            return self.content.decode("utf-8", "replace")


class Pages:
    """Fetches the pages of one location.

    Args:
        home: the location's address; credentials go to its origin only.
        authorization: the field to send there; empty for none.
    """

    def __init__(self, documents: WebDocuments, home: str, *, authorization: str = "") -> None:
        self._documents, self._home = documents, origin(home)
        self._authorization = authorization

    def credentials(self, url: str) -> Mapping[str, str]:
        """Return the fields that go along to that address."""
        if self._authorization and origin(url) == self._home:
            return {"Authorization": self._authorization}
        return {}

    def get(self, url: str, *, accept: str = _ACCEPT) -> Page:
        """Read a page.

        Raises:
            StorageUnreachable: no answer (OriginUnreachable), or none that can be used.
        """

        def ask(hop: str, at_home: bool) -> WebDocument:
            fields = self.credentials(hop) if at_home else {}
            return self._documents.get(hop, headers={"Accept": accept, **fields})

        try:
            answer = follow(url, ask, who="the server")
        except PeerSlow as exc:
            raise OriginSlow(_words(exc)) from exc
        except PeerUnreachable as exc:
            raise OriginUnreachable(_words(exc)) from exc
        except BadUpstream as exc:
            raise StorageUnreachable(_words(exc)) from exc
        if answer.status != HTTPStatus.OK:
            reason = _REASONS.get(answer.status, f"the server answers with status {answer.status}")
            if answer.status == HTTPStatus.UNAUTHORIZED and origin(answer.url) != self._home:
                there = "{}://{}".format(*urlsplit(answer.url)[:2])
                reason = f"it leads to {there}, where passwords are not sent; give that address"
            raise StorageUnreachable(reason)
        kind, _, parameters = answer.headers.get("content-type", "").partition(";")
        return Page(
            answer.url,
            kind.strip().lower(),
            bytes(answer.content),
            server=answer.headers.get("server", "")[:100],
            charset=_charset(parameters),
        )


def _words(exc: Exception) -> str:
    if isinstance(exc, LimitReached):
        return f"{str(exc).removeprefix('limit_reached: ')} (storage.max_page_bytes)"
    text = str(exc)
    return f"the server: {text}" if text.startswith(("it ", "its ")) else text


def _charset(parameters: str) -> str:
    for part in parameters.split(";"):
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            return value.strip(" \"'").lower()
    return ""
