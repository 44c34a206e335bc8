"""Reading from a storage location, whatever its type.

Abilities, each a port of its own: every location is *readable*; the ones that are listed object by
object are *walkable* too (a peer is not: its catalogue is synchronised, see
``ports.federation.peers``); some can send a reader to the bytes (*redirecting*), some have
pictures of their own (*picturing*).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from domain.errors import BadUpstream, Invalid, NotFound, Unavailable
from domain.ids import LocationId
from domain.library.companions import CompanionKind as CompanionKind  # noqa: PLC0414 - of the port
from domain.library.description import NOTHING_SAID, Description
from domain.library.storage_location import StorageLocation, StorageType
from domain.library.subtitles import SubtitleTrack
from domain.library.video import MediaFacts
from ports.byte_body import ByteBody

SKIPPED_BYTES = 8 * 1024 * 1024  # that are read past, where an origin sends objects only whole


class ObjectNotFound(NotFound):
    """The location answers and has no such object."""

    code = "object.not-found"
    title = "The file is no longer there"


class ObjectChanged(BadUpstream):
    """The object is not the one that was asked for: its ETag differs."""

    code = "object.changed"
    title = "The file changed while it was read"


class StorageUnreachable(Unavailable):
    """The location does not answer: it is offline, not empty."""

    code = "storage.unreachable"
    title = "The storage location does not answer"


class OriginUnreachable(StorageUnreachable):
    """Another server that keeps the video does not answer: this node is only the gateway."""

    code = "origin.unreachable"
    title = "The server that keeps the video does not answer"


class OriginSlow(OriginUnreachable):
    """Another server that keeps the video does not answer in time."""

    code = "origin.slow"
    title = "The server that keeps the video does not answer in time"


class StorageEmpty(StorageUnreachable):
    """The location answers and holds nothing at all, as the mount point of an absent disk does."""

    code = "storage.empty"
    title = "The storage location is empty"


class ListingBroken(StorageUnreachable):
    """What the location lists is no listing, never ends, or is more than this node takes in.

    What it holds is unknown then, as it is of a location that does not answer.
    """

    code = "storage.listing-broken"
    title = "The storage location's listing cannot be used"


class OptionsInvalid(Invalid):
    """An option of the location is unknown, missing or wrong."""

    code = "storage.options-invalid"
    title = "The location's options are not valid"


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object as it is now. ``etag`` is strong, without quotes; None where there is none.

    ``ranges`` False: the origin sends an object only whole, from its first byte on.
    """

    size_bytes: int
    etag: str | None
    ranges: bool = True

    def can_start_at(self, start: int) -> bool:
        """Tell whether the object can be opened at that byte."""
        return self.ranges or start <= SKIPPED_BYTES


