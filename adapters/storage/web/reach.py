"""How far a web location reaches: what others write into it must not lead into the node's LAN."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from adapters.storage.redirects import origin
from domain.errors import BadUpstream
from ports.federation.peers import AddressForbidden, PeerUnreachable
from ports.outbound import OriginAnswer, Origins, WebDocument, WebDocuments

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Client:
    """Both sides of a guarded client."""

    origins: Origins
    documents: WebDocuments


class Reach:
    """The clients of one location: a feed on the public web leads to public addresses only.

    The setting that lets a location be in a private network is meant for the host that an admin
    wrote down, and, where that host itself is in one, for its neighbours. It is not for a public
    host whose name leads into that network later.

    Args:
        home: the location's address.
        near: reaches what the settings allow.
        far: reaches public addresses alone.
    """

    def __init__(self, home: str, near: Client, far: Client) -> None:
        self._home, self._near, self._far = home, near, far
        self._home_is_private: bool | None = None

    def fetch(self, method: str, url: str, *, headers: Mapping[str, str]) -> OriginAnswer:
        """Ask for media; see Origins."""
        return self._reach(url, lambda by: by.origins.fetch(method, url, headers=headers))

    def get(
        self, url: str, *, headers: Mapping[str, str], max_bytes: int | None = None
    ) -> WebDocument:
        """Read a document; see WebDocuments."""
        return self._reach(
            url, lambda by: by.documents.get(url, headers=headers, max_bytes=max_bytes)
        )

    def _reach(self, url: str, ask: Callable[[Client], Answer]) -> Answer:
        if origin(url)[1] == origin(self._home)[1]:
            return self._at_home(ask)
        try:
            return ask(self._far)
        except AddressForbidden:
            if not self._is_private():
                raise
        return ask(self._near)

    def _at_home(self, ask: Callable[[Client], Answer]) -> Answer:
        """Ask the location's own host; once met on a public address, it stays a public one."""
        if not self._home_is_private:
            try:
                answer = ask(self._far)
            except AddressForbidden:
                if self._home_is_private is False:
                    raise
            else:
                self._home_is_private = False
                return answer
        answer = ask(self._near)
        self._home_is_private = True
        return answer

    def _is_private(self) -> bool:
        """Tell whether the location itself is in a private network; False as long as it is down."""
        if self._home_is_private is None:
            with suppress(PeerUnreachable, BadUpstream):
                answer = self._at_home(lambda by: by.origins.fetch("HEAD", self._home, headers={}))
                if answer.body is not None:
                    answer.body.close()
        return bool(self._home_is_private)
