"""Every limit on how often somebody may ask, in one place, on Flask-Limiter.

Its hooks around each request cost as much as a request, so they are left out: the guard of the API
names the class of a request, which is counted in the extension's storage. Counts are shared by all
processes. Hot classes lease small shares of the shared count, so that most requests touch no file;
the sum over all processes never passes the limit, and stays below it by one lease a process at
most. Sign-in and refused keys are counted exactly.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog
from flask import Flask
from flask_limiter import Limiter
from limits import (
    RateLimitItem,
    RateLimitItemPerHour,
    RateLimitItemPerMinute,
    RateLimitItemPerSecond,
)
from limits.storage import Storage

from app.api.addresses import prefix
from domain.errors import Limited, Unavailable
from ports.counters import Counters

log = structlog.get_logger("app.limits")

MAX_LEASE = 64
STREAM_IDLE_S = 600
_SESSION_TRUST_S = 60
_SWEEP_AT = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """Where a caller stands in a class of requests; ``reset_s`` counts down to the new window."""

    limit: int
    remaining: int
    reset_s: int
    exceeded: bool = False

    def headers(self) -> Mapping[str, str]:
        """Return the ``RateLimit-*`` fields."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_s),
        }

    def require(self) -> None:
        """Raise Limited where nothing is left."""
        if self.exceeded:
            raise Limited(
                f"the limit of {self.limit} is used up; try again in {self.reset_s} seconds",
                retry_after_s=self.reset_s,
            )


@dataclass(slots=True)
class _Lease:
    total: int = 0  # of the shared counter when it was last asked
    left: int = 0  # of the shares this process holds
    resets_at: float = 0.0


