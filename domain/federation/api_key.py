"""API keys: their text form, what they grant, when they are good.

Form: ``vlr_<kind>_`` + 43 base62 characters (256 random bits) + 6 base62 characters, the CRC-32
of all that stands before them. The checksum refuses a typo without a look-up; it is no secret.
"""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from ipaddress import ip_address, ip_network

from domain.errors import Conflict, Invalid, NotFound, Unauthenticated
from domain.ids import ApiKeyId, LibraryId
from domain.text import clean_name

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_CHARS, _CHECK_CHARS = 43, 6
_FORM = re.compile(r"vlr_(peer|app|client)_[0-9A-Za-z]{49}", re.ASCII)
PREFIX_CHARS = 8
DEFAULT_OVERLAP = timedelta(hours=24)


class KeyMalformed(Invalid):
    """The text is not a key, or a character of it was mistyped."""

    code = "key.malformed"
    title = "That is not an API key: a character is missing or mistyped"


class KeyRefused(Unauthenticated):
    """Unknown, revoked and expired keys look the same."""

    code = "key.refused"
    title = "The API key is unknown, expired or revoked"


class KeyNotFound(NotFound):
    """No key has this id or name."""

    code = "key.not-found"
    title = "No such API key"


class KeyRevoked(Conflict):
    """A revoked key stays revoked."""

    code = "key.revoked"
    title = "The API key is revoked"


class KeyKind(StrEnum):
    """Whom a key is for."""

    PEER = "peer"  # another node: sees own works of the granted libraries only
    APP = "app"  # a program of this node's people: sees what they see
    CLIENT = "client"  # a tenant that sends frames


class Scope(StrEnum):
    """What a key may do."""

    READ = "read"
    STREAM = "stream"
    METADATA = "metadata"


@dataclass(slots=True, kw_only=True)
class ApiKey:
    """A stored key: its digest, never its text.

    ``libraries`` are the granted ones; for the kind app, none means all of the node.
    ``networks`` are CIDR blocks the key may be used from; none means from anywhere.
    ``rotated_from`` names the key that this one replaces.
    """

    id: ApiKeyId
    name: str
    kind: KeyKind
    prefix: str
    digest: bytes
    scopes: frozenset[Scope]
    libraries: frozenset[LibraryId]
    created_at: datetime
    expires_at: datetime | None = None
    networks: tuple[str, ...] = ()
    revoked_at: datetime | None = None
    rotated_from: ApiKeyId | None = None
    last_used_at: datetime | None = None
    last_used_from: str = ""
    version: int = 0

    def __post_init__(self) -> None:
        self.name = clean_name(self.name, field="name", max_length=100)
        if not self.scopes:
            raise Invalid("a key needs at least one scope", field="scopes")
        self.networks = tuple(_network(text) for text in self.networks)

    def is_good(self, now: datetime) -> bool:
        """Tell whether the key counts at ``now``."""
        expired = self.expires_at is not None and now >= self.expires_at
        return self.revoked_at is None and not expired

    def allows_address(self, address: str) -> bool:
        """Tell whether the key may be used from ``address``."""
        if not self.networks:
            return True
        try:
            ip = ip_address(address)
        except ValueError:
            return False
        return any(ip in ip_network(block) for block in self.networks)

    def revoke(self, *, at: datetime) -> None:
        """End the key for good. Revoking twice changes nothing."""
        self.revoked_at = self.revoked_at or at

    def retire(self, *, at: datetime, overlap: timedelta) -> None:
        """Let the key die by itself after ``overlap``, as its successor takes over."""
        if self.revoked_at is not None:
            raise KeyRevoked
        end = at + overlap
        self.expires_at = min(self.expires_at or end, end)


def key_text(kind: KeyKind, secret: bytes) -> str:
    """Write a key out.

    Args:
        kind: whom it is for.
        secret: 32 random bytes.

    Returns:
        The key as its owner is shown it, once.
    """
    if len(secret) != 32:
        raise Invalid("a key is made of 32 random bytes", field="secret")
    body = f"vlr_{kind}_{_base62(int.from_bytes(secret, 'big'), _SECRET_CHARS)}"
    return body + _base62(zlib.crc32(body.encode()), _CHECK_CHARS)


def check_key_text(text: str) -> KeyKind:
    """Return the kind of a key's text after checking its form and checksum.

    Raises:
        KeyMalformed: it is not a key or a character is wrong.
    """
    found = _FORM.fullmatch(text)
    body, check = text[:-_CHECK_CHARS], text[-_CHECK_CHARS:]
    if not found or _base62(zlib.crc32(body.encode()), _CHECK_CHARS) != check:
        raise KeyMalformed(field="key")
    return KeyKind(found[1])


def key_prefix(text: str) -> str:
    """Return what a key is listed by: its kind and its first eight characters."""
    head, _, secret = text.rpartition("_")
    return f"{head}_{secret[:PREFIX_CHARS]}"


def parse_scopes(names: Sequence[str]) -> frozenset[Scope]:
    """Return the scopes of that name; refuse an unknown one and an empty list."""
    try:
        scopes = frozenset(Scope(name) for name in names)
    except ValueError as exc:
        raise Invalid(f"scopes are {', '.join(Scope)}", field="scopes") from exc
    if not scopes:
        raise Invalid("a key needs at least one scope", field="scopes")
    return scopes


def _network(text: str) -> str:
    try:
        return str(ip_network(text, strict=False))
    except ValueError as exc:
        raise Invalid(f"{text!r} is not a network like 192.0.2.0/24", field="networks") from exc


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
