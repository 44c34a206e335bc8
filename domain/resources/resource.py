"""Folders, who may open them, and the versions of what is in them, as the node keeps them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.errors import Conflict, Forbidden, Invalid, NotFound
from domain.ids import FolderId, ResourceId, UserId
from domain.resources.manifest import Manifest
from domain.resources.names import big_key, file_name, folder_name
from domain.resources.roles import ResourceRole
from domain.resources.vlr1 import chunk_count

KEPT = timedelta(days=1)  # how long a replaced version, or an object of no version, stays
_RESERVED = frozenset({"check"})  # the API has an address of that name beside its folders
_PUBLISHED_WITHIN = timedelta(hours=22)  # before the collector may take the object away


class FolderNotFound(NotFound):
    """No folder has this name or id."""

    code = "folder.not-found"
    title = "No such folder"


class FolderNotGranted(Forbidden):
    """The person was not granted this folder; one that does not exist looks the same."""

    code = "folder.not-granted"
    title = "This folder was not granted to you"


class RoleMissing(Forbidden):
    """The person's role does not allow this."""

    code = "role.missing"
    title = "Your role does not allow this"


class ResourceNotFound(NotFound):
    """The folder has no file of this name, or not this version of it."""

    code = "resource.not-found"
    title = "There is no such file in this folder"


class VersionNotNewer(Conflict):
    """A version has to be higher than the present one."""

    code = "resource.version-not-newer"
    title = "There is this version or a newer one already"


class UploadTooOld(Conflict):
    """The big part has lain in the CDN for so long that it is about to be removed."""

    code = "resource.upload-too-old"
    title = "The big part was uploaded too long ago; upload it again"


@dataclass(slots=True, kw_only=True)
class Folder:
    """Where resources are, and what people are granted. ``name`` is unique."""

    id: FolderId
    name: str
    created_at: datetime
    version: int = 0

    def __post_init__(self) -> None:
        self.name = folder_name(self.name)
        if self.name in _RESERVED:
            raise Invalid(f"a folder cannot be called {self.name}", field="folder")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A person may open a folder."""

    folder_id: FolderId
    user_id: UserId
    granted_at: datetime


@dataclass(slots=True, kw_only=True)
class ResourceAccount:
    """What a person of this node may do with resources; ``id`` is the person's."""

    id: UserId
    role: ResourceRole = ResourceRole.NONE
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVersion:
    """A published version. ``sealed_key`` is its data key, sealed for this node alone."""

    resource_id: ResourceId
    number: int
    plaintext_size: int
    small_size: int
    big_size: int
    small_sha256: bytes
    big_sha256: bytes
    key_id: int
    sealed_key: bytes
    created_at: datetime
    replaced_at: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Tell whether nobody reads the version any more."""
        return self.replaced_at is not None and now - self.replaced_at >= KEPT

    def has_parts_of(self, manifest: Manifest) -> bool:
        """Tell whether the manifest describes the same bytes."""
        mine = (self.number, self.small_sha256, self.big_sha256)
        return mine == (manifest.version, manifest.small_sha256, manifest.big_sha256)


@dataclass(slots=True, kw_only=True)
class Resource:
    """A file of a folder, under a name that is unique there; ``current`` is its newest version."""

    id: ResourceId
    folder_id: FolderId
    name: str
    created_at: datetime
    current: int = 0
    version: int = 0

    def __post_init__(self) -> None:
        self.name = file_name(self.name)

    def switch_to(self, number: int) -> None:
        """Make ``number`` the version that readers get.

        Raises:
            VersionNotNewer
        """
        if number <= self.current:
            raise VersionNotNewer(
                f"version {self.current} is published already; take a higher one than that",
                current=self.current,
            )
        self.current = number

    def big_key(self, number: int) -> str:
        """Return the name of a version's big part in the CDN."""
        return big_key(self.folder_id, self.id, number)

    def manifest(
        self, stored: StoredVersion, *, folder: str, now: datetime, life: timedelta
    ) -> Manifest:
        """Return what is to be signed about a version, good from its making for ``life`` from now.

        Args:
            stored: of this resource.
            folder: its folder's name.
            now: aware.
            life: of the manifest.
        """
        return Manifest(
            resource_id=self.id,
            folder=folder,
            name=self.name,
            version=stored.number,
            plaintext_size=stored.plaintext_size,
            small_size=stored.small_size,
            big_size=stored.big_size,
            small_sha256=stored.small_sha256,
            big_sha256=stored.big_sha256,
            chunk_count=chunk_count(stored.plaintext_size),
            key_id=stored.key_id,
            created_at=stored.created_at.replace(microsecond=0),
            expires_at=(now + life).replace(microsecond=0),
        )


def require_young(stored_at: datetime, now: datetime) -> None:
    """Check that the collector leaves an object alone for long enough to publish it.

    Raises:
        UploadTooOld
    """
    if now - stored_at > _PUBLISHED_WITHIN:
        raise UploadTooOld


def is_orphan(stored_at: datetime, now: datetime) -> bool:
    """Tell whether an object that belongs to no version may be removed."""
    return now - stored_at > KEPT
