"""Adapters of media, and what watches folders, fit their ports: read by mypy alone."""

from collections.abc import Iterator

from adapters.media.assets import FileAssetStore
from adapters.media.names import GuessitNames
from adapters.media.nfo import XmlNfo
from adapters.media.probe import PyavMedia
from adapters.memory.media import (
    MemoryArtist,
    MemoryAssetStore,
    MemoryMediaProbe,
    MemoryNameGuesser,
    MemoryNfoReader,
    MemoryRemoteMedia,
    MemorySource,
    MemoryStoryboarder,
    MemorySubtitleReader,
    MemoryThumbnailer,
)
from adapters.storage.watching import WatchdogWatcher
from app.usecases.library.span_reading import StorageSpans
from ports.library.media import (
    Artist,
    AssetStore,
    MediaProbe,
    NfoReader,
    RemoteMedia,
    SpanSource,
    Storyboarder,
    SubtitleReader,
    Thumbnailer,
)
from ports.library.names import NameGuesser
from ports.library.watching import FolderWatcher


def probes(pyav: PyavMedia, memory: MemoryMediaProbe) -> Iterator[MediaProbe]:
    yield from (pyav, memory)


def thumbnailers(pyav: PyavMedia, memory: MemoryThumbnailer) -> Iterator[Thumbnailer]:
    yield from (pyav, memory)


def sources(storage: StorageSpans, memory: MemorySource) -> Iterator[SpanSource]:
    yield from (storage, memory)


def remote_media(pyav: PyavMedia, memory: MemoryRemoteMedia) -> Iterator[RemoteMedia]:
    yield from (pyav, memory)


def storyboarders(pyav: PyavMedia, memory: MemoryStoryboarder) -> Iterator[Storyboarder]:
    yield from (pyav, memory)


def artists(pyav: PyavMedia, memory: MemoryArtist) -> Iterator[Artist]:
    yield from (pyav, memory)


def subtitle_readers(pyav: PyavMedia, memory: MemorySubtitleReader) -> Iterator[SubtitleReader]:
    yield from (pyav, memory)


def nfo_readers(xml: XmlNfo, memory: MemoryNfoReader) -> Iterator[NfoReader]:
    yield from (xml, memory)


def names(guessit: GuessitNames, memory: MemoryNameGuesser) -> Iterator[NameGuesser]:
    yield from (guessit, memory)


def assets(files: FileAssetStore, memory: MemoryAssetStore) -> Iterator[AssetStore]:
    yield from (files, memory)


def watchers(watchdog: WatchdogWatcher) -> FolderWatcher:
    return watchdog
