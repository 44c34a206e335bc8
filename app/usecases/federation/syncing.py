"""Bringing our copy of a peer's catalogue up to date, page by page."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from app.usecases.federation.access import OpenPeer
from app.usecases.federation.connections import remember
from app.usecases.library.scan_result import Tally, scan_result
from domain.federation.connection import (
    ConnectionInactive,
    ConnectionNotFound,
    FederationDisabled,
)
from domain.ids import ConnectionId
from domain.library.removal_guard import decide
from domain.library.seen import SeenRows
from domain.library.storage_location import LastScan, StorageLocation
from ports.clock import Clock
from ports.crypto import SealBroken
from ports.federation.peers import (
    CataloguePage,
    CycleDetected,
    InstanceInfo,
    LimitReached,
    Peer,
    PeerMisbehaves,
    PeerRefused,
    PeerUnreachable,
)
from ports.jobs import JobContext
from ports.unit_of_work import ReadOnlyFactory, UnitOfWorkFactory

SLACK_SHARE, SLACK = 0.10, 1000
POOR_SHARE, MAX_POOR_PAGES = 0.10, 100
PATIENCE_S, PATIENCE_PER_RECORD_S = 90.0, 0.05
REMOVE_AT_ONCE = MAX_DOUBTED = 1000


@dataclass(frozen=True, slots=True)
class SyncPeer:
    """Read a peer's works to the end of its pages; what it no longer has goes.

    Every page is kept in a transaction of its own, so a sync that ends early, or is killed, loses
    nothing, and the next one writes only what changed. A peer that does not answer is offline, not
    empty. Pages are bounded by the peer's client; how many there may be, by this.
    """

    unit_of_work: UnitOfWorkFactory
    read_only: ReadOnlyFactory
    open_peer: OpenPeer
    clock: Clock
    page_size: int
    max_works: int
    monotonic: Callable[[], float] = time.monotonic

    def __call__(self, location: StorageLocation, context: JobContext) -> Mapping[str, Any]:
        """Sync and return a scan's result, with ``instance_info`` where the peer answered.

        Raises:
            LocationNotFound: it was removed meanwhile.
            JobCancelled, JobInterrupted: pages read so far are kept.
        """
        run = _Run(self, location, context)
        try:
            run.sync()
        except (LimitReached, CycleDetected) as exc:
            return run.end(fault=str(exc))
        except PeerUnreachable as exc:
            return run.end(fault=f"unreachable: {exc}", offline=True)
        except PeerRefused as exc:
            return run.end(fault=str(exc), offline=True, remote_state=str(exc))
        except (ConnectionInactive, FederationDisabled, PeerMisbehaves, SealBroken) as exc:
            return run.end(fault=str(exc), offline=True)
        return run.end()


class _Run:
    """One sync under way."""

    def __init__(self, tools: SyncPeer, location: StorageLocation, context: JobContext) -> None:
        self._tools, self._location, self._context = tools, location, context
        self._started = tools.clock.now()
        self._tally, self._seen = Tally(), SeenRows()
        self._info: InstanceInfo | None = None
        self._held = ""

    @property
    def _connection_id(self) -> ConnectionId:
        if self._location.connection_id is None:
            raise ConnectionNotFound("the location belongs to no connection")
        return self._location.connection_id

    def sync(self) -> None:
        peer = self._tools.open_peer(self._connection_id)
        self._info = _instance(peer)
        for page in read_pages(
            peer,
            page_size=self._tools.page_size,
            max_works=self._tools.max_works,
            monotonic=self._tools.monotonic,
        ):
            self._apply(page)
        self._remove_missing()

    def end(
        self, *, fault: str = "", offline: bool = False, remote_state: str | None = None
    ) -> Mapping[str, Any]:
        """Write down how it went and return the result."""
        tools, tally = self._tools, self._tally
        message = f"{self._location.name}: {fault or self._held or _words(tally)}"
        last = LastScan(
            started_at=self._started,
            finished_at=tools.clock.now(),
            success=not fault,
            message=message,
            counts=tally.counts,
        )
        connection_id = self._location.connection_id
        with tools.unit_of_work() as tx:
            location = tx.locations.get(self._location.id)
            location.record_scan(last, reachable=not offline, reason=fault)
            tx.locations.save(location)
            if offline and connection_id is not None:
                tx.learnt.set_offline(connection_id)
            tx.commit()
        if connection_id is not None and (remote_state is not None or not offline):
            remember(
                tools.unit_of_work,
                connection_id,
                remote_state=remote_state or "",
                info=self._info,
            )
        result = dict(scan_result(success=not fault, message=message, tally=tally))
        if self._info is not None:
            result["instance_info"] = asdict(self._info)
        return result

    def _apply(self, page: CataloguePage) -> None:
        connection_id, tally = self._connection_id, self._tally
        with self._tools.unit_of_work() as tx:
            tx.connections.get(connection_id).require_active()
            if tally.found == 0 and self._location.reachable is False:
                tx.learnt.set_online(connection_id)
            counts = tx.learnt.apply(
                connection_id, self._location.id, page.works, at=self._tools.clock.now()
            )
            # What was believed once is kept while the peer talks nonsense about it.
            ids = [bad.remote_id for bad in page.rejected[:MAX_DOUBTED]]
            doubted = tx.learnt.rows_of(connection_id, ids) if ids else ()
            tx.commit()
        for row in (*counts.rows, *doubted):
            self._seen.add(row)
        for bad in page.rejected:
            tally.fail(bad.remote_id, bad.reason)
        tally.found += len(page.works) + len(page.rejected)
        tally.added += counts.added
        tally.updated += counts.updated
        total = max(page.announced_total, tally.found)
        self._context.progress(**asdict(tally.counts), total=total)

    def _remove_missing(self) -> None:
        """Let go of what the peer no longer has, unless so much went that a person must look."""
        tools, tally, connection_id = self._tools, self._tally, self._connection_id
        with tools.read_only() as tx:
            approved = tx.jobs.get(self._context.job_id).arguments.get("approved_missing", 0)
            known = 0
            missing = []
            for row in tx.learnt.iter_known(connection_id):
                known += 1
                if row not in self._seen:
                    missing.append(row)
        tally.missing = len(missing)
        decision = decide(known=known, missing=len(missing))
        if decision.held and len(missing) > approved:
            self._held = decision.reason.replace("videos", "works")
            return
        for start in range(0, len(missing), REMOVE_AT_ONCE):
            with tools.unit_of_work() as tx:
                tx.learnt.remove(connection_id, missing[start : start + REMOVE_AT_ONCE])
                tx.commit()
        tally.removed = len(missing)


def read_pages(
    peer: Peer, *, page_size: int, max_works: int, monotonic: Callable[[], float]
) -> Iterator[CataloguePage]:
    """Yield a peer's pages to the end, as long as it keeps to what a node may send.

    Raises:
        LimitReached: more records than announced or allowed, too many poor pages, or too slow.
        CycleDetected: a cursor came back.
        PeerUnreachable, PeerRefused, PeerMisbehaves
    """
    after: str | None = None
    cursors: set[int] = set()
    count = poor = 0
    spent, most = 0.0, max_works
    while True:
        began = monotonic()
        page = peer.works(after=after, limit=page_size)
        spent += monotonic() - began
        if after is None:
            most = min(max_works, int(page.announced_total * (1 + SLACK_SHARE)) + SLACK)
        size = len(page.works) + len(page.rejected)
        count += size
        yield page
        after = page.after
        if after is None:
            return
        poor = poor + 1 if size < page_size * POOR_SHARE else 0
        if count >= most:
            raise LimitReached(f"limit_reached: more than the {most} works it may send")
        if poor == MAX_POOR_PAGES:
            raise LimitReached(f"limit_reached: {poor} pages in a row with nearly nothing in them")
        if spent > PATIENCE_S + count * PATIENCE_PER_RECORD_S:
            raise LimitReached(f"limit_reached: {count} works in {spent:.0f} s is too slow")
        if hash(after) in cursors:
            raise CycleDetected("cycle: it sends the same place of its catalogue again")
        cursors.add(hash(after))


def _instance(peer: Peer) -> InstanceInfo | None:
    try:
        return peer.instance()
    except PeerMisbehaves:
        # Its catalogue may still be readable; who it says it is, is only shown.
        return None


def _words(tally: Tally) -> str:
    figures = (
        (tally.added, "added"),
        (tally.updated, "updated"),
        (tally.removed, "removed"),
        (tally.failed, "failed"),
    )
    found = f"{tally.found} {'work' if tally.found == 1 else 'works'} found"
    return ", ".join([found, *(f"{count} {word}" for count, word in figures if count)])
