"""What the last complete scan of a location met, in a few bytes.

A walk that meets the very same has nothing to compare: no row is read. What is remembered counts
only together with the stored time of that scan, so that a restored database is compared again.
Beside it stands which remote files could not be read.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter

from domain.ids import LocationId
from domain.library.storage_location import StorageLocation
from ports.library.media import AssetStore
from ports.library.storage import FoundObject, WalkItem

_LOCATOR = itemgetter(FoundObject._fields.index("locator"))
_SIGNATURE = itemgetter(FoundObject._fields.index("signature"))
_EXTRAS = itemgetter(FoundObject._fields.index("extras"))


TRIED_AGAIN_AFTER = timedelta(days=7)
MOST_UNREADABLE = 10_000


class WalkDigest:
    """Runs along a walk; two walks that meet the same in the same order end alike."""

    def __init__(self) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self.complete = True  # False once something could not be looked at, or still grows
        self.found = 0

    def add(self, items: Sequence[WalkItem]) -> None:
        """Take in the next items."""
        found = [item for item in items if type(item) is FoundObject]
        self.complete = self.complete and len(found) == len(items)
        self.found += len(found)
        for part in (_LOCATOR, _SIGNATURE):
            self._hash.update("\0".join(map(part, found)).encode())
        if "".join(map(_EXTRAS, found)):  # most folders hold nothing but films
            self._hash.update("\0".join(map(_EXTRAS, found)).encode())
        self._hash.update(b"\0")

    def hex(self) -> str:
        """Return the digest of everything so far."""
        return self._hash.hexdigest()


@dataclass(frozen=True, slots=True)
class ScanMemo:
    """Keeps one digest for each location."""

    assets: AssetStore

    def expected(self, location: StorageLocation) -> str | None:
        """Return the digest that a walk must have for nothing to have changed, or None."""
        last = location.last_scan
        kept = self.assets.find(_name(location.id))
        if last is None or not last.success or kept is None:
            return None
        memo = json.loads(kept)
        return str(memo["digest"]) if memo["scan"] == last.finished_at.isoformat() else None

    def keep(self, location_id: LocationId, digest: WalkDigest, finished_at: datetime) -> None:
        """Remember what the scan that ended then has met."""
        memo = {"scan": finished_at.isoformat(), "digest": digest.hex()}
        self.assets.put(_name(location_id), json.dumps(memo).encode())

    def forget(self, location_id: LocationId) -> None:
        """Have the next scan compare everything."""
        self.assets.remove(_name(location_id))


class UnreadableFiles:
    """Which remote files could not be read, and why: the same bytes are not fetched again.

    They are tried anew after a week, since a later version may read more.
    """

    def __init__(self, assets: AssetStore, location_id: LocationId, now: datetime) -> None:
        self._assets, self._name, self._now = assets, f"failures/{location_id}.json", now
        kept = json.loads(assets.find(self._name) or b"{}")
        fresh = (now - TRIED_AGAIN_AFTER).isoformat()
        self._reasons = {key: one for key, one in kept.items() if one[1] >= fresh}
        self._before = dict(kept)

    def reason(self, found: FoundObject) -> str | None:
        """Return why the very same file could not be read lately, or None."""
        one = self._reasons.get(_key(found))
        return None if one is None else str(one[0])

    def add(self, found: FoundObject, reason: str) -> None:
        """Remember a file."""
        if len(self._reasons) < MOST_UNREADABLE:
            self._reasons[_key(found)] = [reason, self._now.isoformat()]

    def keep(self) -> None:
        """Write down what is remembered, if it changed."""
        if self._reasons != self._before:
            self._assets.put(self._name, json.dumps(self._reasons).encode())


def _key(found: FoundObject) -> str:
    text = f"{found.locator}\0{found.signature}".encode()
    return hashlib.blake2b(text, digest_size=12).hexdigest()


def _name(location_id: LocationId) -> str:
    return f"scans/{location_id}.json"
