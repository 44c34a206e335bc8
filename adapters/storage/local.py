"""Videos in a directory tree of this machine."""

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path

from adapters.storage.names import (
    VIDEO_SUFFIXES,
    extras_of,
    is_folder_name,
    is_partial,
    is_video_name,
    is_walked,
)
from domain.library.companions import COMPANION_SUFFIXES, SideCars, is_one_film
from domain.library.video import shown
from ports.byte_body import ByteBody, FileBody
from ports.library.storage import (
    Companion,
    FoundObject,
    GrowingObject,
    ObjectChanged,
    ObjectInfo,
    ObjectNotFound,
    StorageEmpty,
    StorageUnreachable,
    UnreadableObject,
    WalkItem,
)

AT_ONCE = 1000  # entries of one folder that are held at a time
_GONE_AWAY = frozenset(
    {errno.ESTALE, errno.ENOTCONN, errno.EHOSTDOWN, errno.ETIMEDOUT, errno.ENODEV, errno.ENXIO}
)
_WORDS = {
    errno.ENOENT: "the folder does not exist",
    errno.ENOTDIR: "it is not a folder",
    errno.EACCES: "this node may not read it",
    errno.EPERM: "this node may not read it",
    errno.EIO: "the disk reports an error",
    errno.ELOOP: "the link leads nowhere",
    errno.ENAMETOOLONG: "the path is too long",
}


class LocalStorage:
    """A directory tree. Locators are paths below its root, with slashes.

    Args:
        root: absolute path.
        growing_seconds: a file that was written to more recently counts as unfinished.
    """

    def __init__(self, root: Path, *, growing_seconds: float) -> None:
        self._root = root
        self._growing_s = growing_seconds

    def check(self) -> str:
        """See ReadableStorage."""
        fd = self._open_root()
        try:
            with os.scandir(fd) as entries:
                count = sum(1 for _ in entries)
        except OSError as exc:
            raise StorageUnreachable(_words(exc)) from exc
        finally:
            os.close(fd)
        return f"{count} {'entry' if count == 1 else 'entries'} in {self._root}"

    def walk(self) -> Iterator[WalkItem]:
        """See WalkableStorage.

        Links are followed to files inside the root that the walk does not meet by itself, once
        each; links to folders are not followed, so loops end.
        """
        return chain.from_iterable(self._walk())

    def _walk(self) -> Iterator[list[WalkItem]]:
        """Yield lists of what is found: handing on item by item would take a fifth longer."""
        root_fd = self._open_root()
        try:
            before = os.fstat(root_fd)
            with os.scandir(root_fd) as entries:
                if next(entries, None) is None:
                    raise StorageEmpty("the folder is empty, as when its disk is not mounted")
            real_root = os.path.realpath(self._root)
            yield from _Walk(root_fd, real_root, self._growing_s)
        finally:
            os.close(root_fd)
        try:
            after = self._root.stat()
        except OSError as exc:
            raise StorageUnreachable(_words(exc)) from exc
        if (after.st_dev, after.st_ino) != (before.st_dev, before.st_ino):
            raise StorageUnreachable("the disk was taken away during the scan")

    def stat(self, locator: str) -> ObjectInfo:
        """See ReadableStorage."""
        fd = self._open_file(locator)
        try:
            found = os.fstat(fd)
        finally:
            os.close(fd)
        return ObjectInfo(found.st_size, _signature(found))

    def open(self, locator: str, *, start: int, length: int, etag: str | None) -> ByteBody:
        """See ReadableStorage."""
        fd = self._open_file(locator)
        found = os.fstat(fd)
        same = etag is None or etag == _signature(found)
        if not same or start + length > found.st_size:
            os.close(fd)
            raise ObjectChanged
        return FileBody(fd, start=start, length=length)

    def local_path(self, locator: str) -> str | None:
        """See WalkableStorage."""
        return os.path.join(self._root, locator)  # noqa: PTH118 - locators are plain text

    def _open_root(self) -> int:
        try:
            return os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as exc:
            raise StorageUnreachable(_words(exc)) from exc

    def _open_file(self, locator: str) -> int:
        """Open a regular file below the root, whatever links lie on the way.

        The kernel follows the links, to a handle that opens nothing yet (so a pipe or a device of
        that name does no harm); where it ended decides, and the same file is opened then.
        """
        try:
            root_fd = os.open(self._root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as exc:
            raise StorageUnreachable(_words(exc)) from exc
        handle = -1
        try:
            handle = os.open(locator, os.O_PATH | os.O_CLOEXEC, dir_fd=root_fd)
            if not _path_of(handle).startswith(_path_of(root_fd) + "/"):
                raise ObjectNotFound
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise ObjectNotFound
            return os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError, ValueError) as exc:
            self._open_root_and_close()
            raise ObjectNotFound from exc
        except OSError as exc:
            if exc.errno in (errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO):
                raise ObjectNotFound from exc
            raise StorageUnreachable(_words(exc)) from exc
        finally:
            os.close(root_fd)
            if handle >= 0:
                os.close(handle)

    def _open_root_and_close(self) -> None:
        """Raise StorageUnreachable where not only the file but the whole location is absent."""
        fd = self._open_root()
        try:
            with os.scandir(fd) as entries:
                if next(entries, None) is None:
                    raise StorageUnreachable("the folder is empty, as when its disk is not mounted")
        except OSError as exc:
            raise StorageUnreachable(_words(exc)) from exc
        finally:
            os.close(fd)


