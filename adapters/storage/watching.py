"""Watching folders by what the system tells (inotify and its relatives), through watchdog."""

import errno
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

from adapters.storage.names import VIDEO_SUFFIXES
from domain.ids import LocationId
from domain.library.companions import COMPANION_SUFFIXES

QUIET_S = 10.0  # longer than a file takes that is written in pieces
NEVER_QUIET_S = 300.0
_SUFFIXES = (*VIDEO_SUFFIXES, *COMPANION_SUFFIXES)
_CHANGES = frozenset({"created", "deleted", "modified", "moved", "closed"})
_WORDS = {
    errno.ENOSPC: "there are more folders in it than this system watches at once"
    " (fs.inotify.max_user_watches)",
    errno.EMFILE: "this system watches no more places at once (fs.inotify.max_user_instances)",
    errno.ENOENT: "the folder does not exist",
    errno.EACCES: "this node may not read it",
}


@dataclass(slots=True)
class _Watch:
    folder: str
    place: tuple[int, int]  # device and inode: another disk may come to be mounted there
    handler: FileSystemEventHandler
    handle: ObservedWatch
    first: float | None = None  # when the first change came that nobody was told of
    last: float = 0.0


class WatchdogWatcher:
    """Watches trees; one thread for all of them, started with the first."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic, self._lock = monotonic, Lock()
        self._observer: BaseObserver | None = None
        self._watches: dict[LocationId, _Watch] = {}
        self._unwatched: set[LocationId] = set()  # those that could not be, for a while

    def keep(self, folders: Mapping[LocationId, str]) -> Mapping[LocationId, str]:
        """See FolderWatcher."""
        for key, watch in list(self._watches.items()):
            if folders.get(key) != watch.folder or _place(watch.folder) != watch.place:
                self._unwatched.add(key)
                self._drop(key)
        self._unwatched &= folders.keys()
        failed: dict[LocationId, str] = {}
        for key, folder in folders.items():
            if key not in self._watches:
                try:
                    self._add(key, folder)
                except OSError as exc:
                    failed[key] = _WORDS.get(exc.errno or 0, "the system refuses to watch it")
                    self._unwatched.add(key)
                    continue
                if key in self._unwatched:  # a disk came back: what is on it counts as changed
                    self._unwatched.remove(key)
                    self._note(key)
        return failed

    def settled(self) -> Sequence[LocationId]:
        """See FolderWatcher."""
        now, found = self._monotonic(), []
        with self._lock:
            for key, watch in self._watches.items():
                if watch.first is None:
                    continue
                if now - watch.last >= QUIET_S or now - watch.first >= NEVER_QUIET_S:
                    watch.first = None
                    found.append(key)
        return found

    def close(self) -> None:
        """See FolderWatcher."""
        observer, self._observer = self._observer, None
        self._watches.clear()
        if observer is not None:
            observer.stop()
            observer.join()

    def _add(self, key: LocationId, folder: str) -> None:
        if self._observer is None:
            self._observer = Observer()
            self._observer.start()
        found = Path(folder).stat()
        handler = _Handler(lambda: self._note(key))
        handle = self._observer.schedule(handler, folder, recursive=True)
        with self._lock:
            self._watches[key] = _Watch(folder, (found.st_dev, found.st_ino), handler, handle)

    def _drop(self, key: LocationId) -> None:
        with self._lock:
            gone = self._watches.pop(key)
            is_shared = any(watch.handle == gone.handle for watch in self._watches.values())
        if self._observer is None:
            return
        if is_shared:
            self._observer.remove_handler_for_watch(gone.handler, gone.handle)
        else:
            self._observer.unschedule(gone.handle)

    def _note(self, key: LocationId) -> None:
        now = self._monotonic()
        with self._lock:
            watch = self._watches.get(key)
            if watch is not None:
                watch.first, watch.last = watch.first or now, now


def _place(folder: str) -> tuple[int, int] | None:
    try:
        found = Path(folder).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class _Handler(FileSystemEventHandler):
    """Calls ``changed`` for what a scan would notice: videos, side-cars, folders."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Take an event of the system."""
        if event.event_type not in _CHANGES:
            return
        names = (str(event.src_path), str(event.dest_path))
        matters = any(name.lower().endswith(_SUFFIXES) for name in names)
        if matters or (event.is_directory and event.event_type != "modified"):
            self._changed()
