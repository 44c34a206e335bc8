"""Media types of videos, by what their probe or else their names say."""

_TYPES = {
    "mp4": "video/mp4", "m4v": "video/mp4", "mov": "video/quicktime", "webm": "video/webm",
    "mkv": "video/x-matroska", "matroska": "video/x-matroska", "avi": "video/x-msvideo",
    "ts": "video/mp2t", "m2ts": "video/mp2t", "mts": "video/mp2t", "mpegts": "video/mp2t",
    "mpg": "video/mpeg", "mpeg": "video/mpeg", "vob": "video/mpeg", "wmv": "video/x-ms-wmv",
    "asf": "video/x-ms-asf", "flv": "video/x-flv", "ogv": "video/ogg", "ogm": "video/ogg",
    "ogg": "video/ogg", "3gp": "video/3gpp", "3g2": "video/3gpp2", "mxf": "application/mxf",
}  # fmt: skip
_BYTES = "application/octet-stream"


def media_type(filename: str, *, container: str | None = None) -> str:
    """Return the type of a video of that name, never one of text."""
    suffix = filename.rpartition(".")[2].lower()
    return _TYPES.get(suffix) or _TYPES.get(container or "", _BYTES)
