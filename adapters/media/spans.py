"""A file that lies on another machine, as FFmpeg reads it: by seeking and in small pieces.

The process that runs this has no network; its parent fetches the spans. What was fetched is kept,
and more is asked for at a time the longer a reader goes straight on: few requests, few bytes.
"""

import os
from collections.abc import Callable

PAGE = 8 * 1024
EDGE = 64 * 1024  # both ends are fetched first: headers and indexes are there, and the fingerprint
JUMP = 16 * 1024  # after a seek
MOST = 256 * 1024  # at once

Fetch = Callable[[int, int], bytes]
"""Returns exactly the bytes asked for: (start, length); what it raises ends the reading."""


class SpanFile:
    """The readable, seekable file of ``size`` bytes behind ``fetch``."""

    def __init__(self, size: int, fetch: Fetch) -> None:
        self.size, self._fetch, self._at = size, fetch, 0
        self._pages: dict[int, bytearray] = {}
        self._run_end, self._ahead = -1, JUMP
        self.failed: Exception | None = None
        self._load(0, min(EDGE, size))
        if size > EDGE:
            self._load(max(EDGE, size - EDGE), size)

    def read(self, count: int = -1) -> bytes:
        """Return up to ``count`` bytes from where the file stands; fewer do not mean its end."""
        left = self.size - self._at
        count = left if count < 0 else min(count, left)
        if count <= 0:
            return b""
        data = self.span(self._at, min(count, MOST))
        self._at += len(data)
        return data

    def span(self, start: int, length: int) -> bytes:
        """Return the bytes there; fewer only at the file's end."""
        end = min(start + length, self.size)
        if start >= end or start < 0:
            return b""
        self._want(start, end)
        pages = range(start // PAGE, (end - 1) // PAGE + 1)
        data = b"".join(self._pages[number] for number in pages)
        skip = start - pages.start * PAGE
        return data[skip : skip + end - start]

    def overwrite(self, start: int, data: bytes) -> None:
        """Let later readers see ``data`` there; only where something was read before."""
        for at, byte in enumerate(data, start):
            self._pages[at // PAGE][at % PAGE] = byte

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go there; beyond the end nothing is read."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Tell where the file stands."""
        return self._at

    def _want(self, start: int, end: int) -> None:
        missing = [n for n in range(start // PAGE, (end - 1) // PAGE + 1) if n not in self._pages]
        if not missing:
            return
        first = missing[0] * PAGE
        self._ahead = min(self._ahead * 2, MOST) if first == self._run_end else JUMP
        stop = min(max(end, start + self._ahead), self.size)
        last = first // PAGE
        while last + 1 <= (stop - 1) // PAGE and last + 1 not in self._pages:
            last += 1
        self._run_end = (last + 1) * PAGE
        self._load(first, min(self._run_end, self.size))
        self._want(start, end)  # a page in the middle may have been there

    def _load(self, start: int, end: int) -> None:
        """Fetch from the page of ``start`` up to ``end``, rounded up to a page."""
        start, end = start // PAGE * PAGE, min(-(-end // PAGE) * PAGE, self.size)
        if self.failed is not None:
            raise self.failed
        try:
            data = self._fetch(start, end - start)
        except Exception as exc:
            self.failed = exc  # FFmpeg would go on asking
            raise
        for at in range(0, len(data), PAGE):
            self._pages.setdefault((start + at) // PAGE, bytearray(data[at : at + PAGE]))
