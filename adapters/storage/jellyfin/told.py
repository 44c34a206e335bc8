"""From an item of a Jellyfin server to the objects that a walk finds, with what is told of them."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import babelfish.exceptions

from adapters.storage.jellyfin.items import VIDEO_TYPES, Kept, digest
from adapters.storage.jellyfin.shape import shown
from domain.library.description import Credit, CreditRole, Description, EpisodeMark
from domain.library.subtitles import MAX_TRACKS, SubtitleTrack
from domain.library.video import MAX_FILE_SIZE, MediaFacts, base_name
from ports.library.storage import FoundObject, Told, UnreadableObject, WalkItem

TICKS = 10_000_000  # a second
_SOURCE_ID = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_LANGUAGE = re.compile(r"([a-z]{2,3})((?:-[A-Za-z0-9]{2,8})*)", re.ASCII)
_CAST = frozenset({CreditRole.ACTOR, CreditRole.GUEST})
_DISCS = frozenset({"Dvd", "BluRay", "Iso"})
_ROLES = {
    "Actor": CreditRole.ACTOR,
    "GuestStar": CreditRole.GUEST,
    "Director": CreditRole.DIRECTOR,
    "Writer": CreditRole.WRITER,
    "Producer": CreditRole.PRODUCER,
    "Composer": CreditRole.COMPOSER,
}
# The server names some codecs its own way, and containers by the suffix or by all that FFmpeg says.
_CODECS = {
    "h265": "hevc", "avc": "h264", "mpeg2": "mpeg2video", "dca": "dts",
    "srt": "subrip", "vtt": "webvtt", "pgssub": "hdmv_pgs_subtitle", "dvdsub": "dvd_subtitle",
    "dvbsub": "dvb_subtitle", "dvbtxt": "dvb_teletext", "smi": "sami",
}  # fmt: skip
_CONTAINERS = {
    "mp4": "mp4", "m4v": "mp4", "mov": "mov", "3gp": "3gp", "3g2": "3gp", "mkv": "matroska",
    "matroska": "matroska", "webm": "webm", "ts": "mpegts", "m2ts": "mpegts", "mts": "mpegts",
    "mpegts": "mpegts", "mpg": "mpeg", "mpeg": "mpeg", "vob": "mpeg", "avi": "avi", "divx": "avi",
    "wmv": "asf", "asf": "asf", "ogv": "ogg", "ogm": "ogg", "ogg": "ogg", "flv": "flv",
    "mxf": "mxf", "rm": "rm", "rmvb": "rm",
}  # fmt: skip
_FAMILY = {"mov": {"mov", "mp4", "3gp"}, "matroska": {"matroska", "webm"}}


def objects_of(item_id: str, item: Kept, all_series: Mapping[str, Kept]) -> Iterator[WalkItem]:
    """Yield an object for each version of the item that is a file, and why others are none.

    Args:
        item_id: as 32 hexadecimal digits.
        item: what was kept of it.
        all_series: what was kept of the library's series, by their ids in the same form.
    """
    if not _is_meant(item):
        return
    whole_item = f"{item_id}/"
    name = item.get("Name") or base_name(item.get("Path", ""))
    sources = item.get("MediaSources", ())
    if "Name" not in item:
        yield UnreadableObject(shown(name), "the server gives it no name", whole_item)
        return
    if not sources:
        yield UnreadableObject(shown(name), "the server names no file of it", whole_item)
        return
    series = all_series.get(item.get("SeriesId", "").replace("-", "").lower(), {})
    description = _description(item, series)
    extras, pictures = digest(item, series), has_picture(item)
    for source in {one.get("Id", ""): one for one in sources}.values():
        source_id = source.get("Id", "")
        if not _SOURCE_ID.fullmatch(source_id):
            yield UnreadableObject(shown(name), "the server gives its file no id", whole_item)
            continue
        locator = f"{item_id}/{source_id}"
        reason = _unreadable(item, source)
        if reason:
            yield UnreadableObject(shown(name), reason, locator)
            continue
        told = Told(
            description=description,
            facts=_facts(source),
            subtitles=tuple(_subtitles(source)),
            pictures=pictures,
        )
        size = source["Size"]
        # The server's ETag changes with every word of the description; these with the file alone.
        signature = f"{size}-{source.get('RunTimeTicks', 0)}"
        yield FoundObject(locator, _name(item, source), size, signature, extras=extras, told=told)


def has_picture(item: Kept) -> bool:
    """Tell whether the server has a picture of the item, of any kind."""
    return bool(
        item.get("ImageTags") or item.get("BackdropImageTags") or "SeriesPrimaryImageTag" in item
    )


def _is_meant(item: Kept) -> bool:
    """Tell whether an item is a video of its own: no placeholder, folder or bonus."""
    return (
        item.get("Type", "Video") in VIDEO_TYPES
        and item.get("LocationType") != "Virtual"
        and not item.get("IsFolder")
        and not item.get("IsPlaceHolder")
        and "ExtraType" not in item
    )


def _unreadable(item: Kept, source: Kept) -> str:
    if source.get("Protocol", "File") != "File":
        return "it is a link to somewhere else, not a file of the server"
    if source.get("VideoType", item.get("VideoType")) in _DISCS:
        return "it is a disc (a folder or an image), which cannot be sent as one file"
    size = source.get("Size")
    if size is None or not 0 <= size <= MAX_FILE_SIZE:
        return "the server does not say how large it is; it may not have looked into it yet"
    return "" if size else "the file is empty"


def _name(item: Kept, source: Kept) -> str:
    """Return the file's own name, below its series: the server's folders are nobody's business."""
    path = source.get("Path") or item.get("Path") or ""
    if path:
        name = base_name(path)
    else:
        suffix = source.get("Container", "").partition(",")[0]
        code = _code(item)
        title = f"{code} {item['Name']}" if code else item["Name"]
        year = _year(item)
        name = f"{title} ({year})" if year and not code else title
        name = base_name(
            name.replace("/", "-").replace("\\", "-") + (f".{suffix}" if suffix else "")
        )
    series = shown(item.get("SeriesName", "")).replace("/", "-").replace("\\", "-").strip(" .")
    return f"{series}/{name}" if series and item.get("Type") == "Episode" else name


