"""Who this node is to a Jellyfin server: an API key, or a user that signs in when needed."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from adapters.storage.http_objects import OriginClosed

CLIENT = "Velour"
CLIENT_VERSION = "1"
REST_S = 60.0


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """Either ``api_key``, or ``username`` and ``password``; never printed."""

    api_key: str = ""
    username: str = ""
    password: str = ""


class Session:
    """Makes the header that says who asks. A user's token is kept in memory alone.

    A server ends the older session of a device when that device signs in again. So the token is
    not given back: there is one at most for each location, and processes that end each other's
    sign in again. After a refusal it is not tried for a minute: servers lock users out that are
    tried with wrong passwords.

    Args:
        credentials: of the location.
        device_id: stable and unique to the location.
        monotonic: tells the time.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        device_id: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._credentials, self._device_id = credentials, device_id
        self._monotonic = monotonic
        self._refused: tuple[str, float] | None = None
        self._token = credentials.api_key
        self._lock = threading.Lock()

    @property
    def is_user(self) -> bool:
        """Whether a user signs in; an API key is an administrator's."""
        return not self._credentials.api_key

    @property
    def who(self) -> str:
        """What is not accepted when the server refuses a request."""
        return "the user" if self.is_user else "the API key"

    def token(self, sign_in: Callable[[Credentials], str]) -> str:
        """Return the token to ask with; ``sign_in`` fetches it where there is none yet.

        Raises:
            OriginClosed: the server refused to sign the user in, now or less than a minute ago.
        """
        with self._lock:
            if self._token:
                return self._token
            if self._refused is not None and self._monotonic() < self._refused[1]:
                raise OriginClosed(self._refused[0])
            try:
                self._token = sign_in(self._credentials)
            except OriginClosed as exc:
                self._refused = (str(exc), self._monotonic() + REST_S)
                raise
            return self._token

    def renew(self, refused: str) -> bool:
        """Drop a token that was refused; tell whether another can be had."""
        with self._lock:
            if self.is_user and self._token == refused:
                self._token = ""
        return self.is_user

    def headers(self, token: str = "") -> Mapping[str, str]:
        """Return the header of a request; its values are percent-encoded, as servers expect."""
        parts = {
            "Client": CLIENT,
            "Device": CLIENT,
            "DeviceId": self._device_id,
            "Version": CLIENT_VERSION,
            **({"Token": token} if token else {}),
        }
        said = ", ".join(f'{name}="{quote(text, safe="")}"' for name, text in parts.items())
        return {"Authorization": f"MediaBrowser {said}"}
