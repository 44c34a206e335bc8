"""Facts and pictures of media files by PyAV, in child processes."""

import os
from math import isfinite
from typing import Any

from adapters.media.children import ChildPool
from domain.errors import Invalid
from domain.library.video import Fingerprints, MediaFacts
from ports.library.media import MediaUnreadable, Probed

MAX_SIDE = 32768


class PyavMedia:
    """Probes files and makes stills; both share the children.

    Args:
        processes: children at most.
        timeout_s: for one file.
        memory_mib: address space of a child.
    """

    def __init__(self, *, processes: int, timeout_s: float, memory_mib: int) -> None:
        self._children = ChildPool(size=processes, timeout_s=timeout_s, memory_mib=memory_mib)

    def probe(self, path: str) -> Probed:
        """See MediaProbe."""
        suffix = os.path.splitext(path)[1].lower()  # noqa: PTH122 - paths are plain text here
        fields = self._children.ask(path, {"do": "probe", "suffix": suffix}).fields
        try:
            return _probed(fields)
        except (Invalid, KeyError, TypeError, ValueError, OverflowError) as exc:
            raise MediaUnreadable("its facts make no sense") from exc

    def still(self, path: str, *, at_share: float) -> bytes:
        """See Thumbnailer."""
        picture = self._children.ask(path, {"do": "still", "at_share": at_share}).picture
        if picture[:4] != b"RIFF" or picture[8:12] != b"WEBP":
            raise MediaUnreadable("it holds no picture")
        return picture

    def close(self) -> None:
        """See MediaProbe."""
        self._children.close()


def _probed(fields: dict[str, Any]) -> Probed:
    """Check what a child says: it may have been taken over by the file."""
    width, height = int(fields["width"]), int(fields["height"])
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise MediaUnreadable("its pictures are too large")
    facts = MediaFacts(
        duration=_number(fields["duration"]),
        width=width,
        height=height,
        video_codec=_text(fields["video_codec"]),
        audio_codec=_text(fields["audio_codec"]),
        container=_text(fields["container"]),
        bit_rate=None if fields["bit_rate"] is None else int(fields["bit_rate"]),
        frame_rate=_number(fields["frame_rate"]),
    )
    digest = int(str(fields["oshash"]), 16)
    return Probed(
        facts,
        Fingerprints(oshash=f"{digest:016x}"),
        title=_text(fields["title"]),
        bytes_read=int(fields["bytes_read"]),
    )


def _number(value: object) -> float | None:
    if value is None:
        return None
    number = float(str(value))
    return number if isfinite(number) else None


def _text(value: object) -> str | None:
    """Return text that a database takes: printable, no lone surrogates."""
    if value is None:
        return None
    shown = "".join(c for c in str(value) if c.isprintable())
    return shown.encode("utf-8", "ignore").decode().strip() or None
