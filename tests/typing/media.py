"""Adapters of storage and media fit their ports: read by mypy alone."""

from collections.abc import Iterator

from adapters.media.assets import FileAssetStore
from adapters.media.names import GuessitNames
from adapters.media.probe import PyavMedia
from adapters.memory.media import (
    MemoryAssetStore,
    MemoryMediaProbe,
    MemoryNameGuesser,
    MemoryThumbnailer,
)
from adapters.memory.storage import MemoryStorage, MemoryStorages
from adapters.storage.local import LocalStorage
from adapters.storage.registry import StorageRegistry
from adapters.storage.s3 import S3Storage
from ports.library.media import AssetStore, MediaProbe, Thumbnailer
from ports.library.names import NameGuesser
from ports.library.storage import Redirecting, Storages, WalkableStorage


def walkable(
    local: LocalStorage, memory: MemoryStorage, s3: S3Storage
) -> Iterator[WalkableStorage]:
    yield from (local, memory, s3)


def redirecting(s3: S3Storage) -> Redirecting:
    return s3


def storages(registry: StorageRegistry, memory: MemoryStorages) -> Iterator[Storages]:
    yield from (registry, memory)


def probes(pyav: PyavMedia, memory: MemoryMediaProbe) -> Iterator[MediaProbe]:
    yield from (pyav, memory)


def thumbnailers(pyav: PyavMedia, memory: MemoryThumbnailer) -> Iterator[Thumbnailer]:
    yield from (pyav, memory)


def names(guessit: GuessitNames, memory: MemoryNameGuesser) -> Iterator[NameGuesser]:
    yield from (guessit, memory)


def assets(files: FileAssetStore, memory: MemoryAssetStore) -> Iterator[AssetStore]:
    yield from (files, memory)