class Companion(NamedTuple):
    """A file beside a video: ``name`` is its base name. ``shared``: of its whole folder."""

    kind: CompanionKind
    locator: str
    name: str
    size_bytes: int
    signature: str
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the location itself says of an object, so that nobody has to look into it.

    ``facts`` None: the source does not know them. ``pictures``: whether ``Picturing`` has some.
    """

    description: Description = NOTHING_SAID
    facts: MediaFacts | None = None
    subtitles: tuple[SubtitleTrack, ...] = ()
    pictures: bool = False


class FoundObject(NamedTuple):
    """An object that a walk came across; a tuple, since a walk makes hundreds of thousands.

    ``signature`` changes whenever the bytes may have changed; ``extras`` whenever what the location
    tells of the object, or a companion, may have. ``name`` is the path below the location's root,
    as text for guessing and showing.
    """

    locator: str
    name: str
    size_bytes: int
    signature: str
    extras: str = ""
    companions: tuple[Companion, ...] = ()
    told: Told | None = None


@dataclass(frozen=True, slots=True)
class UnreadableObject:
    """An object that a walk could not look at; the walk goes on.

    ``locator`` is set where a stored video may be meant: none of what it names counts as missing.
    It ends in a slash where a whole folder could not be read.
    """

    name: str
    reason: str
    locator: str | None = None


@dataclass(frozen=True, slots=True)
class GrowingObject:
    """An object that is still being written: not found yet, and not missing either."""

    locator: str


@dataclass(frozen=True, slots=True)
class NewestOnly:
    """Said by a walk that names the newest objects alone, as a feed does.

    What it does not name is not missing: it was pushed out by what came after it.
    """


WalkItem = FoundObject | UnreadableObject | GrowingObject | NewestOnly


class ReadableStorage(Protocol):
    """Read side of a location."""

    def check(self) -> str:
        """Return in a few words what answered (``"312 entries in /films"``).

        Raises:
            StorageUnreachable: with the reason in plain words.
        """
        ...

    def stat(self, locator: str) -> ObjectInfo:
        """Return size and ETag of an object.

        Raises:
            ObjectNotFound: the location answers and has no such object.
            StorageUnreachable: no answer in time.
        """
        ...

    def open(self, locator: str, *, start: int, length: int, etag: str | None) -> ByteBody:
        """Open ``length`` bytes from byte ``start``; both lie inside the object.

        Args:
            locator: as a walk or a catalogue gave it.
            start: first byte, counted from 0.
            length: 1 or more.
            etag: what ``stat`` said; the bytes are of that object or none come.

        Raises:
            ObjectNotFound, ObjectChanged, StorageUnreachable, BadUpstream
        """
        ...


@runtime_checkable
class Redirecting(Protocol):
    """A location that can send a reader to the bytes, if its options allow that."""

    def redirect_url(self, locator: str, *, expires_s: int) -> str | None:
        """Return an address that works for so long without any credentials, or None.

        It is for this object and reading alone. Nothing is asked of the other side.
        """
        ...


@runtime_checkable
class Picturing(Protocol):
    """A location with pictures of its videos."""

    def picture(self, locator: str, kind: CompanionKind) -> bytes | None:
        """Return the picture (any image format, as the source has it), or None where it has none.

        Args:
            locator: of the video.
            kind: POSTER or STILL.

        Raises:
            StorageUnreachable, BadUpstream: also for a picture that is too large.
        """
        ...


@runtime_checkable
class WalkableStorage(ReadableStorage, Protocol):
    """A location that lists its objects."""

    def walk(self) -> Iterator[WalkItem]:
        """Yield the playable files, lazily, in any order.

        Hidden and partial files are left out; files that are still growing are named at the end.

        Raises:
            StorageUnreachable: at the start or in the middle; never an empty list instead.
            StorageEmpty: the location holds nothing at all; only who knows what it held before
                can tell whether that is meant.
        """
        ...

    def local_path(self, locator: str) -> str | None:
        """Return the path of the object on this machine, or None where it has none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An option of a type of storage, as a form or a command asks for it."""

    help: str
    secret: bool = False
    required: bool = False
    choices: tuple[str, ...] = ()
    default: str = ""


class Storages(Protocol):
    """Makes the storage of a location from its type, options and secrets."""

    def types(self) -> Mapping[StorageType, Mapping[str, Option]]:
        """Return the types that can be added by hand, each with its options by name."""
        ...

    def check_options(
        self, storage_type: StorageType, options: Mapping[str, str]
    ) -> tuple[Mapping[str, str], Mapping[str, str]]:
        """Return options as they are kept: (plain, secret).

        Raises:
            OptionsInvalid: naming the option.
        """
        ...

    def readable(self, location: StorageLocation) -> ReadableStorage:
        """Return the read side of the location; kept until its options or secrets change."""
        ...

    def walkable(self, location: StorageLocation) -> WalkableStorage | None:
        """Return the location's walk, or None where its type has none."""
        ...

    def forget(self, location_id: LocationId) -> None:
        """Drop what was made for a location whose options changed."""
        ...