class _Walk:
    """One pass over a tree, on directory descriptors: names are short and nothing is followed."""

    def __init__(self, root_fd: int, real_root: str, growing_s: float) -> None:
        self._root_fd, self._real_root, self._growing_s = root_fd, real_root, growing_s
        # Videos that are looked at again at the end, by locator, with what lies beside them.
        self._young: dict[str, tuple[Companion, ...]] = {}
        self._links: dict[str, tuple[Companion, ...]] = {}

    def __iter__(self) -> Iterator[list[WalkItem]]:
        folders = [""]
        while folders:
            folder = folders.pop()
            try:
                fd = self._open_folder(folder)
            except OSError as exc:
                if exc.errno in _GONE_AWAY:
                    raise StorageUnreachable(_words(exc)) from exc
                if exc.errno != errno.ENOENT:  # it may have been moved since its parent was read
                    yield [UnreadableObject(shown(folder), _words(exc), folder)]
                continue
            try:
                with os.scandir(fd) as entries:
                    some = list(islice(entries, AT_ONCE))
                    beside = self._side_cars(folder) if len(some) == AT_ONCE else None
                    while some:
                        yield self._look_at(some, fd, folder, folders, beside)
                        some = list(islice(entries, AT_ONCE))
            except OSError as exc:
                if exc.errno in _GONE_AWAY:
                    raise StorageUnreachable(_words(exc)) from exc
                yield [UnreadableObject(shown(folder) or "/", _words(exc), folder or "/")]
            finally:
                os.close(fd)
        yield list(self._follow_links())
        for item in self._settle():
            yield [item]

    def _open_folder(self, folder: str) -> int:
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(folder or ".", flags, dir_fd=self._root_fd)

    def _side_cars(self, folder: str) -> SideCars:
        """Read the names of side-cars in a folder that is too large to be held at a time.

        None of them is taken for the folder's as a whole: so many files are not one film.
        """
        fd = self._open_folder(folder)
        try:
            with os.scandir(fd) as entries:
                names = [
                    entry.name
                    for entry in entries
                    if entry.name.lower().endswith(COMPANION_SUFFIXES)
                ]
        finally:
            os.close(fd)
        return SideCars(filter(_is_companion_name, names), one_film=False)

    def _look_at(
        self,
        entries: list[os.DirEntry[str]],
        fd: int,
        folder: str,
        folders: list[str],
        beside: SideCars | None,
    ) -> list[WalkItem]:
        """Sort some entries of a folder. Without ``beside`` they are all it has."""
        young_ns = time.time_ns() - int(self._growing_s * 1e9)
        items: list[WalkItem] = []
        again: list[tuple[str, dict[str, tuple[Companion, ...]]]] = []
        side_cars: list[str] = []
        make = tuple.__new__  # FoundObject(...) would take a tenth of the walk's time
        for entry in entries:
            name = entry.name
            if not name.isascii() and not _is_text(name):
                if not name.startswith("."):
                    as_shown = shown(folder + name)
                    items.append(UnreadableObject(as_shown, "the name is not UTF-8 text"))
                continue
            if not name.endswith(VIDEO_SUFFIXES) and not is_video_name(name):
                if entry.is_dir(follow_symlinks=False):
                    if is_folder_name(name):
                        folders.append(f"{folder}{name}/")
                elif beside is None and _is_companion_name(name):
                    side_cars.append(name)
                continue
            if name[0] == ".":
                continue
            locator = folder + name
            try:
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            except OSError as exc:
                items.append(UnreadableObject(shown(locator), _words(exc), locator))
                continue
            mode, size, changed = found.st_mode, found.st_size, found.st_mtime_ns
            if mode & 0o170000 != 0o100000:  # anything but a regular file
                if stat.S_ISDIR(mode):
                    folders.append(locator + "/")
                elif stat.S_ISLNK(mode):
                    again.append((name, self._links))
            elif changed > young_ns:
                if not is_partial(name):
                    again.append((name, self._young))
            elif name.count(".") == 1 or not is_partial(name):
                signature = f"{size}-{changed}-{found.st_ino}"
                items.append(make(FoundObject, (locator, locator, size, signature, "", (), None)))
        if side_cars:
            videos = [entry.name for entry in entries if is_walked(entry.name)]
            beside = SideCars(side_cars, one_film=is_one_film(videos))
        if beside is not None:
            for index, item in enumerate(items):
                if isinstance(item, FoundObject):
                    name = item.locator[len(folder) :]
                    items[index] = _with(item, _companions(fd, folder, beside, name))
        for name, into in again:
            into[folder + name] = () if beside is None else _companions(fd, folder, beside, name)
        return items

    def _follow_links(self) -> Iterator[WalkItem]:
        """Yield files inside the root that only links lead to."""
        met: set[tuple[int, int]] = set()
        for locator in sorted(self._links):
            target = os.path.realpath(f"{self._real_root}/{locator}")
            if not target.startswith(self._real_root + "/"):
                continue
            if is_walked(target[len(self._real_root) + 1 :]):
                continue
            with suppress(OSError):
                found = Path(target).stat()
                if stat.S_ISREG(found.st_mode) and (found.st_dev, found.st_ino) not in met:
                    met.add((found.st_dev, found.st_ino))
                    item = FoundObject(locator, locator, found.st_size, _signature(found))
                    yield _with(item, self._links[locator])

    def _settle(self) -> Iterator[WalkItem]:
        """Yield files that were young when met and have not been written to since.

        A file whose time lies ahead of the clock is never old enough: it counts as complete when it
        stays the same for as long.
        """
        deadline = time.monotonic() + self._growing_s
        waiting = list(self._young)
        first_seen: dict[str, str] = {}
        while waiting:
            is_over = time.monotonic() >= deadline
            still: list[str] = []
            for locator in waiting:
                try:
                    found = os.stat(locator, dir_fd=self._root_fd, follow_symlinks=False)
                except OSError:
                    continue
                now_ns, sign = time.time_ns(), _signature(found)
                rests = found.st_mtime_ns <= now_ns - int(self._growing_s * 1e9)
                is_same = first_seen.setdefault(locator, sign) == sign
                if rests or (is_over and is_same and found.st_mtime_ns > now_ns):
                    item = FoundObject(locator, locator, found.st_size, sign)
                    yield _with(item, self._young[locator])
                else:
                    still.append(locator)
            waiting = still
            if waiting and is_over:
                yield from map(GrowingObject, waiting)
                return
            if waiting:
                time.sleep(min(0.25, self._growing_s / 4))


