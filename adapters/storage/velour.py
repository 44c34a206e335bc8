"""Another node as a storage location: its bytes, by its API, with the key it gave us."""

import time
from collections.abc import Callable
from urllib.parse import quote

from adapters.storage.breaker import Breaker
from adapters.storage.http_objects import Asked, HttpObjects, OriginClosed
from domain.errors import Forbidden
from ports.byte_body import ByteBody
from ports.crypto import SealBroken
from ports.federation.peers import PeerAccess
from ports.library.storage import ObjectInfo
from ports.outbound import Origins

_PING = "\0ping"  # the id of no video: ids can be printed


class VelourStorage:
    """Reads videos of one peer; a locator is the peer's id of a video.

    Args:
        access: reads base URL and key of the present state, for each request anew; so suspending
            or revoking the connection counts at once.
        origins: the guarded client.
    """

    def __init__(
        self,
        access: Callable[[], PeerAccess],
        origins: Origins,
        *,
        breaker: Breaker | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._access = access
        self._objects = HttpObjects(
            self._locate,
            origins,
            who="the peer",
            breaker=breaker,
            monotonic=monotonic,
            sleep=sleep,
        )

    def check(self) -> str:
        """Return that the peer answers; see the port."""
        answer = self._objects.fetch("GET", _PING, {})
        if answer.body is None:
            raise self._objects.refusal(answer.status)
        answer.body.close()
        return "the node answers"

    def stat(self, locator: str) -> ObjectInfo:
        """See ReadableStorage."""
        return self._objects.stat(locator)

    def open(self, locator: str, *, start: int, length: int, etag: str | None) -> ByteBody:
        """See ReadableStorage."""
        return self._objects.open(locator, start=start, length=length, etag=etag)

    def _locate(self, _method: str, locator: str) -> Asked:
        try:
            access = self._access()
        except (Forbidden, SealBroken) as exc:
            raise OriginClosed(str(exc)) from exc
        path = "/ping" if locator == _PING else f"/videos/{quote(locator, safe='')}/stream"
        return Asked(
            f"{access.base_url}/api/v1{path}", {"Authorization": f"Bearer {access.api_key}"}
        )