def _code(item: Kept) -> str:
    season, first = item.get("ParentIndexNumber"), item.get("IndexNumber")
    if item.get("Type") != "Episode" or season is None or first is None:
        return ""
    last = item.get("IndexNumberEnd", first)
    return f"S{season:02}E{first:02}" + (f"-E{last:02}" if last > first else "")


def _description(item: Kept, series: Kept) -> Description:
    mark = _mark(item, series)
    title = item["Name"]
    series_name = item.get("SeriesName", "")
    if item.get("Type") == "Episode" and mark is None and series_name:
        title = f"{series_name}: {title}"  # alone it says nothing
    people = [
        Credit(one["Name"], role, one.get("Role", "") if role in _CAST else "")
        for one in item.get("People", ())
        if one.get("Name") and (role := _ROLES.get(one.get("Type", ""))) is not None
    ]
    return Description(
        title=title,
        year=_year(item),
        description=item.get("Overview", ""),
        rating=item.get("CommunityRating"),
        content_rating=item.get("OfficialRating"),
        tags=tuple(item.get("Tags", ())),
        genres=tuple(item.get("Genres", ())),
        credits=tuple(people),
        external_ids=_external_ids(item),
        episode=mark,
    )


def _mark(item: Kept, series: Kept) -> EpisodeMark | None:
    """Return which episode it is; of a file with several, the first."""
    name = item.get("SeriesName") or series.get("Name", "")
    season, number = item.get("ParentIndexNumber"), item.get("IndexNumber")
    if item.get("Type") != "Episode" or not name or season is None or number is None:
        return None
    return EpisodeMark(
        series=name,
        season=season,
        episode=number,
        series_year=series.get("ProductionYear"),
        series_external_ids=_external_ids(series),
        series_description=series.get("Overview", ""),
    )


