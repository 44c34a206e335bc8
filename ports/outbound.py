"""Asking other machines for bytes, always through the one guarded client."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ports.byte_body import SocketBody


@dataclass(frozen=True, slots=True)
class OriginAnswer:
    """An answer with its header read. ``headers`` have lower-case names.

    ``body`` is set for 200 and 206 to a GET and must be closed; for everything else ``text`` is
    the beginning of what the origin said, at most 8 KiB.
    """

    status: int
    headers: Mapping[str, str]
    body: SocketBody | None
    text: bytes = b""


@dataclass(frozen=True, slots=True)
class WebDocument:
    """A whole answer, decoded. ``headers`` have lower-case names; ``url`` is what was asked for."""

    status: int
    headers: Mapping[str, str]
    content: bytes | bytearray
    url: str = ""


class WebDocuments(Protocol):
    """Fetches whole documents, with a cap on their decoded bytes and on the time they take."""

    def get(
        self, url: str, *, headers: Mapping[str, str], max_bytes: int | None = None
    ) -> WebDocument:
        """Read a document, whatever its status; redirects come back as they are.

        Args:
            url: absolute.
            headers: beside those of the content coding.
            max_bytes: fewer than the cap for all documents.

        Raises:
            PeerUnreachable, AddressForbidden, PeerMisbehaves
            LimitReached: more bytes than allowed.
        """
        ...


class WebForms(WebDocuments, Protocol):
    """Sends small documents too."""

    def post(self, url: str, *, headers: Mapping[str, str], content: bytes) -> WebDocument:
        """Send a small document, of at most 64 KiB, and read the answer; raises as ``get``."""
        ...


class WebWrites(Protocol):
    """Sends what stores of objects are asked to do."""

    def send(
        self, method: str, url: str, *, headers: Mapping[str, str], content: bytes
    ) -> WebDocument:
        """Send up to 16 MiB and read the answer, whatever its status; raises as ``get``.

        The time allowed grows with ``content``; the answer may have 8 MiB.
        """
        ...


class Origins(Protocol):
    """Fetches media: connections are kept, redirects are not followed, nothing is decoded."""

    def fetch(self, method: str, url: str, *, headers: Mapping[str, str]) -> OriginAnswer:
        """Ask with GET or HEAD.

        A body without a length cannot be told from a cut one, so it is refused.

        Raises:
            PeerUnreachable, AddressForbidden, PeerMisbehaves
        """
        ...
