"""What a fake Jellyfin server holds: libraries, items with bytes, people and pictures."""

import hashlib
import io
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from PIL import Image

START = datetime(2026, 1, 1, tzinfo=UTC)
NO_BYTES = b""


def guid(*words):
    return hashlib.md5("|".join(map(str, words)).encode()).hexdigest()


@dataclass
class Shelved:
    """An item as the server keeps it. ``fields`` has everything that it can tell."""

    id: str
    library: str
    fields: dict
    versions: dict = field(default_factory=dict)  # media source id -> bytes
    images: dict = field(default_factory=dict)  # Primary, Backdrop, Thumb -> bytes
    also_in: set = field(default_factory=set)  # other libraries that show it
    saved: int = 0
    changed: datetime = START

    @property
    def etag(self):
        return guid("saved", self.id, self.saved)


class Shelf:
    """Libraries and items, to be changed by tests."""

    def __init__(self):
        self.libraries = {}
        self.items = {}
        self._clock = itertools.count(1)

    def library(self, name, holds="movies"):
        found = next((k for k, (n, _) in self.libraries.items() if n == name), None)
        library_id = found or guid("library", name)
        self.libraries.setdefault(library_id, (name, holds))
        return library_id

    def movie(self, name="Heat", data=b"film", *, library="Films", path=None, **fields):
        """Put a film on the shelf, or other bytes in place of it."""
        path = path or f"/srv/media/films/{name} (1995)/{name}.mkv"
        return self._put(
            "Movie", name, data, self.library(library), path, {"ProductionYear": 1995, **fields}
        )

    def episode(
        self,
        series="Dark",
        season=1,
        number=1,
        name="Secrets",
        data=b"film",
        *,
        path=None,
        **fields,
    ):
        path = path or f"/srv/media/tv/{series}/Season {season:02}/S{season:02}E{number:02}.mkv"
        library = self.library("Series", "tvshows")
        series_item = self.series(series)
        told = {
            "SeriesName": series,
            "SeriesId": series_item.id,
            "SeasonId": guid("season", series, season),
            "SeasonName": f"Season {season}",
            "ParentIndexNumber": season,
            "IndexNumber": number,
            "SeriesPrimaryImageTag": guid("image", series_item.id),
            **fields,
        }
        return self._put("Episode", name, data, library, path, told)

    def series(self, name, **fields):
        item_id = guid("series", name)
        if item_id not in self.items:
            told = {
                "Name": name, "Type": "Series", "IsFolder": True, "MediaType": "Unknown",
                "LocationType": "FileSystem", "ProductionYear": 2017, "Status": "Ended",
                "Overview": f"All about {name}.", "ProviderIds": {"Tvdb": "334824", "Imdb": "tt5753856"},
            }  # fmt: skip
            item = Shelved(item_id, self.library("Series", "tvshows"), told)
            item.images["Primary"] = picture(200, 300)
            self.items[item_id] = item
        return self.change(item_id, **fields)

    def change(self, item_id, **fields):
        """Save other words about an item."""
        item = self.items[item_id]
        item.fields.update(fields)
        item.saved = next(self._clock)
        return item

    def remove(self, item_id):
        del self.items[item_id]

    def version(self, item, name, data, path):
        """Add another file of the same item."""
        source_id = guid("version", path)
        item.versions[source_id] = data
        item.fields["MediaSources"].append(source(source_id, name, data, path, "Grouping"))
        return self.change(item.id)

    def _put(self, kind, name, data, library, path, fields):
        item_id = guid(kind, path)
        told = {
            "Name": name, "Type": kind, "IsFolder": False, "MediaType": "Video", "VideoType": "VideoFile",
            "LocationType": "FileSystem", "Path": path, "Container": "mkv", "SortName": name.lower(),
            "RunTimeTicks": 102_340_000_000, "PremiereDate": "1995-12-15T00:00:00.0000000Z",
            "OfficialRating": "R", "CommunityRating": 8.3, "Overview": f"{name}: what happens.",
            "ProviderIds": {"Imdb": "tt0113277", "Tmdb": "949", "TmdbCollection": "77"},
            "Genres": ["Crime", "Drama"], "Tags": ["heist"],
            "People": [
                person("Al Pacino", "Actor", "Vincent Hanna"),
                person("Michael Mann", "Director"),
                person("Michael Mann", "Writer"),
                person("Dante Spinotti", "Unknown"),
            ],
            "PrimaryImageAspectRatio": 0.6667 if kind == "Movie" else 1.7778,
            "MediaSources": [source(item_id, name, data, path)],
            **fields,
        }  # fmt: skip
        before = self.items.get(item_id)
        number = next(self._clock)
        item = Shelved(item_id, library, told, {item_id: data}, saved=number)
        item.changed = START + timedelta(seconds=number)
        item.images["Primary"] = picture(200, 300) if kind == "Movie" else picture(320, 180)
        if kind == "Movie":
            item.images["Backdrop"] = picture(320, 180)
        told["DateCreated"] = before.fields["DateCreated"] if before else _date(item.changed)
        self.items[item_id] = item
        return item


