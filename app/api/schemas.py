"""The shapes of the API's answers, for its documentation and the tests that hold answers to it.

Work and video texts come ready-made from the database, so these models never build an answer.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """An object of an answer; every member is always there unless it says otherwise."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class Pong(Shape):
    """The node answers."""

    status: Literal["ok"]
    timestamp: datetime


class Instance(Shape):
    """The node, and how much of it the caller may see. ``total_storage`` is in bytes."""

    name: str
    version: str
    description: str
    total_works: Annotated[int, Field(ge=0)]
    total_videos: Annotated[int, Field(ge=0)]
    total_storage: Annotated[int, Field(ge=0)]


class Fingerprints(Shape):
    """Digests of the file's bytes in lower-case hexadecimal; null where none was made."""

    oshash: str | None
    sha256: str | None
    xxhash64: str | None


class Subtitles(Shape):
    """A subtitle track: FFmpeg's name of its format, a BCP 47 language (empty: unknown)."""

    format: str
    language: str
    title: str
    forced: bool


class Person(Shape):
    """Somebody who took part in a work."""

    name: str
    role: Literal["actor", "director", "writer", "producer", "composer", "guest"]
    character: str


class Video(Shape):
    """One playable file. ``duration`` is in seconds, ``file_size`` in bytes."""

    id: UUID
    filename: Annotated[str, Field(description="base name, without folders")]
    file_size: Annotated[int, Field(ge=0)]
    web_compatible: Annotated[bool, Field(description="current browsers play it as it is")]
    duration: float | None
    width: int | None
    height: int | None
    video_codec: str | None
    audio_codec: str | None
    container: str | None
    bit_rate: int | None
    frame_rate: float | None
    fingerprints: Fingerprints
    subtitles: list[Subtitles]
    storage_type: Literal["local", "s3", "jellyfin", "web", "velour"]
    availability: Literal["available", "offline"]
    created_at: datetime
    updated_at: datetime


class VideoOfWork(Video):
    """A video on its own, with the work it belongs to."""

    work_id: UUID
    work_title: str


class Work(Shape):
    """A film, an episode, a talk. The members after ``videos`` need the scope ``metadata``."""

    id: UUID
    title: str
    year: int | None
    content_rating: str | None
    organized: bool
    created_at: datetime
    updated_at: datetime
    videos: list[Video]
    description: str = Field(default="", json_schema_extra={"x-scope": "metadata"})
    director: str = Field(default="", json_schema_extra={"x-scope": "metadata"})
    rating: float | None = Field(default=None, json_schema_extra={"x-scope": "metadata"})
    tags: list[str] = Field(default=[], json_schema_extra={"x-scope": "metadata"})
    external_ids: dict[str, str] = Field(default={}, json_schema_extra={"x-scope": "metadata"})
    genres: list[str] = Field(default=[], json_schema_extra={"x-scope": "metadata"})
    people: list[Person] = Field(default=[], json_schema_extra={"x-scope": "metadata"})
    series_id: UUID | None = Field(default=None, json_schema_extra={"x-scope": "metadata"})
    season: int | None = Field(default=None, json_schema_extra={"x-scope": "metadata"})
    episode: int | None = Field(default=None, json_schema_extra={"x-scope": "metadata"})

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)


class EditableField(StrEnum):
    """Fields of a work that can be set by hand."""

    TITLE = "title"
    YEAR = "year"
    DESCRIPTION = "description"
    DIRECTOR = "director"
    RATING = "rating"
    CONTENT_RATING = "content_rating"
    TAGS = "tags"
    GENRES = "genres"
    PEOPLE = "people"
    EXTERNAL_IDS = "external_ids"
    POSTER = "poster"


class PersonChange(BaseModel):
    """Somebody who took part in a work."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=200)]
    role: Literal["actor", "director", "writer", "producer", "composer", "guest"] = "actor"
    character: Annotated[str, Field(max_length=200)] = ""


class WorkChange(BaseModel):
    """What is set by hand: the members that are there, each locked against the scans.

    ``unlock`` gives fields back: the next scan fills them again.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    title: Annotated[
        str,
        Field(min_length=1, max_length=500, json_schema_extra=lambda schema: schema.pop("default")),
    ] = ""
    year: int | None = None
    description: Annotated[str, Field(max_length=20_000)] = ""
    director: Annotated[str, Field(max_length=300)] = ""
    rating: Annotated[float, Field(ge=0, le=10)] | None = None
    content_rating: Annotated[str, Field(max_length=100)] | None = None
    tags: list[str] = []
    genres: list[str] = []
    people: list[PersonChange] = []
    external_ids: dict[str, str] = {}
    unlock: Annotated[list[EditableField], Field(strict=False)] = []


class Pagination(Shape):
    """Where a page stands. All null while walking with ``after``, which counts nothing."""

    current_page: int | None
    total_pages: int | None
    total_count: int | None


class WorksPage(Shape):
    """A page of works; the header ``Link`` (rel="next") leads on."""

    works: list[Work]
    pagination: Pagination


class VideosPage(Shape):
    """A page of videos."""

    videos: list[VideoOfWork]
    pagination: Pagination


class PageQuery(BaseModel):
    """Numbered pages. Values above the greatest are taken as the greatest."""

    page: Annotated[int, Field(ge=1, description="counted from 1")] = 1
    per_page: Annotated[int, Field(ge=1, description="at most 200")] = 50


class WorksQuery(PageQuery):
    """Which works, in which order."""

    sort: Annotated[
        Literal[
            "title", "-title", "created_at", "-created_at", "year", "-year", "rating", "-rating"
        ],
        Field(description="a minus before the name turns the order round"),
    ] = "title"
    filter: Annotated[
        str,
        Field(
            description="name:value pairs between commas, all must hold: year, tag, genre, person, "
            "library, availability, min_rating, series, season, kind (film or episode); as in "
            "year:1999,tag:noir. Neither case nor accents count in names. Those that ask for "
            "metadata need its scope",
        ),
    ] = ""
    after: Annotated[
        str,
        Field(description="walks on from a Link header; empty begins a walk. Not beside page"),
    ] = ""


class SearchQuery(PageQuery):
    """What to look for."""

    query: Annotated[
        str,
        Field(max_length=200, description="words; case and accents do not matter"),
    ] = ""
    per_page: Annotated[int, Field(ge=1, description="at most 200")] = 20


class ProblemDetails(Shape):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    error: Annotated[str, Field(description="the same short text, for simple clients")]
    code: str
    instance: str
    request_id: str
    errors: list[dict[str, str]] = []

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)


class Descriptor(Shape):
    """Who this node is."""

    instance_id: str
    name: str
    base_url: str
    api_versions: list[str]
    capabilities: list[str]
    version: str
    jwks_uri: str
    links: dict[str, str]


class KeySet(Shape):
    """Public keys (RFC 7517)."""

    keys: list[dict[str, str]]


class Health(Shape):
    """Alive, or ready to serve."""

    status: Literal["ok"]
