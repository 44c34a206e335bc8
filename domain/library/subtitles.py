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


_FORCED = frozenset({"forced", "foreign"})
_FOR_DEAF = frozenset({"sdh", "cc", "hi", "hearing"})
# ISO 639-2 codes (both kinds) and names that people write, as BCP 47 has them.
_LANGUAGES = {
    "eng": "en", "english": "en", "deu": "de", "ger": "de", "german": "de", "deutsch": "de",
    "fra": "fr", "fre": "fr", "french": "fr", "spa": "es", "spanish": "es", "ita": "it",
    "italian": "it", "por": "pt", "portuguese": "pt", "nld": "nl", "dut": "nl", "dutch": "nl",
    "swe": "sv", "swedish": "sv", "nor": "no", "norwegian": "no", "dan": "da", "danish": "da",
    "fin": "fi", "finnish": "fi", "isl": "is", "ice": "is", "pol": "pl", "polish": "pl",
    "ces": "cs", "cze": "cs", "czech": "cs", "slk": "sk", "slo": "sk", "hun": "hu", "ron": "ro",
    "rum": "ro", "bul": "bg", "ell": "el", "gre": "el", "greek": "el", "tur": "tr",
    "turkish": "tr", "rus": "ru", "russian": "ru", "ukr": "uk", "ara": "ar", "arabic": "ar",
    "heb": "he", "hin": "hi", "jpn": "ja", "japanese": "ja", "kor": "ko", "korean": "ko",
    "zho": "zh", "chi": "zh", "chinese": "zh", "vie": "vi", "tha": "th", "ind": "id",
}  # fmt: skip


def side_car(name: str, *, video: str, locator: str) -> SubtitleTrack:
    """Read what a side-car's name says: ``Film.en.forced.srt`` beside ``Film.mkv``.

    Args:
        name: base name of the side-car, with a suffix of SIDE_CAR_FORMATS.
        video: base name of the video.
        locator: finds the side-car in its location.
    """
    stem, _, suffix = name.rpartition(".")
    film = video.rpartition(".")[0] or video
    marks = [mark for mark in stem[len(film) :].lower().split(".") if mark]
    language = next((code for mark in marks if (code := _language(mark))), "")
    known = _FORCED | _FOR_DEAF | {"default"}
    rest = [mark for mark in marks if mark not in known and _language(mark) != language]
    return SubtitleTrack(
        format=SIDE_CAR_FORMATS[f".{suffix.lower()}"],
        language=language,
        title=" ".join(rest)[:100],
        forced=bool(_FORCED & set(marks)),
        # "hi" is Hindi where no other language is named.
        hearing_impaired=bool(_FOR_DEAF & set(marks)) and language != "hi",
        default="default" in marks,
        locator=locator,
    )


def _language(mark: str) -> str:
    code, dash, region = mark.partition("-")
    known = _LANGUAGES.get(code, code if len(code) == 2 and code.isalpha() else "")
    if not known or not dash or not region.isalnum():
        return known
    return f"{known}-{region.upper() if len(region) == 2 else region.title()}"
