"""Subtitle tracks of a video, inside its file or beside it."""

from dataclasses import dataclass

MAX_TRACKS = 64

# What can be turned into WebVTT; pictures of text (PGS, VobSub, DVB) cannot.
TEXT_FORMATS = frozenset({"subrip", "webvtt", "ass", "ssa", "mov_text", "text", "ttml", "sami"})
SIDE_CAR_FORMATS = {
    ".srt": "subrip", ".vtt": "webvtt", ".ass": "ass", ".ssa": "ssa", ".smi": "sami",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SubtitleTrack:
    """One track. ``format`` is FFmpeg's name; ``language`` a BCP 47 tag, empty where unknown.

    ``stream`` is the index of the stream in the file; None for a side-car, which ``locator``
    finds then. Neither leaves the node.
    """

    format: str
    language: str = ""
    title: str = ""
    forced: bool = False
    hearing_impaired: bool = False
    default: bool = False
    stream: int | None = None
    locator: str = ""

    @property
    def is_text(self) -> bool:
        """Whether the track can be offered as WebVTT."""
        return self.format in TEXT_FORMATS

    @property
    def is_embedded(self) -> bool:
        """Whether the track lies inside the video's file."""
        return self.stream is not None
