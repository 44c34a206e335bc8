"""Guessing what a file is from its name."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class GuessedName:
    """Title and year as the name suggests.

    An episode has season and episode; its ``title`` is the series' then.
    """

    title: str
    year: int | None = None
    season: int | None = None
    episode: int | None = None
    episode_title: str | None = None


class NameGuesser(Protocol):
    """Reads file names the way people write them."""

    def guess(self, name: str) -> GuessedName:
        """Guess from a path below the location's root; the title is never empty."""
        ...
