"""A node in memory with one location to scan."""

import hashlib

from adapters.memory.media import ORDINARY, MemoryNfoReader
from app.usecases.library.locations import AddLocation, CreateLibrary, EditLocation
from app.usecases.library.looking import LookingTools
from app.usecases.library.scan_pass import ScanTools
from app.usecases.library.scanning import ApproveRemoval, RequestScan, ScanLocation
from domain.federation.audit import CLI
from domain.library.video import Fingerprints
from ports.jobs import JobCancelled
from ports.library.media import Probed


class Remote:
    """Reads the first 1,000 bytes of a remote object; they are its facts' container."""

    def __init__(self):
        self.broken, self.reads_before_it_breaks = {}, 0

    def probe_source(self, source, *, name):
        if name in self.broken:
            source.read(0, self.reads_before_it_breaks)
            raise self.broken[name]
        head = source.read(0, 1000)
        return Probed(ORDINARY, Fingerprints(oshash=hashlib.sha256(head).hexdigest()[:16]))


def make_tools(
    unit_of_work, read_only, clock, new_id, probe, assets, names, *, batch=7, parallel=2
):
    looking = LookingTools(probe, Remote(), MemoryNfoReader(), names, clock, budget_bytes=4096)
    return ScanTools(
        unit_of_work, read_only, clock, new_id, assets, looking, batch=batch, parallel=parallel
    )


class Doorbell:
    def __init__(self):
        self.rung = []

    def ring(self, job_id):
        self.rung.append(job_id)


class Context:
    """A job's context that can cancel, or die, at the n-th report."""

    job_id = None

    def __init__(self, stop_at=None, error=JobCancelled):
        self.reports, self.stop_at, self.error = [], stop_at, error

    def progress(self, **figures):
        self.reports.append(figures)
        if self.stop_at is not None and len(self.reports) >= self.stop_at:
            raise self.error


class Node:
    def __init__(self, unit_of_work, read_only, clock, new_id, storages, probe, names, assets, box):
        self.unit_of_work, self.read_only, self.clock = unit_of_work, read_only, clock
        self.storages, self.probe, self.assets, self.doorbell = storages, probe, assets, Doorbell()
        tools = make_tools(unit_of_work, read_only, clock, new_id, probe, assets, names)
        self.remote, self.nfo = tools.looking.remote, tools.looking.nfo
        self.tools = tools
        self.handlers = {}
        self.scan_job = ScanLocation(tools, storages, self.doorbell, self.handlers, "thumbnails")
        CreateLibrary(unit_of_work, clock, new_id)(name="Films", actor=CLI)
        add = AddLocation(unit_of_work, clock, new_id, storages, box)
        self.location = add(
            name="Disk", storage_type="local", library="Films", options={"path": "d"}, actor=CLI
        )
        self.edit = EditLocation(unit_of_work, read_only, clock, storages, box)
        self.request = RequestScan(unit_of_work, clock, new_id, self.doorbell)
        self.approve = ApproveRemoval(unit_of_work, clock, new_id, self.doorbell)

    @property
    def disk(self):
        return self.storages.at("d")

    def put(self, *names, data=None):
        for name in names:
            content = data or name.encode()
            self.disk.objects[name] = content
            self.probe.answers[name] = Probed(
                ORDINARY, Fingerprints(oshash=hashlib.sha256(content).hexdigest()[:16])
            )

    def take(self, *names):
        for name in names:
            del self.disk.objects[name]

    def scan(self, context=None, **arguments):
        arguments = {"location_id": str(self.location.id)} | arguments
        return self.scan_job(context or Context(), arguments)

    @property
    def stored(self):
        with self.read_only() as tx:
            return tx.locations.get(self.location.id)

    def videos(self):
        with self.read_only() as tx:
            known = dict(tx.scans.known(self.location.id, [*self.disk.objects, *self.all_names]))
            return {locator: tx.videos.get(video.id) for locator, video in known.items()}

    all_names = ()

    def works(self):
        with self.read_only() as tx:
            return {v.work_id: tx.works.get(v.work_id) for v in self.videos().values()}


def names_of(count, first=0):
    return [f"n{number:04} film.mp4" for number in range(first, first + count)]
