"""Adapters of storage and media fit their ports: read by mypy alone."""

from collections.abc import Iterator

from adapters.http.documents import Documents
from adapters.media.assets import FileAssetStore
from adapters.media.names import GuessitNames
from adapters.media.probe import PyavMedia
from adapters.memory.media import (
    MemoryAssetStore,
    MemoryMediaProbe,
    MemoryNameGuesser,
    MemoryThumbnailer,
)
from adapters.memory.outbound import MemoryDocuments
from adapters.memory.storage import MemoryStorage, MemoryStorages
from adapters.storage.jellyfin.client import SignedOrigins
from adapters.storage.jellyfin.storage import JellyfinStorage
from adapters.storage.local import LocalStorage
from adapters.storage.registry import StorageRegistry
from ports.library.media import AssetStore, MediaProbe, Thumbnailer
from ports.library.names import NameGuesser
from ports.library.storage import Picturing, Storages, WalkableStorage
from ports.outbound import Origins, WebDocuments


def walkable(
    local: LocalStorage, memory: MemoryStorage, jellyfin: JellyfinStorage
) -> Iterator[WalkableStorage]:
    yield from (local, memory, jellyfin)


def picturing(jellyfin: JellyfinStorage) -> Picturing:
    return jellyfin


def documents(guarded: Documents, memory: MemoryDocuments) -> Iterator[WebDocuments]:
    yield from (guarded, memory)


def origins(signed: SignedOrigins) -> Origins:
    return signed


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
