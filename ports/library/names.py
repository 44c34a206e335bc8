"""Guessing what a file is from its name."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class GuessedName:
    """Title and year as the name suggests.

    For an episode, ``title`` and ``year`` are the series', ``episode_title`` its own where the name
    has it; of a file of several episodes, ``episode`` is the first. Season 0 holds the specials.
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
