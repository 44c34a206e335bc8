"""Planning a new version: what it is sealed as, and how its big part gets into the CDN."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from app.usecases.resources.accounts import ResourceCaller
from domain.errors import Invalid
from domain.ids import ResourceId
from domain.resources.names import big_key, file_name, folder_name
from domain.resources.resource import Folder, VersionNotNewer
from domain.resources.vlr1 import MAX_VERSION, sealed_size
from ports.clock import Clock
from ports.crypto import Secrets
from ports.resources.cdn import Cdn, UploadPlan
from ports.resources.exchange import ExchangeKeys
from ports.unit_of_work import ReadOnlyFactory


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionPlan:
    """What an uploader seals with, and how its big part is written; None: it is there already."""

    resource_id: ResourceId
    version: int
    key_id: int
    small_size_kb: int
    upload: UploadPlan | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class PlanVersion:
    """Plan a new version; nothing is kept of a plan that nobody follows.

    So the id of a file that is not published yet follows from its folder and name: asking again
    gives the same one, and an interrupted upload can go on.
    """

    read_only: ReadOnlyFactory
    clock: Clock
    secrets: Secrets
    cdn: Cdn
    exchange: ExchangeKeys
    small_size_kb: int
    max_size_bytes: int
    life: timedelta

    def __call__(
        self,
        caller: ResourceCaller,
        *,
        folder: str,
        name: str,
        length: int,
        version: int | None = None,
    ) -> VersionPlan:
        """Return a plan for a big part of ``length`` bytes; the next free version unless named.

        A named version whose object of that length is in the CDN already needs no upload.

        Raises:
            RoleMissing, FolderNotGranted, Invalid
            VersionNotNewer, CdnObjectExists: that version was published, or begun with another
                length.
        """
        caller.require_uploader()
        folder, name = folder_name(folder), file_name(name)
        if not 1 <= length <= sealed_size(self.max_size_bytes):
            raise Invalid(
                f"files of up to {self.max_size_bytes} bytes are taken here", field="length"
            )
        with self.read_only() as tx:
            home = caller.folder(tx, folder)
            resource = tx.resources.find(home.id, name)
        resource_id = resource.id if resource is not None else new_id(self.secrets, home, name)
        current = resource.current if resource is not None else 0
        number = self._next(home, resource_id, current) if version is None else version
        if not current < number <= MAX_VERSION:
            raise VersionNotNewer(
                f"version {current} is published; take a higher one", current=current
            )
        return VersionPlan(
            resource_id=resource_id,
            version=number,
            key_id=self.exchange.newest,
            small_size_kb=self.small_size_kb,
            upload=self._upload(
                big_key(home.id, resource_id, number), length, is_named=version is not None
            ),
            expires_at=self.clock.now() + self.life,
        )

    def _upload(self, key: str, length: int, *, is_named: bool) -> UploadPlan | None:
        if is_named:
            found = self.cdn.head(key)
            if found is not None and found.size_bytes == length:
                return None
        return self.cdn.presign_put(key, length=length, expires_s=int(self.life.total_seconds()))

    def _next(self, home: Folder, resource_id: ResourceId, current: int) -> int:
        """Return a version that neither was published nor lies in the CDN."""
        prefix = f"{home.id}/{resource_id}/"
        names = (one.key.removeprefix(prefix) for one in self.cdn.iter_objects(prefix))
        begun = (name.removesuffix(".big") for name in names)
        numbers = [int(name) for name in begun if name.isascii() and name.isdigit()]
        return max([current, *numbers]) + 1


def new_id(secrets: Secrets, home: Folder, name: str) -> ResourceId:
    """Return the id that a file gets with its first version: opaque, and the same each time."""
    drawn = secrets.sign("resource-id", home.id.bytes + name.encode())[:16]
    marked = bytearray(drawn)
    marked[6] = marked[6] & 0x0F | 0x80  # UUIDv8: of the maker's own making (RFC 9562)
    marked[8] = marked[8] & 0x3F | 0x80
    return ResourceId(UUID(bytes=bytes(marked)))
