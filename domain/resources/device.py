"""Which machine a key belongs to: a key pair made on it, and what it is made of.

A copied key file alone is not enough: the fingerprint of the machine has to fit too. It is
compared tolerantly, since people change disks and memory.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from domain.errors import Invalid
from domain.ids import DeviceId, UserId
from domain.resources.errors import DeviceMismatch

PUBLIC_KEY_BYTES = 32
NEEDED = 3  # processor and memory alone fit every machine of a model
_CONTEXT = b"velour-device-1:"
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two fingerprints compare, field by field.

    ``missing`` are fields that one of the two, or both, could not read.
    """

    same: tuple[str, ...]
    different: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """Keyed hashes of what identifies a machine, 64 hex digits each; None where unreadable."""

    machine_id: str | None = None
    cpu: str | None = None
    memory: str | None = None
    root_disk_serial: str | None = None
    board_serial: str | None = None

    def __post_init__(self) -> None:
        for name in FIELDS:
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str) and _HEX.fullmatch(value)):
                raise Invalid(f"{name} takes 64 hex digits or nothing", field=name)

    @classmethod
    def of(cls, readings: Mapping[str, str | None], *, public_key: bytes) -> "Fingerprint":
        """Hash what was read from a machine.

        The device's public key is part of each hash, so two servers, or two registrations of one
        machine, cannot be told to be the same machine. It does not hide what is easily guessed,
        such as the size of the memory.

        Args:
            readings: raw values by field; None or blank where there is none. Case and outer
                blanks do not count.
            public_key: of the device, 32 bytes.
        """
        unknown = sorted(readings.keys() - set(FIELDS))
        if unknown:
            raise Invalid("a fingerprint has no such field", field=unknown[0])
        _require_public_key(public_key)
        return cls(**{name: _hashed(name, readings.get(name), public_key) for name in FIELDS})

    @classmethod
    def parse(cls, members: object) -> "Fingerprint":
        """Read a decoded JSON object; a missing member is as good as null.

        Raises:
            Invalid: not an object, an unknown member, or a value that is no hash.
        """
        if not isinstance(members, dict):
            raise Invalid("fingerprint takes an object", field="fingerprint")
        unknown = sorted(str(name) for name in members if name not in FIELDS)
        if unknown:
            raise Invalid("a fingerprint has no such field", field=unknown[0][:100])
        return cls(**members)

    def members(self) -> dict[str, str | None]:
        """Return all fields by name, as JSON has them."""
        return {name: getattr(self, name) for name in FIELDS}

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the fields that could not be read."""
        return tuple(name for name in FIELDS if getattr(self, name) is None)

    def compare(self, other: "Fingerprint") -> Agreement:
        """Compare field by field, in a time that does not depend on what is equal."""
        same, different, missing = [], [], []
        for name in FIELDS:
            mine, its = getattr(self, name), getattr(other, name)
            if mine is None or its is None:
                missing.append(name)
            elif hmac.compare_digest(mine, its):
                same.append(name)
            else:
                different.append(name)
        return Agreement(tuple(same), tuple(different), tuple(missing))

    def matches(self, other: "Fingerprint", needed: int = NEEDED) -> bool:
        """Tell whether at least ``needed`` fields were read on both and are equal."""
        return len(self.compare(other).same) >= needed

    def require_enough(self, needed: int = NEEDED) -> None:
        """Check that the fingerprint can ever match.

        Raises:
            Invalid: fewer than ``needed`` fields were read; the missing ones are named.
        """
        if len(FIELDS) - len(self.missing) < needed:
            raise Invalid(
                f"a device is told by {needed} of its fields or more; "
                f"these could not be read: {', '.join(self.missing)}",
                field="fingerprint",
            )


FIELDS = tuple(field.name for field in fields(Fingerprint))


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A machine that a user has registered.

    ``public_key`` is for X25519, 32 bytes; its private half never leaves the machine.
    """

    id: DeviceId
    user_id: UserId
    public_key: bytes
    fingerprint: Fingerprint
    bound_at: datetime

    def __post_init__(self) -> None:
        _require_public_key(self.public_key)

    def require_same(
        self, public_key: bytes, fingerprint: Fingerprint, *, needed: int = NEEDED
    ) -> None:
        """Check that a device which calls again is this one.

        Raises:
            DeviceMismatch: another key, or too few fields agree; those that differ are named.
        """
        if not hmac.compare_digest(public_key, self.public_key):
            raise DeviceMismatch("the device has another key than the one that was registered")
        found = self.fingerprint.compare(fingerprint)
        if len(found.same) < needed:
            told = ", ".join(found.different + found.missing)
            raise DeviceMismatch(
                f"only {len(found.same)} of {needed} needed fields agree with the device that was "
                f"registered; these differ or are missing: {told}"
            )


def _hashed(name: str, reading: str | None, public_key: bytes) -> str | None:
    value = " ".join((reading or "").casefold().split())
    if not value:
        return None
    message = _CONTEXT + name.encode() + b":" + value.encode("utf-8", "surrogatepass")
    return hmac.digest(public_key, message, "sha256").hex()


def _require_public_key(public_key: bytes) -> None:
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise Invalid(f"public_key takes {PUBLIC_KEY_BYTES} bytes", field="public_key")
