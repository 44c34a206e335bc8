"""The types of storage there are, what each is told, and the storages of the locations."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from adapters.storage.local import LocalStorage
from domain.ids import LocationId
from domain.library.storage_location import StorageLocation, StorageType
from ports.library.storage import (
    OptionsInvalid,
    ReadableStorage,
    StorageUnreachable,
    WalkableStorage,
)

StorageFactory = Callable[[StorageLocation], ReadableStorage]


def _check_folder(path: Path) -> Path:
    if not path.is_absolute():
        raise ValueError("write the whole path, beginning with a slash")
    try:
        is_folder = path.is_dir()
    except (OSError, ValueError):
        is_folder = False
    if not is_folder:
        raise ValueError("there is no such folder, or this node may not see it")
    return path


class LocalOptions(BaseModel):
    """What a local location is told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Annotated[Path, AfterValidator(_check_folder)] = Field(
        description="Absolute path of the folder that holds the films"
    )


_OPTIONS: Mapping[StorageType, type[BaseModel]] = {StorageType.LOCAL: LocalOptions}


# Folders of the data directory that the node fills itself; films may lie beside them.
_OWN_FOLDERS = ("keys", "assets", "settings")


class StorageRegistry:
    """Makes storages and keeps them.

    Args:
        growing_seconds: see LocalStorage.
        data_dir: the node's own directory, which no location may be.
        factories: the types that are made elsewhere, such as another node.
    """

    def __init__(
        self,
        *,
        growing_seconds: float,
        data_dir: Path,
        factories: Mapping[StorageType, StorageFactory],
    ) -> None:
        self._growing_s, self._data_dir = growing_seconds, data_dir.resolve()
        self._factories = {StorageType.LOCAL: self._local, **factories}
        self._made: dict[LocationId, ReadableStorage] = {}
        self._lock = threading.Lock()

    def types(self) -> Mapping[StorageType, Mapping[str, str]]:
        """See Storages."""
        return {
            storage_type: {
                name + ("*" if _is_secret(field.annotation) else ""): field.description or ""
                for name, field in model.model_fields.items()
            }
            for storage_type, model in _OPTIONS.items()
        }

    def check_options(
        self, storage_type: StorageType, options: Mapping[str, str]
    ) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """See Storages."""
        model = _OPTIONS.get(storage_type)
        if model is None:
            names = ", ".join(_OPTIONS)
            raise OptionsInvalid(f"locations of these types are added so: {names}", field="type")
        try:
            checked = model.model_validate(dict(options))
        except ValidationError as exc:
            raise _options_invalid(exc, model) from exc
        if isinstance(checked, LocalOptions):
            self._check_place(checked.path.resolve())
        plain: dict[str, str] = {}
        secret: dict[str, str] = {}
        for name, value in checked:
            if isinstance(value, SecretStr):
                secret[name] = value.get_secret_value()
            elif value is not None:
                plain[name] = str(value)
        return plain, secret

    def readable(self, location: StorageLocation) -> ReadableStorage:
        """See Storages."""
        with self._lock:
            made = self._made.get(location.id)
            if made is None:
                factory = self._factories.get(location.storage_type)
                if factory is None:
                    raise StorageUnreachable(
                        f"this node does not read the type {location.storage_type}"
                    )
                made = self._made[location.id] = factory(location)
            return made

    def walkable(self, location: StorageLocation) -> WalkableStorage | None:
        """See Storages."""
        storage = self.readable(location)
        return storage if isinstance(storage, LocalStorage) else None

    def forget(self, location_id: LocationId) -> None:
        """See Storages."""
        with self._lock:
            self._made.pop(location_id, None)

    def _check_place(self, folder: Path) -> None:
        own = [self._data_dir / name for name in _OWN_FOLDERS]
        is_own = folder == self._data_dir or any(folder.is_relative_to(one) for one in own)
        if folder == Path(folder.anchor) or is_own:
            raise OptionsInvalid(
                "path: neither the whole system nor this node's own data can be a location",
                field="path",
            )

    def _local(self, location: StorageLocation) -> ReadableStorage:
        return LocalStorage(Path(location.options["path"]), growing_seconds=self._growing_s)


def _is_secret(annotation: Any) -> bool:
    return annotation is SecretStr or SecretStr in getattr(annotation, "__args__", ())


def _options_invalid(exc: ValidationError, model: type[BaseModel]) -> OptionsInvalid:
    """Name the first option that is wrong; values stay out, they may be secrets."""
    error = exc.errors(include_input=False, include_url=False)[0]
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        known = ", ".join(model.model_fields)
        return OptionsInvalid(f"there is no option {name}; there is: {known}", field=name)
    if error["type"] == "missing":
        return OptionsInvalid(f"the option {name} is missing", field=name)
    words = str(error["msg"]).removeprefix("Value error, ")
    return OptionsInvalid(f"{name}: {words}", field=name)