def _companions(fd: int, folder: str, beside: SideCars, video: str) -> tuple[Companion, ...]:
    """Look at what belongs to a video of the folder that ``fd`` is open on; links do not count."""
    companions: list[Companion] = []
    for kind, name, is_shared in beside.of(video):
        try:
            found = os.stat(name, dir_fd=fd, follow_symlinks=False)
        except OSError:
            continue
        if stat.S_ISREG(found.st_mode):
            sign = _signature(found)
            companions.append(
                Companion(kind, folder + name, name, found.st_size, sign, shared=is_shared)
            )
    return tuple(companions)


def _with(item: FoundObject, companions: tuple[Companion, ...]) -> FoundObject:
    if not companions:
        return item
    return item._replace(extras=extras_of(companions), companions=companions)


def _path_of(fd: int) -> str:
    """Return where a descriptor leads, without any link on the way."""
    return os.readlink(f"/proc/self/fd/{fd}")  # noqa: PTH115 - plain text, as locators are


def _signature(found: os.stat_result) -> str:
    return f"{found.st_size}-{found.st_mtime_ns}-{found.st_ino}"


def _words(exc: OSError) -> str:
    return _WORDS.get(exc.errno or 0, "the system reports an error") + (
        "" if exc.errno in _WORDS else f" ({errno.errorcode.get(exc.errno or 0, 'unknown')})"
    )


def _is_text(name: str) -> bool:
    """Tell whether the name's bytes are UTF-8: Python shows others as lone surrogates."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_companion_name(name: str) -> bool:
    return name.lower().endswith(COMPANION_SUFFIXES) and name[0] != "." and _is_text(name)
