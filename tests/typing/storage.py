"""Storages and what they ask other machines by fit their ports: read by mypy alone."""

from collections.abc import Iterator

from adapters.http.documents import Documents
from adapters.http.outbound import Outbound
from adapters.memory.outbound import MemoryDocuments
from adapters.memory.storage import MemoryStorage, MemoryStorages
from adapters.storage.jellyfin.client import SignedOrigins
from adapters.storage.jellyfin.storage import JellyfinStorage
from adapters.storage.local import LocalStorage
from adapters.storage.registry import StorageRegistry
from adapters.storage.s3 import S3Storage
from adapters.storage.web.reach import Reach
from adapters.storage.web.storage import WebStorage
from ports.library.storage import Picturing, Redirecting, Storages, WalkableStorage
from ports.outbound import Origins, WebDocuments, WebForms


def walkable(
    local: LocalStorage,
    s3: S3Storage,
    jellyfin: JellyfinStorage,
    web: WebStorage,
    memory: MemoryStorage,
) -> Iterator[WalkableStorage]:
    yield from (local, s3, jellyfin, web, memory)


def redirecting(s3: S3Storage) -> Redirecting:
    return s3


def picturing(jellyfin: JellyfinStorage, web: WebStorage) -> Iterator[Picturing]:
    yield from (jellyfin, web)


def storages(registry: StorageRegistry, memory: MemoryStorages) -> Iterator[Storages]:
    yield from (registry, memory)


def documents(guarded: Documents, reach: Reach, memory: MemoryDocuments) -> Iterator[WebDocuments]:
    yield from (guarded, reach, memory)


def forms(guarded: Documents, memory: MemoryDocuments) -> Iterator[WebForms]:
    yield from (guarded, memory)


def origins(guarded: Outbound, signed: SignedOrigins, reach: Reach) -> Iterator[Origins]:
    yield from (guarded, signed, reach)