class LeasedStorage(Storage):
    """The storage that Flask-Limiter counts in: shared counters, leased for the hot classes.

    Args:
        uri: unused; the library hands it in.
        counters: shared by all processes.
        leased: namespaces whose counts are leased, each with its limit.
        now: seconds since the epoch.
    """

    STORAGE_SCHEME = ["velour-counters"]  # noqa: RUF012 - the library's name and type for it

    def __init__(
        self,
        uri: str | None = None,
        *,
        counters: Counters,
        leased: Mapping[str, int],
        now: Callable[[], float] = time.time,
        **_options: Any,
    ) -> None:
        super().__init__(uri)
        self._counters, self._leased, self._now = counters, leased, now
        self._lock = threading.Lock()
        self._leases: dict[str, _Lease] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        """The error of an unreachable store, which callers see as it is."""
        return Unavailable

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count, and return the total as far as this process knows it."""
        limit = self._leased.get(key.partition("/")[0])
        if limit is None:
            return self._counters.add(key, window_s=expiry, amount=amount).total
        now = self._now()
        with self._lock:
            lease = self._lease(key, now, expiry)
            if lease.left >= amount:
                lease.left -= amount
                return lease.total - lease.left
            if lease.total >= limit:
                return lease.total + amount
            share = 1 if not lease.total else (limit - lease.total) // 16
            share = max(amount, min(share, MAX_LEASE))
        total, resets_at = self._borrow(key, expiry, share, now)
        with self._lock:
            lease.resets_at = resets_at
            lease.total = max(lease.total, total)
            usable = max(0, min(share, limit - (total - share)))
            if usable < amount:
                return max(total, limit + amount)
            lease.left += usable - amount
            return min(total, limit) - lease.left

    def get(self, key: str) -> int:
        """Return the total as far as this process knows it."""
        lease = self._leases.get(key)
        if lease is not None and self._now() < lease.resets_at:
            return lease.total - lease.left
        return self._counters.get(key).total

    def get_expiry(self, key: str) -> float:
        """Return when the window ends, in seconds since the epoch."""
        lease = self._leases.get(key)
        if lease is not None and self._now() < lease.resets_at:
            return lease.resets_at
        return self._counters.get(key).resets_at or self._now()

    def check(self) -> bool:
        """Tell whether the shared counters answer."""
        try:
            self._counters.get("check")
        except Unavailable:
            return False
        return True

    def reset(self) -> int | None:
        """Forget the leases of this process."""
        with self._lock:
            self._leases.clear()
        return None

    def clear(self, key: str) -> None:
        """Forget one counter."""
        with self._lock:
            self._leases.pop(key, None)
        self._counters.clear(key)

    def _lease(self, key: str, now: float, window_s: int) -> _Lease:
        lease = self._leases.get(key)
        if lease is None or not now < lease.resets_at <= now + window_s:
            if len(self._leases) >= _SWEEP_AT:
                self._leases = {k: v for k, v in self._leases.items() if now < v.resets_at}
            lease = self._leases[key] = _Lease()
        return lease

    def _borrow(self, key: str, expiry: int, share: int, now: float) -> tuple[int, float]:
        try:
            count = self._counters.add(key, window_s=expiry, amount=share)
        except Unavailable as exc:
            # A full disk or a dead Redis must not stop people from reading: count alone meanwhile.
            log.warning("limits.store-unavailable", exc_info=exc)
            lease = self._leases.get(key) or _Lease()
            return lease.total + share, lease.resets_at or now + expiry
        return count.total, count.resets_at


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitFigures:
    """The numbers of the settings."""

    requests_per_hour: int
    streams_per_hour: int
    key_failures_per_minute: int
    sign_in_failures: int
    sign_in_window_s: int
    enabled: bool = True


class Limits:
    """Counts requests by class and caller.

    The classes ``api``, ``search`` and ``thumbnail`` count requests, each on its own;
    ``stream`` counts playback sessions: a caller and a video, until ten minutes pass without a
    request for it, however often the viewer seeks.
    """

    def __init__(self, counters: Counters, figures: LimitFigures) -> None:
        per_hour = figures.requests_per_hour
        self._items: dict[str, RateLimitItem] = {
            name: RateLimitItemPerHour(per_hour, namespace=name)
            for name in ("api", "search", "thumbnail")
        }
        self._streams = RateLimitItemPerHour(figures.streams_per_hour, namespace="stream")
        self._refused = RateLimitItemPerMinute(
            figures.key_failures_per_minute, namespace="refused-key"
        )
        self._sign_in = RateLimitItemPerSecond(
            figures.sign_in_failures, figures.sign_in_window_s, namespace="sign-in"
        )
        self._counters = counters
        self._enabled = figures.enabled
        self._playing: dict[str, tuple[float, Allowance]] = {}
        limiter = Limiter(
            lambda: "",
            storage_uri="velour-counters://",
            storage_options={
                "counters": counters,  # type: ignore[dict-item]
                "leased": dict.fromkeys(self._items, per_hour),  # type: ignore[dict-item]
            },
            strategy="fixed-window",
        )
        limiter.init_app(Flask("limits"))
        self._storage = limiter.storage

    def count(self, name: str, caller: str) -> Allowance:
        """Count one request of that class; the answer may be that it was one too many."""
        return self._hit(self._items[name], caller)

    def count_refused_key(self, address: str) -> Allowance:
        """Count a key that was refused, by the block its sender's address lies in."""
        return self._hit(self._refused, prefix(address))

    def admit_stream(self, caller: str, video: str) -> Allowance:
        """Count a playback session if this request begins one."""
        if not self._enabled:
            return Allowance(self._streams.amount, self._streams.amount, 0)
        session, now = f"playing/{caller}/{video}", time.monotonic()
        known = self._playing.get(session)
        if known is not None and now - known[0] < _SESSION_TRUST_S:
            at, allowance = known
            return replace(allowance, reset_s=max(1, allowance.reset_s - int(now - at)))
        if not self._counters.touch(session, idle_s=STREAM_IDLE_S):
            allowance = self._hit(self._streams, caller)
            if allowance.exceeded:
                self._counters.clear(session)
                return allowance
        if len(self._playing) >= _SWEEP_AT:
            self._playing = {
                s: kept for s, kept in self._playing.items() if now - kept[0] < _SESSION_TRUST_S
            }
        allowance = self._stream_state(caller)
        self._playing[session] = (now, allowance)
        return allowance

    def _stream_state(self, caller: str) -> Allowance:
        key = _key(self._streams, caller)
        return self._state(self._streams, key, min(self._storage.get(key), self._streams.amount))

    def begin_sign_in(self, account: str, address: str) -> None:
        """Take one of the tries that an account and an address have.

        Counted before the password is looked at, so that tries at the same time all count.

        Raises:
            Limited: neither of them may try now.
        """
        for who in self._sign_in_ids(account, address):
            self._hit(self._sign_in, who).require()

    def sign_in_succeeded(self, account: str, address: str) -> None:
        """Give the try back; the account begins anew, the address keeps its failures."""
        if not self._enabled:
            return
        of_account, of_address = self._sign_in_ids(account, address)
        self._storage.clear(_key(self._sign_in, of_account))
        window_s = self._sign_in.get_expiry()
        self._storage.incr(_key(self._sign_in, of_address), window_s, amount=-1)

    def _hit(self, item: RateLimitItem, caller: str) -> Allowance:
        if not self._enabled:
            return Allowance(item.amount, item.amount, 0)
        key = _key(item, caller)
        total = self._storage.incr(key, item.get_expiry())
        return self._state(item, key, total)

    def _state(self, item: RateLimitItem, key: str, total: int) -> Allowance:
        reset_s = max(1, math.ceil(self._storage.get_expiry(key) - time.time()))
        return Allowance(item.amount, max(item.amount - total, 0), reset_s, total > item.amount)

    @staticmethod
    def _sign_in_ids(account: str, address: str) -> tuple[str, str]:
        return f"account:{account.strip().casefold()[:254]}", f"address:{address}"


def _key(item: RateLimitItem, caller: str) -> str:
    """Return the counter's name; it begins with the class, which leases go by."""
    return f"{item.namespace}/{caller}"
