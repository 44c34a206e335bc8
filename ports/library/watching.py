"""Noticing that something changed in a folder."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from domain.ids import LocationId


class FolderWatcher(Protocol):
    """Watches directory trees of this machine. A missed change costs time, never more."""

    def keep(self, folders: Mapping[LocationId, str]) -> Mapping[LocationId, str]:
        """Watch exactly these trees from now on.

        Returns:
            The ones that cannot be watched, each with the reason in plain words; they are tried
            again at the next call.
        """
        ...

    def settled(self) -> Sequence[LocationId]:
        """Return the trees in which something changed and that have been quiet since for a while.

        Each is returned once a change; a tree that is never quiet is returned every few minutes.
        """
        ...

    def close(self) -> None:
        """Stop watching. Closing twice is not an error."""
        ...
