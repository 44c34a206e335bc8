"""Who this node is to a Jellyfin server: an API key, or a user that signs in when needed."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

CLIENT = "Velour"
CLIENT_VERSION = "1"


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
    sign in again.

    Args:
        credentials: of the location.
        device_id: stable and unique to the location.
    """

    def __init__(self, credentials: Credentials, *, device_id: str) -> None:
        self._credentials, self._device_id = credentials, device_id
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
        """Return the token to ask with; ``sign_in`` fetches it where there is none yet."""
        with self._lock:
            if not self._token:
                self._token = sign_in(self._credentials)
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
