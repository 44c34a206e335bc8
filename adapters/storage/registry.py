"""The types of storage there are, what each is told, and the storages of the locations."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from adapters.storage.local import LocalStorage
from domain.ids import LocationId
from domain.library.storage_location import StorageLocation, StorageType
from ports.library.storage import (
    Option,
    OptionsInvalid,
    ReadableStorage,
    StorageUnreachable,
    WalkableStorage,
)

Options = Mapping[str, str]
Secrets = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of storage.

    ``make`` gets a location and its secrets; ``options`` is the model of both, None for a type that
    is not added by hand; ``check`` refuses options that the model alone cannot judge.
    """

    make: Callable[[StorageLocation, Secrets], ReadableStorage]
    options: type[BaseModel] | None = None
    check: Callable[[Any], None] = lambda _options: None


@dataclass(frozen=True, slots=True, repr=False)
class _Made:
    storage: ReadableStorage
    version: int  # of the location
    options: Options
    secrets: Secrets


class StorageRegistry:
    """Makes storages and keeps them.

    Args:
        kinds: the types that this node reads.
        secrets_of: returns the secrets of a location, in clear.
    """

    def __init__(
        self,
        kinds: Mapping[StorageType, Kind],
        *,
        secrets_of: Callable[[LocationId], Secrets],
    ) -> None:
        self._kinds, self._secrets_of = kinds, secrets_of
        self._made: dict[LocationId, _Made] = {}
        self._lock = threading.Lock()

    def types(self) -> Mapping[StorageType, Mapping[str, Option]]:
        """See Storages."""
        return {
            storage_type: {
                name: _option(field) for name, field in kind.options.model_fields.items()
            }
            for storage_type, kind in self._kinds.items()
            if kind.options is not None
        }

    def check_options(self, storage_type: StorageType, options: Options) -> tuple[Options, Secrets]:
        """See Storages."""
        kind = self._kinds.get(storage_type)
        if kind is None or kind.options is None:
            names = ", ".join(self.types())
            raise OptionsInvalid(f"locations of these types are added so: {names}", field="type")
        try:
            checked = kind.options.model_validate(dict(options))
        except ValidationError as exc:
            raise _options_invalid(exc, kind.options) from exc
        kind.check(checked)
        plain: dict[str, str] = {}
        secret: dict[str, str] = {}
        for name, value in checked:
            if isinstance(value, SecretStr):
                secret[name] = value.get_secret_value()
            elif value is not None and value != checked.__class__.model_fields[name].default:
                plain[name] = _text(value)
        return plain, secret

    def readable(self, location: StorageLocation) -> ReadableStorage:
        """See Storages."""
        with self._lock:
            made = self._made.get(location.id)
        if made is not None and made.version == location.version:
            return made.storage
        kind = self._kinds.get(location.storage_type)
        if kind is None:
            raise StorageUnreachable(f"this node does not read the type {location.storage_type}")
        # Another process may have changed the secrets; each change counts the version up, and so
        # does much that a storage need not know of.
        options, secrets = dict(location.options), dict(self._secrets_of(location.id))
        if made is not None and (made.options, made.secrets) == (options, secrets):
            fresh = replace(made, version=location.version)
        else:
            fresh = _Made(kind.make(location, secrets), location.version, options, secrets)
        with self._lock:
            self._made[location.id] = fresh
        return fresh.storage

    def walkable(self, location: StorageLocation) -> WalkableStorage | None:
        """See Storages."""
        storage = self.readable(location)
        return storage if isinstance(storage, WalkableStorage) else None

    def forget(self, location_id: LocationId) -> None:
        """See Storages."""
        with self._lock:
            self._made.pop(location_id, None)


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


# Folders of the data directory that the node fills itself; films may lie beside them.
_OWN_FOLDERS = ("keys", "assets", "settings")


def local_kind(*, growing_seconds: float, data_dir: Path) -> Kind:
    """Return the type ``local``.

    Args:
        growing_seconds: see LocalStorage.
        data_dir: the node's own directory, which no location may be.
    """
    own_root = data_dir.resolve()

    def make(location: StorageLocation, _secrets: Secrets) -> LocalStorage:
        return LocalStorage(Path(location.options["path"]), growing_seconds=growing_seconds)

    def check(options: LocalOptions) -> None:
        folder = options.path.resolve()
        own = [own_root / name for name in _OWN_FOLDERS]
        is_own = folder == own_root or any(folder.is_relative_to(one) for one in own)
        if folder == Path(folder.anchor) or is_own:
            raise OptionsInvalid(
                "path: neither the whole system nor this node's own data can be a location",
                field="path",
            )

    return Kind(make, LocalOptions, check)


def _option(field: FieldInfo) -> Option:
    kinds = {field.annotation, *get_args(field.annotation)}
    choices: tuple[str, ...] = ()
    if bool in kinds:
        choices = ("yes", "no")
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, Enum):
            choices = tuple(str(member.value) for member in kind)
    required = field.is_required()
    return Option(
        help=field.description or "",
        secret=SecretStr in kinds,
        required=required,
        choices=choices,
        default="" if required or field.default is None else _text(field.default),
    )


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value.value if isinstance(value, Enum) else value)


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
    return OptionsInvalid(f"{name}: {words}" if name else words, field=name)
