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
from adapters.memory.storage import MemoryStorage, MemoryStorages
from adapters.storage.local import LocalStorage
from adapters.storage.registry import StorageRegistry
from adapters.storage.web.reach import Reach
from adapters.storage.web.storage import WebStorage
from ports.library.media import AssetStore, MediaProbe, Thumbnailer
from ports.library.names import NameGuesser
from ports.library.storage import Picturing, Storages, WalkableStorage
from ports.outbound import Origins, WebDocuments


def walkable(
    local: LocalStorage, memory: MemoryStorage, web: WebStorage
) -> Iterator[WalkableStorage]:
    yield from (local, memory, web)


def picturing(web: WebStorage) -> Iterator[Picturing]:
    yield web


def clients(reach: Reach, guarded: Documents) -> Iterator[WebDocuments]:
    yield from (reach, guarded)


def origins(reach: Reach) -> Iterator[Origins]:
    yield reach


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
