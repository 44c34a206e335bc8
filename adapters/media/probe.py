"""Facts, pictures and subtitles of media files by PyAV and its like, in child processes."""

import os

from adapters.media.answers import captions_from, picture_from, probed_from, storyboard_from
from adapters.media.children import ChildPool
from ports.library.media import MediaUnreadable, Probed, SpanSource, Storyboard

MAX_ARTWORK = 32 * 1024 * 1024
MAX_SUBTITLES = 10 * 1024 * 1024
_OVER_THE_NETWORK = 2  # times the patience with a file of this machine
_WAITING = 4  # children that mostly wait for another machine, for each that works
_WHOLE_FILM = 8  # where all of it is looked at


class PyavMedia:
    """Looks into files; everything shares the children.

    Files of other machines have children of their own: a slow network holds up nothing else.

    Args:
        processes: children at most, and four times as many that wait for other machines; each is
            started when it is first needed.
        timeout_s: for one probe or picture. Files of other machines may take twice as long, what
            goes through a whole film (storyboards, tracks of text) eight times.
        memory_mib: address space of a child.
    """

    def __init__(self, *, processes: int, timeout_s: float, memory_mib: int) -> None:
        self._children, self._waiting = (
            ChildPool(size=size, timeout_s=timeout_s, memory_mib=memory_mib)
            for size in (processes, processes * _WAITING)
        )

    def probe(self, path: str) -> Probed:
        """See MediaProbe."""
        return probed_from(self._children.ask(path, {"do": "probe", "suffix": _suffix(path)}))

    def probe_source(self, source: SpanSource, *, name: str) -> Probed:
        """See RemoteMedia."""
        before = source.bytes_read
        request = {"do": "probe", "suffix": _suffix(name)}
        answer = self._waiting.ask_about_source(source, request, patience=_OVER_THE_NETWORK)
        answer.fields["bytes_read"] = source.bytes_read - before
        return probed_from(answer)

    def still(self, path: str, *, at_share: float) -> bytes:
        """See Thumbnailer."""
        return picture_from(self._children.ask(path, {"do": "still", "at_share": at_share}))

    def still_of_source(self, source: SpanSource, *, at_share: float) -> bytes:
        """See RemoteMedia."""
        request = {"do": "still", "at_share": at_share}
        answer = self._waiting.ask_about_source(source, request, patience=_OVER_THE_NETWORK)
        return picture_from(answer)

    def storyboard(self, path: str) -> Storyboard:
        """See Storyboarder."""
        answer = self._children.ask(path, {"do": "storyboard"}, patience=_WHOLE_FILM)
        return storyboard_from(answer)

    def artwork(self, data: bytes, *, max_width: int, max_height: int) -> bytes:
        """See Artist."""
        _check_length(data, MAX_ARTWORK)
        request = {"do": "artwork", "max_width": max_width, "max_height": max_height}
        return picture_from(self._children.ask_about_data(data, request))

    def from_text(self, data: bytes, *, kind: str) -> str:
        """See SubtitleReader."""
        _check_length(data, MAX_SUBTITLES)
        return captions_from(
            self._children.ask_about_data(data, {"do": "captions", "kind": kind[:40]})
        )

    def embedded(self, path: str, stream: int) -> str:
        """See SubtitleReader."""
        request = {"do": "track", "stream": stream}
        return captions_from(self._children.ask(path, request, patience=_WHOLE_FILM))

    def close(self) -> None:
        """See MediaProbe."""
        self._children.close()
        self._waiting.close()


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()[:20]  # noqa: PTH122 - paths are plain text here


def _check_length(data: bytes, most: int) -> None:
    if len(data) > most:
        raise MediaUnreadable(f"it is larger than {most // (1024 * 1024)} MiB")
