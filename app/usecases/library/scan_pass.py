"""One pass over a walkable location: compare with what is stored, look into what is new."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple, TypeVar

from app.usecases.library.looking import Looker, LookingTools, NotRead, Reading
from app.usecases.library.scan_memo import ScanMemo, UnreadableFiles, WalkDigest
from app.usecases.library.scan_result import Tally
from app.usecases.library.thumbnails import forget_pictures
from app.usecases.library.video_import import Absent, VideoImport
from domain.ids import VideoId
from domain.library.seen import SeenRows
from domain.library.storage_location import StorageLocation
from domain.library.video import Availability
from ports.clock import Clock
from ports.ids import IdFactory
from ports.jobs import JobContext
from ports.library.imports import KnownVideo
from ports.library.media import AssetStore
from ports.library.storage import (
    FoundObject,
    GrowingObject,
    NewestOnly,
    StorageEmpty,
    UnreadableObject,
    WalkableStorage,
    WalkItem,
)
from ports.unit_of_work import ReadOnlyFactory, UnitOfWorkFactory

MAX_WAITING = 50_000  # files that are kept in memory until the walk's end
MOST_SILENCES = 5  # objects in a row that a location does not answer for, before it is asked
MAX_ABSENT = 10_000  # absent videos that new files are compared with
COMMIT_EVERY = timedelta(seconds=2)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ScanTools:
    """What a pass works with. ``batch`` bounds a transaction, ``parallel`` the probes at once."""

    unit_of_work: UnitOfWorkFactory
    read_only: ReadOnlyFactory
    clock: Clock
    new_id: IdFactory
    assets: AssetStore
    looking: LookingTools
    batch: int
    parallel: int


class _Wanted(NamedTuple):
    found: FoundObject
    known: KnownVideo | None


class ScanPass:
    """One scan of one location. ``missing`` holds what was not found, once ``run`` is over."""

    def __init__(
        self,
        tools: ScanTools,
        location: StorageLocation,
        storage: WalkableStorage,
        context: JobContext,
    ) -> None:
        self._tools, self._location, self._storage = tools, location, storage
        self._context = context
        self._looker = Looker(tools.looking, storage)
        self._import = VideoImport(location, tools.clock, tools.new_id)
        self._seen = SeenRows()
        self._spared: set[str] = set()
        self._spared_folders: tuple[str, ...] = ()
        self._waiting: list[_Wanted] = []
        self._absent: dict[tuple[str | None, int], Absent] = {}
        self._to_read = 0
        self._silences, self._most_silences = 0, MOST_SILENCES  # objects in a row
        self._memo, self._digest = ScanMemo(tools.assets), WalkDigest()
        self._is_unchanged = False
        self._names_all = True
        self._started = tools.clock.now()
        self._unreadable = UnreadableFiles(tools.assets, location.id, self._started)
        self.tally = Tally()
        self.known_before = 0
        self.missing: dict[VideoId, str] = {}
        self.kept = 0  # missing too, and an admin refused to remove them

    def run(self) -> None:
        """Walk, compare, look into new and changed files, and find out what is missing.

        Raises:
            StorageUnreachable: what was done so far is kept.
            StorageEmpty: nothing is there, and videos were.
        """
        try:
            for items in self._changed():
                self._compare(items)
        except StorageEmpty:
            self.known_before = self._count_known()
            if self.known_before:
                raise
        if self._is_unchanged:
            return
        self.find_missing()
        waiting, self._waiting = self._waiting, []
        self._read(waiting)
        self._unreadable.keep()
        self.tally.missing = len(self.missing)
        self._report()

    def remember(self, finished_at: datetime) -> None:
        """Keep in mind what was met, if all that is stored was met; see ``ScanMemo``."""
        digest = self._digest
        if self._is_unchanged or (
            digest.complete
            and not self.tally.failed
            and digest.found + self.kept == self._count_known()
        ):
            self._memo.keep(self._location.id, self._digest, finished_at)
        else:
            self._memo.forget(self._location.id)

    def _changed(self) -> Iterator[list[WalkItem]]:
        """Yield what the walk meets in batches, or nothing where all is as it was."""
        expected = self._memo.expected(self._location)
        if expected is None:
            self.known_before = self._count_known()
        kept: list[list[WalkItem]] = []
        keeps = self._is_short()
        for items in _batches(self._storage.walk(), self._tools.batch):
            self._digest.add(items)
            if expected is None:
                yield items
                continue
            keeps = keeps and self._digest.found <= MAX_WAITING
            if keeps:
                kept.append(items)
            else:
                kept.clear()
            self._context.progress(found=self._digest.found)
        if expected is None:
            return
        if self._digest.complete and self._digest.hex() == expected:
            self._is_unchanged, self.tally.found = True, self._digest.found
            return
        self.known_before = self._count_known()
        if keeps:
            yield from kept
        else:
            self._digest = WalkDigest()
            for items in _batches(self._storage.walk(), self._tools.batch):
                self._digest.add(items)
                yield items

    def _is_short(self) -> bool:
        """Tell whether a walk may be kept in memory until its end, by the length of the last."""
        last = self._location.last_scan
        return last is not None and last.counts.found <= MAX_WAITING

    def remove_missing(self) -> None:
        """Take the missing videos out of the library, a batch in a transaction."""
        self._mark(list(self.missing), Availability.GONE)

    def hold_missing(self) -> None:
        """Keep the missing videos, offline, until somebody decides."""
        for some in _batches(self.missing, self._tools.batch):
            with self._tools.unit_of_work() as tx:
                tx.scans.set_missing(some, self._started)
                tx.commit()

    def _compare(self, items: Sequence[WalkItem]) -> None:
        found = [item for item in items if isinstance(item, FoundObject)]
        for item in items:
            if isinstance(item, UnreadableObject):
                self.tally.fail(item.name, item.reason)
                self._spare(item.locator)
            elif isinstance(item, GrowingObject):
                self._spared.add(item.locator)
            elif isinstance(item, NewestOnly):
                self._names_all = False
        self.tally.found += len(found)
        with self._tools.read_only() as tx:
            stored = tx.scans.known(self._location.id, [item.locator for item in found])
        back: list[VideoId] = []
        at_once: list[_Wanted] = []
        for item in found:
            known = stored.get(item.locator)
            if known is not None:
                self._seen.add(known.row)
            if known is None or known.signature != item.signature:
                # What is told needs no look into the bytes, so it cannot be told to have moved.
                told = item.told is not None and item.told.facts is not None
                (at_once if told else self._waiting).append(_Wanted(item, known))
            elif known.extras != item.extras:
                at_once.append(_Wanted(item, known))
            elif known.availability is not Availability.AVAILABLE:
                back.append(known.id)
                if known.availability is Availability.GONE:
                    self.tally.added += 1
                else:
                    self.tally.back += 1
        self._mark(back, Availability.AVAILABLE)
        self._read(at_once)
        # Nothing can have moved where nothing was: a first import does not wait for the walk.
        if len(self._waiting) >= (MAX_WAITING if self.known_before else self._tools.batch):
            waiting, self._waiting = self._waiting, []
            self._read(waiting)
        self._report()

    def _count_known(self) -> int:
        with self._tools.read_only() as tx:
            return tx.scans.count_known(self._location.id)

    def _spare(self, locator: str | None) -> None:
        if locator is not None and locator.endswith("/"):
            self._spared_folders += (locator.lstrip("/"),)
        elif locator is not None:
            self._spared.add(locator)

    def find_missing(self) -> None:
        """Gather what was not met; what could not be looked at is offline, not missing."""
        if not self.known_before:
            return
        if not self._names_all:
            self._bring_back_unnamed()
            return
        unread: list[VideoId] = []
        with self._tools.read_only() as tx:
            for locator, known in tx.scans.iter_known(self._location.id):
                if known.row in self._seen:
                    continue
                if locator.startswith(self._spared_folders):
                    if known.availability is Availability.AVAILABLE:
                        unread.append(known.id)
                elif self._location.keeps(known.missing_since):
                    self.kept += 1
                elif locator not in self._spared:
                    self.missing[known.id] = locator
            if self._waiting:
                for video_id, locator in islice(self.missing.items(), MAX_ABSENT):
                    video = tx.videos.get(video_id)
                    if video.fingerprints.oshash is not None:
                        key = (video.fingerprints.oshash, video.file_size)
                        self._absent[key] = Absent(video_id, locator)
        self._mark(unread, Availability.OFFLINE)
        self.tally.missing = len(self.missing)

    def _bring_back_unnamed(self) -> None:
        """Let what the walk did not name be as reachable as the location is again."""
        back: list[VideoId] = []
        with self._tools.read_only() as tx:
            for locator, known in tx.scans.iter_known(self._location.id):
                is_offline = known.availability is Availability.OFFLINE
                if is_offline and known.row not in self._seen and locator not in self._spared:
                    back.append(known.id)
        self._mark(back, Availability.AVAILABLE)
        self.tally.back += len(back)

    def _read(self, wanted: Sequence[_Wanted]) -> None:
        """Look into files and write them down, in batches and at least every other second."""
        self._to_read += len(wanted)
        ready: list[Reading] = []
        written_at = self._tools.clock.now()
        for item, outcome in self._look_into(wanted):
            self.tally.probed += 1
            if isinstance(outcome, NotRead):
                self.tally.fail(item.found.name, outcome.reason)
                self.tally.bytes_read += outcome.bytes_read
                if outcome.is_lasting:
                    self._unreadable.add(item.found, outcome.reason)
                self._note_silence(outcome)
            else:
                self._silences = 0
                self.tally.read(outcome)
                ready.append(outcome)
            late = self._tools.clock.now() - written_at > COMMIT_EVERY
            if len(ready) >= self._tools.batch or (ready and late):
                self._write(ready)
                ready, written_at = [], self._tools.clock.now()
            self._report()
        if ready:
            self._write(ready)

    def _note_silence(self, outcome: NotRead) -> None:
        """End the scan where the location has gone away; a silent object is only that.

        A server may answer, and refuse all files of one folder: its word counts.
        """
        self._silences = self._silences + 1 if outcome.unreachable else 0
        if self._silences >= self._most_silences:
            self._storage.check()
            self._silences, self._most_silences = 0, 2 * self._most_silences

    def _look_into(self, wanted: Sequence[_Wanted]) -> Iterator[tuple[_Wanted, Reading | NotRead]]:
        """Yield each object with what it holds, or with the reason why it cannot be read."""
        pool = ThreadPoolExecutor(self._tools.parallel, thread_name_prefix="probe")
        running: deque[tuple[_Wanted, Future[Reading | NotRead]]] = deque()
        try:
            for item in wanted:
                running.append((item, pool.submit(self._look_into_one, item)))
                if len(running) > 4 * self._tools.parallel:
                    first, future = running.popleft()
                    yield first, future.result()
            while running:
                first, future = running.popleft()
                yield first, future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _look_into_one(self, item: _Wanted) -> Reading | NotRead:
        reason = self._unreadable.reason(item.found)
        if reason is not None:
            return NotRead(reason)
        outcome = self._looker.look(item.found, item.known)
        if isinstance(outcome, NotRead) or item.known is not None:
            return outcome
        absent = self._absent.get(outcome.bytes)
        if absent is None:
            return outcome
        return outcome._replace(said_before=self._looker.said_by_name(absent.locator))

    def _write(self, readings: Sequence[Reading]) -> None:
        with self._tools.unit_of_work() as tx:
            tx.locations.get(self._location.id)  # it may have been removed meanwhile
            written = self._import.write(tx, readings, self._absent)
            locators = [reading.found.locator for reading in readings]
            stored = tx.scans.known(self._location.id, locators)
            tx.commit()
        for known in stored.values():
            self._seen.add(known.row)
        for video_id in written.moved:
            self.missing.pop(video_id, None)
        for video_id, work_id in written.repictured:  # they show what was there before
            forget_pictures(self._tools.assets, video_id, work_id)
        self.tally.added += written.added
        self.tally.updated += written.updated

    def _mark(self, videos: Sequence[VideoId], availability: Availability) -> None:
        for some in _batches(videos, self._tools.batch):
            with self._tools.unit_of_work() as tx:
                tx.scans.set_availability(some, availability)
                tx.commit()

    def _report(self) -> None:
        tally = self.tally
        elapsed_s = (self._tools.clock.now() - self._started).total_seconds()
        rate = tally.found / elapsed_s if elapsed_s > 0 else 0.0
        figures: dict[str, int | float] = {
            "found": tally.found,
            "probed": tally.probed,
            "added": tally.added,
            "updated": tally.updated,
            "missing": tally.missing,
            "failed": tally.failed,
            "bytes_read": tally.bytes_read,
            "files_per_second": round(rate, 1),
        }
        if tally.probed and elapsed_s > 0:
            left = self._to_read - tally.probed
            figures["seconds_left"] = round(left * elapsed_s / tally.probed, 1)
        self._context.progress(**figures)


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    source = iter(items)
    while batch := list(islice(source, size)):
        yield batch
