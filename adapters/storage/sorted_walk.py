"""Films and their side-cars out of a listing that comes in the order of its names.

A listing of a million objects is never held: what lies beside a film begins with the film's name,
so in a sorted listing it is near, and the film is handed on as soon as nothing more can come. Only
a folder that may hold a single film waits for its end, for then the folder's pictures are the
film's.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from adapters.storage.names import extras_of, is_folder_name, is_walked
from domain.library.companions import (
    COMPANION_SUFFIXES,
    MAX_VERSIONS,
    SideCars,
    film_name,
    stem_of,
    stems,
)
from ports.library.storage import Companion, FoundObject

MAX_HELD = 1000  # files of one folder that wait for those that come after them


class Listed(NamedTuple):
    """An object of a listing; ``path`` is below the listing's root."""

    path: str
    size_bytes: int
    signature: str


@dataclass(slots=True)
class _Folder:
    """A folder whose end has not come yet; ``path`` ends in a slash, the root's is empty.

    ``closed_at``: a name from which on nothing comes that belongs to what is held.
    """

    path: str
    films: list[Listed] = field(default_factory=list)
    beside: dict[str, Listed] = field(default_factory=dict)
    closed_at: str = ""
    film_names: set[str] = field(default_factory=set)
    may_be_one_film: bool = True

    def add(self, one: Listed) -> Iterator[FoundObject]:
        """Take in the next object; yield films that are complete."""
        name = one.path[len(self.path) :]
        held = len(self.films) + len(self.beside)
        if held >= MAX_HELD:
            self.may_be_one_film = False
        if held >= 2 * MAX_HELD or (not self.may_be_one_film and name >= self.closed_at):
            yield from self.end()
        if is_walked(name):
            self.films.append(one)
            self.closed_at = max(self.closed_at, stem_of(name) + "/")
            if self.may_be_one_film:
                self.film_names.add(film_name(name))
                many = len(self.film_names) > 1 or len(self.films) > MAX_VERSIONS
                self.may_be_one_film = not many
        elif name.lower().endswith(COMPANION_SUFFIXES) and not name.startswith("."):
            self.beside[name] = one
            shortest = min((stem for stem, _ in stems(name)), key=len, default=name)
            self.closed_at = max(self.closed_at, shortest + "/")

    def end(self) -> Iterator[FoundObject]:
        """Yield what is held."""
        films, beside, self.films, self.beside = self.films, self.beside, [], {}
        self.closed_at = ""
        cars = SideCars(beside, one_film=self.may_be_one_film) if films and beside else None
        for film in films:
            found = FoundObject(film.path, film.path, film.size_bytes, film.signature)
            matches = cars.of(film.path[len(self.path) :]) if cars is not None else ()
            if matches:
                companions = tuple(
                    Companion(
                        match.kind,
                        beside[match.name].path,
                        match.name,
                        beside[match.name].size_bytes,
                        beside[match.name].signature,
                        match.shared,
                    )
                    for match in matches
                )
                found = found._replace(extras=extras_of(companions), companions=companions)
            yield found


def films_of(listed: Iterable[Listed]) -> Iterator[FoundObject]:
    """Yield the films of a listing with what belongs to them.

    Args:
        listed: everything there is, sorted by path (as UTF-8), or folder by folder with the names
            of each sorted. Hidden files and folders, and files that are not complete yet, are left
            out.
    """
    opened = [_Folder("")]
    for one in listed:
        while not one.path.startswith(opened[-1].path):
            yield from opened.pop().end()
        folder = one.path[: one.path.rfind("/") + 1]
        if folder != opened[-1].path:
            if not all(is_folder_name(name) for name in folder.split("/")[:-1]):
                continue
            opened.append(_Folder(folder))
        yield from opened[-1].add(one)
    while opened:
        yield from opened.pop().end()
