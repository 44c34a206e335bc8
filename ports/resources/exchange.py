"""The node's half of the secrets it shares with devices."""

from typing import Protocol


class ExchangeKeys(Protocol):
    """X25519 key pairs of the node, one for each version of its master key."""

    @property
    def newest(self) -> int:
        """The version that new agreements are made with, 1 or more."""
        ...

    def knows(self, version: int) -> bool:
        """Tell whether there is a key of that version."""
        ...

    def public_key(self, version: int) -> bytes:
        """Return the public half: 32 bytes."""
        ...

    def agree(self, version: int, public_key: bytes) -> bytes:
        """Return the secret shared with a device, as ``KeyWrap.agree`` does.

        Raises:
            Invalid: ``public_key`` is not a usable key.
            SealBroken: the node has no key of that version any more.
        """
        ...
