"""What names say of files, wherever they lie: which are films, which are left alone."""

import hashlib
from collections.abc import Iterable

from ports.library.storage import Companion

VIDEO_SUFFIXES = (
    ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".ts", ".m2ts", ".mts", ".mpg", ".mpeg",
    ".wmv", ".asf", ".flv", ".ogv", ".ogm", ".3gp", ".3g2", ".vob", ".divx", ".mxf",
)  # fmt: skip
_PARTIAL = (".part.", ".tmp.", ".crdownload.", ".partial.", ".!qb.")
_FOLDERS_NEVER_READ = frozenset({"lost+found", "@eaDir", "#recycle", "$RECYCLE.BIN"})


def is_video_name(name: str) -> bool:
    """Tell whether a base name has the suffix of a film."""
    return name.lower().endswith(VIDEO_SUFFIXES)


def is_partial(name: str) -> bool:
    """Tell whether a base name is one of a file that is not complete yet."""
    return any(mark in name for mark in _PARTIAL)


def is_folder_name(name: str) -> bool:
    """Tell whether a folder of that name is looked into."""
    return not name.startswith(".") and name not in _FOLDERS_NEVER_READ


def is_walked(path: str) -> bool:
    """Tell whether a walk takes the file at this path below the root for a film."""
    *folders, name = path.split("/")
    return (
        all(map(is_folder_name, folders))
        and not name.startswith(".")
        and is_video_name(name)
        and not is_partial(name)
    )


def extras_of(companions: Iterable[Companion]) -> str:
    """Return what changes with the companions or any bytes of theirs; empty for none."""
    text = "\n".join(
        f"{one.kind} {one.signature} {one.shared:d} {one.locator}" for one in companions
    )
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest() if text else ""
