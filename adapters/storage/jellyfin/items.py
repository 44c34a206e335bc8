"""The fields of items that are asked for, and what is kept of them."""

import hashlib
from typing import Any, cast

import orjson

from adapters.storage.jellyfin.shape import Fields, Many, Shape, Text, flag, real, whole
from domain.library.description import (
    MAX_CREDITS,
    MAX_DESCRIPTION,
    MAX_GENRES,
    MAX_NAME,
    MAX_TAG,
    MAX_TAGS,
    MAX_TITLE,
)

VIDEO_TYPES = ("Movie", "Episode", "MusicVideo", "Video")
VIDEO_FIELDS = "Path,Overview,ProviderIds,Genres,Tags,People,MediaSources,PrimaryImageAspectRatio"
SERIES_FIELDS = "Overview,ProviderIds"
ID_NAMES = ("Imdb", "Tmdb", "Tvdb")

_MAX_SOURCES = 50
_MAX_STREAMS = 200
_SHORT = Text(200)
_GUID = Text(64)
_TITLE = Text(2 * MAX_TITLE)
_OVERVIEW = Text(2 * MAX_DESCRIPTION)
_PATH = Text(4096)


def _ids(value: Any) -> dict[str, str] | None:
    """Keep the ids that name one work; others, such as that of a collection, are shared."""
    if type(value) is not dict:
        return None
    given = {name.lower(): text for name, text in value.items()}
    kept = ((name, Text(MAX_TAG)(given.get(name.lower()))) for name in ID_NAMES)
    return {name: text for name, text in kept if text}


def _is_there(value: Any) -> bool | None:
    """Keep whether something is named at all."""
    return True if value else None


_STREAM = Fields(
    {
        "Type": _SHORT,
        "Index": whole,
        "Codec": _SHORT,
        "Language": Text(50),
        "Title": Text(MAX_NAME),
        "Width": whole,
        "Height": whole,
        "AverageFrameRate": real,
        "RealFrameRate": real,
        "IsDefault": flag,
        "IsForced": flag,
        "IsHearingImpaired": flag,
        "IsExternal": flag,
    }
)
_SOURCE = Fields(
    {
        "Id": _GUID,
        "Protocol": _SHORT,
        "Type": _SHORT,
        "VideoType": _SHORT,
        "Path": _PATH,
        "Container": _SHORT,
        "Size": whole,
        "RunTimeTicks": whole,
        "Bitrate": whole,
        "MediaStreams": Many(_STREAM, _MAX_STREAMS),
    }
)
_PERSON = Fields({"Name": Text(MAX_NAME), "Role": Text(MAX_NAME), "Type": _SHORT})
_IMAGES = Fields({"Primary": _SHORT, "Thumb": _SHORT})

VIDEO: Shape = Fields(
    {
        "Id": _GUID,
        "Type": _SHORT,
        "Name": _TITLE,
        "Path": _PATH,
        "Overview": _OVERVIEW,
        "ProductionYear": whole,
        "PremiereDate": Text(10),
        "CommunityRating": real,
        "OfficialRating": Text(MAX_TAG),
        "ProviderIds": _ids,
        "Genres": Many(Text(MAX_TAG + 1), MAX_GENRES),
        "Tags": Many(Text(MAX_TAG + 1), MAX_TAGS),
        "People": Many(_PERSON, MAX_CREDITS),
        "SeriesName": _TITLE,
        "SeriesId": _GUID,
        "ParentIndexNumber": whole,
        "IndexNumber": whole,
        "IndexNumberEnd": whole,
        "LocationType": _SHORT,
        "VideoType": _SHORT,
        "ExtraType": _SHORT,
        "IsFolder": flag,
        "IsPlaceHolder": flag,
        "PrimaryImageAspectRatio": real,
        "ImageTags": _IMAGES,
        "BackdropImageTags": Many(_SHORT, most=1),
        "SeriesPrimaryImageTag": _SHORT,
        "MediaSources": Many(_SOURCE, _MAX_SOURCES),
    }
)
SERIES: Shape = Fields(
    {
        "Name": _TITLE,
        "ProductionYear": whole,
        "Overview": _OVERVIEW,
        "ProviderIds": _ids,
    }
)
LISTED: Shape = Fields({"Id": _GUID, "Name": _TITLE, "Etag": _SHORT, "MediaSourceCount": whole})

Kept = dict[str, Any]


def plain_id(value: Any) -> str | None:
    """Return an item's id as 32 hexadecimal digits, or None where it is none."""
    if type(value) is not str or len(value) > 64:
        return None
    digits = value.replace("-", "").lower()
    return digits if len(digits) == 32 and set(digits) <= set("0123456789abcdef") else None


def digest(*kept: Kept) -> str:
    """Return what changes whenever something that is kept does."""
    return hashlib.blake2b(b"\0".join(map(orjson.dumps, kept)), digest_size=12).hexdigest()


def load(text: bytes) -> Kept:
    """Return what was kept, from its JSON."""
    return cast("Kept", orjson.loads(text))
