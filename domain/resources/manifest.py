"""What a node signs about one version of a resource, and what a reader holds it against."""

import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from domain.errors import Invalid
from domain.ids import ResourceId
from domain.resources.errors import (
    ManifestForged,
    PartDamaged,
    Rollback,
    Stale,
    VersionMismatch,
)
from domain.resources.names import file_name, folder_name
from domain.resources.vlr1 import (
    MAX_KEY_ID,
    MAX_PLAINTEXT,
    MAX_VERSION,
    PROLOGUE_BYTES,
    Binding,
    chunk_count,
    sealed_size,
)

SIGNED_AS = b"velour-manifest-1\n"
CLOCK_SKEW = timedelta(minutes=5)
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", re.ASCII)
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One version: whose, how large, with which digests (SHA-256, 32 bytes), from when to when.

    Sizes are bytes; ``small_size`` and ``big_size`` are those of the two parts of the sealed file.
    Times are aware and in whole seconds.

    Raises:
        Invalid: a field is out of range or contradicts another; the error names it.
    """

    resource_id: ResourceId
    folder: str
    name: str
    version: int
    plaintext_size: int
    small_size: int
    big_size: int
    small_sha256: bytes
    big_sha256: bytes
    chunk_count: int
    key_id: int
    created_at: datetime
    expires_at: datetime

    def __post_init__(self) -> None:
        if folder_name(self.folder) != self.folder:
            raise Invalid("folder is not in the normal form NFC", field="folder")
        if file_name(self.name) != self.name:
            raise Invalid("name is not in the normal form NFC", field="name")
        _check("version", self.version, 1, MAX_VERSION)
        _check("key_id", self.key_id, 0, MAX_KEY_ID)
        _check("plaintext_size", self.plaintext_size, 0, MAX_PLAINTEXT)
        _check("chunk_count", self.chunk_count, *[chunk_count(self.plaintext_size)] * 2)
        sealed = sealed_size(self.plaintext_size)
        _check("small_size", self.small_size, PROLOGUE_BYTES, sealed - 1)
        _check("big_size", self.big_size, *[sealed - self.small_size] * 2)
        for field in ("small_sha256", "big_sha256"):
            if len(getattr(self, field)) != 32:
                raise Invalid(f"{field} takes 32 bytes", field=field)
        for field in ("created_at", "expires_at"):
            time: datetime = getattr(self, field)
            if time.utcoffset() != timedelta(0) or time.microsecond:
                raise Invalid(f"{field} takes whole seconds of UTC", field=field)
        if self.expires_at <= self.created_at:
            raise Invalid("expires_at has to be later than created_at", field="expires_at")

    @property
    def binding(self) -> Binding:
        """What the sealed file has to be."""
        return Binding(self.resource_id, self.version, self.key_id, self.plaintext_size)

    @property
    def sealed_size(self) -> int:
        """Bytes of both parts."""
        return self.small_size + self.big_size

    def fields(self) -> dict[str, str | int]:
        """Return the members of the JSON object, digests in hex, times as RFC 3339."""
        return {
            "resource_id": str(self.resource_id),
            "folder": self.folder,
            "name": self.name,
            "version": self.version,
            "plaintext_size": self.plaintext_size,
            "small_size": self.small_size,
            "big_size": self.big_size,
            "small_sha256": self.small_sha256.hex(),
            "big_sha256": self.big_sha256.hex(),
            "chunk_count": self.chunk_count,
            "key_id": self.key_id,
            "created_at": self.created_at.strftime(_FORMAT),
            "expires_at": self.expires_at.strftime(_FORMAT),
        }

    def signed_bytes(self) -> bytes:
        """Return what the node signs: a line that says what it is, then canonical JSON.

        Canonical: members in order of their names, no blanks, ASCII with escapes.
        """
        return SIGNED_AS + json.dumps(
            self.fields(), sort_keys=True, separators=(",", ":"), ensure_ascii=True
        ).encode("ascii")

    @classmethod
    def parse(cls, fields: object) -> "Manifest":
        """Read a decoded JSON object strictly: these members, all of them, and no others.

        Raises:
            Invalid: a member is missing, unknown, of another type or out of range.
        """
        if not isinstance(fields, dict):
            raise Invalid("manifest takes a JSON object", field="manifest")
        reader = _Members(fields)
        manifest = cls(
            resource_id=ResourceId(UUID(reader.text("resource_id", _UUID))),
            folder=reader.text("folder"),
            name=reader.text("name"),
            version=reader.number("version"),
            plaintext_size=reader.number("plaintext_size"),
            small_size=reader.number("small_size"),
            big_size=reader.number("big_size"),
            small_sha256=bytes.fromhex(reader.text("small_sha256", _HEX)),
            big_sha256=bytes.fromhex(reader.text("big_sha256", _HEX)),
            chunk_count=reader.number("chunk_count"),
            key_id=reader.number("key_id"),
            created_at=reader.time("created_at"),
            expires_at=reader.time("expires_at"),
        )
        reader.require_no_more()
        return manifest

    def require_named(self, *, folder: str, name: str) -> None:
        """Check that this is what was asked for.

        Raises:
            VersionMismatch: it describes something else.
        """
        if (self.folder, self.name) != (folder, name):
            raise VersionMismatch("version_mismatch: the manifest describes another resource")

    def require_newer(self, than: int) -> None:
        """Check that the version is not older than the highest one seen (0: none was).

        Raises:
            Rollback: it is older.
        """
        if self.version < than:
            raise Rollback(
                f"rollback: version {self.version} was offered, and version {than} was seen before"
            )

    def require_fresh(self, now: datetime, *, grace: timedelta = timedelta(0)) -> None:
        """Check that the manifest counts now.

        Args:
            now: aware.
            grace: how long after its end it is still accepted, for readers without a network.

        Raises:
            Stale: it has expired, or it is from the future: then this machine's clock is wrong,
                and its end cannot be judged.
        """
        if now >= self.expires_at + grace:
            raise Stale(f"stale: the manifest expired at {self.expires_at.strftime(_FORMAT)}")
        if now < self.created_at - CLOCK_SKEW:
            raise Stale("stale: the manifest is from the future; check the clock of this machine")

    def require_small(self, size: int, sha256: bytes) -> None:
        """Check the small part as it arrived.

        Raises:
            PartDamaged: other bytes.
        """
        if size != self.small_size or not hmac.compare_digest(sha256, self.small_sha256):
            raise PartDamaged("damaged: the small part is not the one that the manifest describes")

    def require_big(
        self, size: int, sha256: bytes, *, others: Mapping[bytes, int] | None = None
    ) -> None:
        """Check the big part as it arrived.

        Args:
            size: in bytes.
            sha256: 32 bytes.
            others: digests of the big parts of other versions that the reader knows, so that an
                old object under the new name is called by its name.

        Raises:
            VersionMismatch: it is the whole big part of another version.
            PartDamaged: any other bytes.
        """
        if size == self.big_size and hmac.compare_digest(sha256, self.big_sha256):
            return
        version = (others or {}).get(sha256)
        if version is not None:
            raise VersionMismatch(
                f"version_mismatch: the big part is of version {version}, not {self.version}"
            )
        raise PartDamaged("damaged: the big part is not the one that the manifest describes")


@dataclass(frozen=True, slots=True)
class SignedManifest:
    """A manifest as it came, with an Ed25519 signature (64 bytes) that nobody has checked yet."""

    manifest: Manifest
    signature: bytes

    def verified(self, verify: Callable[[bytes, bytes], bool]) -> Manifest:
        """Return the manifest if it was signed by the node.

        Args:
            verify: tells whether (message, signature) fits the node's public key.

        Raises:
            ManifestForged: it does not fit.
        """
        if len(self.signature) != 64 or not verify(self.manifest.signed_bytes(), self.signature):
            raise ManifestForged
        return self.manifest


class _Members:
    """Typed access to a decoded JSON object; remembers what was read."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fields, self._read = fields, set[str]()

    def text(self, name: str, form: re.Pattern[str] | None = None) -> str:
        value = self._get(name)
        if not isinstance(value, str) or (form is not None and not form.fullmatch(value)):
            raise Invalid(f"{name} is not well formed", field=name)
        return value

    def number(self, name: str) -> int:
        value = self._get(name)
        if type(value) is not int:
            raise Invalid(f"{name} takes a whole number", field=name)
        return value

    def time(self, name: str) -> datetime:
        text = self.text(name, _TIME)
        try:
            return datetime.strptime(text, _FORMAT).replace(tzinfo=UTC)
        except ValueError as exc:
            raise Invalid(f"{name} is not a time", field=name) from exc

    def require_no_more(self) -> None:
        unknown = sorted(str(name) for name in self._fields.keys() - self._read)
        if unknown:
            raise Invalid("the manifest has an unknown member", field=unknown[0][:100])

    def _get(self, name: str) -> Any:
        self._read.add(name)
        if name not in self._fields:
            raise Invalid(f"{name} is missing", field=name)
        return self._fields[name]


def _check(field: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        wanted = str(low) if low == high else f"{low} to {high}"
        raise Invalid(f"{field} takes {wanted}, not {value}", field=field)