def source(source_id, name, data, path, kind="Default"):
    suffix = path.rpartition(".")[2]
    return {
        "Protocol": "File", "Id": source_id, "Path": path, "Type": kind, "Container": suffix,
        "Size": len(data), "Name": name, "IsRemote": False, "ETag": guid(source_id, len(data)),
        "RunTimeTicks": 102_340_000_000, "ReadAtNativeFramerate": False, "IgnoreDts": False,
        "IgnoreIndex": False, "GenPtsInput": False, "SupportsTranscoding": True,
        "SupportsDirectStream": True, "SupportsDirectPlay": True, "IsInfiniteStream": False,
        "UseMostCompatibleTranscodingProfile": False, "RequiresOpening": False,
        "RequiresClosing": False, "RequiresLooping": False, "SupportsProbing": True,
        "VideoType": "VideoFile", "MediaAttachments": [], "Formats": [], "Bitrate": 8_123_456,
        "RequiredHttpHeaders": {}, "TranscodingSubProtocol": "http", "DefaultAudioStreamIndex": 1,
        "HasSegments": False,
        "MediaStreams": [
            stream(0, "Video", "h264", Width=1920, Height=1080, AverageFrameRate=23.976025,
                   RealFrameRate=23.976025, BitRate=7_000_000, IsAVC=False, PixelFormat="yuv420p"),
            stream(1, "Audio", "ac3", Language="eng", Channels=6, SampleRate=48000, BitRate=448000,
                   IsDefault=True),
            stream(2, "Subtitle", "PGSSUB", Language="ger", IsForced=True),
            stream(3, "Subtitle", "subrip", Language="eng", Title="SDH", IsHearingImpaired=True),
            stream(4, "Subtitle", "subrip", Language="fre", IsExternal=True, Path="/srv/media/a.fr.srt"),
        ],
    }  # fmt: skip


def stream(index, kind, codec, **facts):
    return {
        "Codec": codec, "TimeBase": "1/1000", "VideoRange": "Unknown", "VideoRangeType": "Unknown",
        "AudioSpatialFormat": "None", "DisplayTitle": f"{codec} {kind}", "IsInterlaced": False,
        "IsDefault": False, "IsForced": False, "IsHearingImpaired": False, "Type": kind,
        "Index": index, "IsExternal": False, "IsTextSubtitleStream": codec == "subrip",
        "SupportsExternalStream": codec == "subrip", "Level": 0, **facts,
    }  # fmt: skip


def person(name, kind, role=""):
    return {
        "Name": name,
        "Id": guid("person", name),
        "Role": role,
        "Type": kind,
        "PrimaryImageTag": guid(name),
    }


def picture(width, height):
    out = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(out, "JPEG")
    return out.getvalue()


def _date(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.0000000Z")
