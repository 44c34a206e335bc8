"""What works can be looked up by beside their titles: tags, genres, people."""

from collections.abc import Iterable

from domain.library.description import Credit
from domain.text import sort_key


def term_key(name: str) -> str:
    """Return what tells one tag, genre or person from another: the folded name, bounded."""
    return sort_key(name) or name


def people_of(director: str, credits_: Iterable[Credit]) -> tuple[str, ...]:
    """Return the names of everybody who took part; several directors stand between commas."""
    directors = (name.strip() for name in director.split(","))
    names = [*directors, *(credit.name for credit in credits_)]
    return tuple({term_key(name): name for name in reversed(names) if name}.values())[::-1]
