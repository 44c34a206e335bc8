"""How works and videos look when they leave the node as JSON.

Fixed by the contract: other nodes, scripts and programs read these fields. Texts are kept ready in
the database, so the shape is decided once, here, when a row is written, and not per request.
A work's fields come in two parts: what every reader sees, and what needs the scope ``metadata``.
"""

import json
from datetime import UTC, datetime
from typing import Any

from domain.library.storage_location import StorageType
from domain.library.video import Video
from domain.library.work import Work

_write = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


def timestamp(moment: datetime) -> str:
    """Write an instant as RFC 3339 in UTC with microseconds: ``2026-01-31T12:00:00.000000Z``."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.isoformat(timespec="microseconds") + "Z"


def work_fields(work: Work) -> str:
    """Return the members of a work that every reader sees, as JSON without the braces."""
    return _members(
        {
            "id": str(work.id),
            "title": work.title,
            "year": work.year,
            "content_rating": work.content_rating,
            "organized": work.organized,
            "created_at": timestamp(work.created_at),
            "updated_at": timestamp(work.updated_at),
        }
    )


def work_metadata_fields(work: Work) -> str:
    """Return the members of a work that need the scope ``metadata``, as JSON without the braces."""
    return _members(
        {
            "description": work.description,
            "director": work.director,
            "rating": work.rating,
            "tags": list(work.tags),
            "external_ids": dict(work.external_ids),
            "genres": list(work.genres),
            "people": [
                {"name": one.name, "role": one.role.value, "character": one.character}
                for one in work.credits
            ],
            "series_id": None if work.series_id is None else str(work.series_id),
            "season": work.season,
            "episode": work.episode,
        }
    )


def video_fields(video: Video, storage_type: StorageType) -> str:
    """Return the members of a video as JSON without the braces; ``availability`` is not among them.

    Availability changes for a whole location at once, so it is added when the text is read.
    """
    facts, prints = video.facts, video.fingerprints
    return _members(
        {
            "id": str(video.id),
            "filename": video.filename,
            "file_size": video.file_size,
            "web_compatible": video.web_compatible,
            "duration": facts.duration,
            "width": facts.width,
            "height": facts.height,
            "video_codec": facts.video_codec,
            "audio_codec": facts.audio_codec,
            "container": facts.container,
            "bit_rate": facts.bit_rate,
            "frame_rate": facts.frame_rate,
            "fingerprints": {
                "oshash": prints.oshash,
                "sha256": prints.sha256,
                "xxhash64": prints.xxhash64,
            },
            "subtitles": [
                {
                    "format": track.format,
                    "language": track.language,
                    "title": track.title,
                    "forced": track.forced,
                }
                for track in video.subtitles
            ],
            "storage_type": storage_type.value,
            "created_at": timestamp(video.created_at),
            "updated_at": timestamp(video.updated_at),
        }
    )


def _members(fields: dict[str, Any]) -> str:
    return _write(fields)[1:-1]
