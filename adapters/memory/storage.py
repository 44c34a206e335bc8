"""A storage location over a dictionary of bytes, and the registry of such."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from domain.ids import LocationId
from domain.library.storage_location import StorageLocation, StorageType
from ports.byte_body import ByteBody, BytesBody
from ports.library.storage import (
    Companion,
    FoundObject,
    NewestOnly,
    ObjectChanged,
    ObjectInfo,
    ObjectNotFound,
    Option,
    OptionsInvalid,
    ReadableStorage,
    StorageEmpty,
    StorageUnreachable,
    Told,
    UnreadableObject,
    WalkableStorage,
    WalkItem,
)


@dataclass(slots=True)
class MemoryStorage:
    """Objects by locator.

    ``beside`` names the companions of an object, ``told`` what the storage says of it; both count
    as changed when ``extras`` does. ``hidden`` names objects that a walk passes over. ``remote``:
    there are no paths on this machine. ``unreachable`` holds the reason why it does not answer,
    empty while it does; ``breaks_after`` lets a walk end that way in the middle; ``unreadable``
    names objects a walk cannot look at; ``newest_only``: the walk says that it names no more than
    the newest.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    beside: dict[str, tuple[Companion, ...]] = field(default_factory=dict)
    told: dict[str, Told] = field(default_factory=dict)
    extras: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    remote: bool = False
    unreachable: str = ""
    breaks_after: int | None = None
    newest_only: bool = False

    def check(self) -> str:
        self._answer()
        return f"{len(self.objects)} objects in memory"

    def stat(self, locator: str) -> ObjectInfo:
        data = self._read(locator)
        return ObjectInfo(len(data), _etag(data))

    def open(self, locator: str, *, start: int, length: int, etag: str | None) -> ByteBody:
        data = self._read(locator)
        if etag is not None and etag != _etag(data):
            raise ObjectChanged
        return BytesBody(data[start : start + length])

    def walk(self) -> Iterator[WalkItem]:
        self._answer()
        if not self.objects and not self.unreadable:
            raise StorageEmpty("nothing is in memory")
        side_cars = {one.locator for some in self.beside.values() for one in some} | self.hidden
        films = [item for item in self.objects.items() if item[0] not in side_cars]
        for number, (locator, data) in enumerate(films):
            if number == self.breaks_after:
                raise StorageUnreachable("the storage went away in the middle")
            yield FoundObject(
                locator,
                locator,
                len(data),
                _etag(data),
                self.extras.get(locator, ""),
                self.beside.get(locator, ()),
                self.told.get(locator),
            )
        for name, reason in self.unreadable.items():
            yield UnreadableObject(name, reason, locator=name)
        if self.newest_only:
            yield NewestOnly()

    def local_path(self, locator: str) -> str | None:
        """Return a path that the fakes of ports.library.media understand."""
        return locator if locator in self.objects and not self.remote else None

    def _answer(self) -> None:
        if self.unreachable:
            raise StorageUnreachable(self.unreachable)

    def _read(self, locator: str) -> bytes:
        self._answer()
        data = self.objects.get(locator)
        if data is None:
            raise ObjectNotFound
        return data


class MemoryStorages:
    """One MemoryStorage for each local location, named by its option ``path``.

    Locations with the same path share their objects, so that a test can fill them beforehand.
    """

    def __init__(self) -> None:
        self.by_path: dict[str, MemoryStorage] = {}
        self.forgotten: list[LocationId] = []

    def types(self) -> Mapping[StorageType, Mapping[str, Option]]:
        path = Option(help="A folder's name", required=True)
        return {StorageType.LOCAL: {"path": path, "password": Option(help="-", secret=True)}}

    def check_options(
        self, storage_type: StorageType, options: Mapping[str, str]
    ) -> tuple[Mapping[str, str], Mapping[str, str]]:
        known = self.types().get(storage_type, {})
        for name in options:
            if name not in known:
                raise OptionsInvalid(f"there is no option {name}", field=name)
        if storage_type is StorageType.LOCAL and not options.get("path"):
            raise OptionsInvalid("path is missing", field="path")
        secret = {name: value for name, value in options.items() if known[name].secret}
        plain = {name: value for name, value in options.items() if name not in secret}
        return plain, secret

    def at(self, path: str) -> MemoryStorage:
        """Return the storage that local locations of that path read."""
        return self.by_path.setdefault(path, MemoryStorage())

    def readable(self, location: StorageLocation) -> ReadableStorage:
        return self.at(location.options.get("path", f"peer:{location.connection_id}"))

    def walkable(self, location: StorageLocation) -> WalkableStorage | None:
        if location.storage_type is StorageType.VELOUR:
            return None
        return self.at(location.options["path"])

    def forget(self, location_id: LocationId) -> None:
        self.forgotten.append(location_id)


def _etag(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