def _year(item: Kept) -> int | None:
    year = item.get("ProductionYear")
    premiere = item.get("PremiereDate", "")[:4]
    if year is None and premiere.isascii() and premiere.isdecimal():
        year = int(premiere)
    return year


def _external_ids(item: Kept) -> Mapping[str, str]:
    return {name.lower(): text for name, text in item.get("ProviderIds", {}).items()}


def _facts(source: Kept) -> MediaFacts | None:
    """Return the facts of the streams; None while the server has not looked into the file."""
    streams = _embedded(source)
    video = next((one for one in streams if one.get("Type") == "Video"), None)
    if video is None:
        return None
    audio = next((one for one in streams if one.get("Type") == "Audio"), {})
    ticks = source.get("RunTimeTicks")
    rate = video.get("AverageFrameRate") or video.get("RealFrameRate")
    return MediaFacts(
        duration=round(ticks / TICKS, 3) if ticks and 0 < ticks < 10**7 * TICKS else None,
        width=_between(video.get("Width"), 100_000),
        height=_between(video.get("Height"), 100_000),
        video_codec=_codec(video),
        audio_codec=_codec(audio),
        container=_container(source),
        bit_rate=_between(source.get("Bitrate"), 2**40),
        frame_rate=round(rate, 3) if rate and 0 < rate < 10_000 else None,
    )


def _between(number: int | None, most: int) -> int | None:
    return number if number is not None and 0 < number <= most else None


def _embedded(source: Kept) -> list[Kept]:
    return [one for one in source.get("MediaStreams", ()) if not one.get("IsExternal")]


def _codec(stream: Mapping[str, Any]) -> str | None:
    name = str(stream.get("Codec", "")).strip().lower()[:50]
    return _CODECS.get(name, name) if name.isascii() and name.isprintable() and name else None


def _container(source: Kept) -> str | None:
    """Return FFmpeg's name as a probe would; of several relatives, the file's suffix decides."""
    said = source.get("Container", "").lower().split(",")
    known = [_CONTAINERS[one] for one in said if one in _CONTAINERS]
    if not known:
        return None
    suffix = base_name(source.get("Path", "")).rpartition(".")[2].lower()
    by_suffix = _CONTAINERS.get(suffix)
    if by_suffix in known or by_suffix in _FAMILY.get(known[0], ()):
        return by_suffix
    return "mp4" if "mp4" in known else known[0]


def _subtitles(source: Kept) -> Iterator[SubtitleTrack]:
    tracks = [one for one in _embedded(source) if one.get("Type") == "Subtitle"]
    for one in tracks[:MAX_TRACKS]:
        codec, index = _codec(one), one.get("Index", -1)
        if codec is not None and 0 <= index < 10_000:
            yield SubtitleTrack(
                format=codec,
                language=_language(one.get("Language", "")),
                title=shown(one.get("Title", "")),
                forced=one.get("IsForced", False),
                hearing_impaired=one.get("IsHearingImpaired", False),
                default=one.get("IsDefault", False),
                stream=index,
            )


@cache
def _tag_of(code: str) -> str:
    """Return the shortest tag of a language that is named by three letters, of either list."""
    for read in (babelfish.Language.fromalpha3b, babelfish.Language):
        try:
            return str(read(code).alpha2)
        except (babelfish.exceptions.Error, ValueError):
            continue
    return code


def _language(said: str) -> str:
    """Return a BCP 47 tag, empty for an unknown language."""
    found = _LANGUAGE.fullmatch(said)
    if found is None or found[1] in {"und", "zxx", "mis"}:
        return ""
    return (found[1] if len(found[1]) == 2 else _tag_of(found[1])) + found[2]
