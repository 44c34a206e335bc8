"""Derived files in a folder of the data directory."""

import os
import re
import tempfile
from contextlib import suppress
from pathlib import Path

from domain.errors import Invalid

_NAME = re.compile(r"[a-z]{1,30}/[0-9a-f-]{36}\.[a-z0-9]{1,5}", re.ASCII)


class FileAssetStore:
    """Files under ``root``, spread over 256 folders by the id's last two digits."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def find(self, name: str) -> bytes | None:
        """See AssetStore."""
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None

    def has(self, name: str) -> bool:
        """See AssetStore."""
        return self._path(name).exists()

    def put(self, name: str, data: bytes) -> None:
        """See AssetStore."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        fd, unfinished = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(data)
            Path(unfinished).replace(path)
        except BaseException:
            with suppress(OSError):
                Path(unfinished).unlink()
            raise

    def remove(self, name: str) -> None:
        """See AssetStore."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise Invalid("that is not the name of an asset", field="name")
        kind, _, file = name.partition("/")
        return self._root / kind / file[34:36] / file
