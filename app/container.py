"""The composition root: with ``backends``, ``editors`` and the factory, all that names adapters.

One section per area. Nothing outside ``app/__init__.py`` ever sees a container.
"""

from collections.abc import Callable
from datetime import timedelta
from threading import Event
from typing import ClassVar

import structlog
from dependency_injector import providers

from app.backends import Backends
from app.editors import Editors
from app.resource_uses import ResourceUses
from app.settings import Settings
from app.usecases.audit import VerifyAudit
from app.usecases.federation.access import OpenPeer
from app.usecases.federation.authentication import Authenticate
from app.usecases.federation.connections import (
    AddConnection,
    ApproveConnection,
    RejectConnection,
    RenameConnection,
    ResumeConnection,
    RevokeConnection,
    SuspendConnection,
    TestConnection,
)
from app.usecases.federation.keys import IssueKey, RevokeKey, RotateKey
from app.usecases.federation.syncing import SyncPeer
from app.usecases.housekeeping import TidyUp
from app.usecases.jobs import CancelJob, RunDue, RunJob, RunJobHere
from app.usecases.library.locations import (
    AddLocation,
    CreateLibrary,
    EditLocation,
    LocationSecrets,
    NameSecrets,
    RemoveLibrary,
    RemoveLocation,
    TestLocation,
)
from app.usecases.library.looking import LookingTools
from app.usecases.library.removal import AskAgain, RefuseRemoval
from app.usecases.library.scan_pass import ScanTools
from app.usecases.library.scanning import ApproveRemoval, RequestScan, ScanLocation
from app.usecases.library.scheduling import ScanChanged, ScanDue
from app.usecases.library.signed_urls import OpenSignedStream, SignStreamUrl, StreamSubjects
from app.usecases.library.storyboards import (
    STORYBOARDS,
    MakeStoryboards,
    RequestStoryboards,
)
from app.usecases.library.streaming import OpenStream
from app.usecases.library.thumbnails import (
    THUMBNAIL,
    THUMBNAILS,
    MakeThumbnail,
    MakeThumbnails,
    PictureMaker,
    PictureTools,
    ReadThumbnail,
)
from app.usecases.library.watching import MarkWatched, RecordProgress
from app.usecases.people.users import ChangePassword, CreateUser, Deactivate, SetRole
from app.usecases.resources.collecting import COLLECT, RequestCollection
from app.worker import Worker
from domain.ids import LocationId
from domain.jobs import Job
from domain.library.storage_location import StorageLocation, StorageType


def _remote_pictures(open_peer: OpenPeer) -> Callable[[StorageLocation, str], bytes | None]:
    def fetch(location: StorageLocation, remote_video_id: str) -> bytes | None:
        assert location.connection_id is not None  # noqa: S101 - as above
        return open_peer(location.connection_id).thumbnail(remote_video_id)

    return fetch


def _log_job_fault(job: Job, exc: BaseException) -> None:
    log = structlog.get_logger("app.jobs")
    log.error("job.failed", job=job.name, job_id=str(job.id), exc_info=exc)


def _log_unwatched(location: StorageLocation, reason: str) -> None:
    log = structlog.get_logger("app.worker")
    log.warning("location.not-watched", location=location.name, reason=reason)


def _next(settings: Settings, request: RequestStoryboards) -> Callable[[LocationId], object]:
    """Return what follows when a location's pictures are made."""
    return request if settings.media.storyboards else lambda _location_id: None


def _chores(
    settings: Settings, tidy_up: TidyUp, request_collection: RequestCollection
) -> Callable[[], object]:
    """Return what is done every hour."""

    def both() -> None:
        tidy_up()
        request_collection()

    return both if settings.resources.enabled else tidy_up


def _log_worker(event: str, exc: BaseException | None) -> None:
    log = structlog.get_logger("app.worker")
    if exc is None:
        log.info(event)
    else:
        log.error(event, exc_info=exc)


class Container(Editors, ResourceUses):
    """Providers by name; tests replace some before anything is built."""

    given = Backends.settings.provided
    _writes: ClassVar = {"unit_of_work": Backends.unit_of_work.provider, "clock": Backends.clock}
    _makes: ClassVar = {**_writes, "new_id": Backends.new_id}
    _both: ClassVar = {**_writes, "read_only": Backends.read_only.provider}
    _all: ClassVar = {**_both, "new_id": Backends.new_id}

    # -- federation
    open_peer = providers.ThreadSafeSingleton(OpenPeer, Backends.read_access, Backends.peers)
    authenticate = providers.ThreadSafeSingleton(
        Authenticate,
        credentials=Backends.credentials,
        unit_of_work=Backends.unit_of_work.provider,
        secrets=Backends.secrets,
        clock=Backends.clock,
        new_id=Backends.new_id,
        federation_enabled=given.federation.enabled,
    )
    issue_key = providers.Factory(
        IssueKey,
        unit_of_work=Backends.unit_of_work.provider,
        secrets=Backends.secrets,
        clock=Backends.clock,
        new_id=Backends.new_id,
    )
    revoke_key = providers.Factory(RevokeKey, **_writes)
    rotate_key = providers.Factory(
        RotateKey,
        unit_of_work=Backends.unit_of_work.provider,
        secrets=Backends.secrets,
        clock=Backends.clock,
        new_id=Backends.new_id,
    )
    add_connection = providers.Factory(
        AddConnection,
        unit_of_work=Backends.unit_of_work.provider,
        secrets=Backends.secrets,
        secret_box=Backends.secret_box,
        clock=Backends.clock,
        new_id=Backends.new_id,
        require_https=given.federation.require_https,
        max_connections=given.federation.max_connections,
    )
    approve_connection = providers.Factory(ApproveConnection, **_writes)
    rename_connection = providers.Factory(RenameConnection, **_writes)
    suspend_connection = providers.Factory(SuspendConnection, **_writes)
    resume_connection = providers.Factory(ResumeConnection, **_writes)
    reject_connection = providers.Factory(RejectConnection, **_writes)
    revoke_connection = providers.Factory(RevokeConnection, **_writes)
    test_connection = providers.Factory(
        TestConnection, unit_of_work=Backends.unit_of_work.provider, open_peer=open_peer
    )
    sync_peer = providers.Factory(
        SyncPeer,
        unit_of_work=Backends.unit_of_work.provider,
        read_only=Backends.read_only.provider,
        open_peer=open_peer,
        clock=Backends.clock,
        page_size=given.federation.sync_page_size,
        max_works=given.federation.max_works,
    )
    verify_audit = providers.Factory(
        VerifyAudit, audit=Backends.audit_reader, checkpoints=Backends.checkpoints
    )

    # -- library
    create_library = providers.Factory(CreateLibrary, **_makes)
    remove_library = providers.Factory(RemoveLibrary, **_writes)
    add_location = providers.Factory(
        AddLocation, **_makes, storages=Backends.storages, secret_box=Backends.secret_box
    )
    edit_location = providers.Factory(
        EditLocation, **_both, storages=Backends.storages, secret_box=Backends.secret_box
    )
    name_secrets = providers.Factory(
        NameSecrets,
        providers.Factory(LocationSecrets, Backends.read_only.provider, Backends.secret_box),
    )
    remove_location = providers.Factory(RemoveLocation, **_writes, storages=Backends.storages)
    test_location = providers.Factory(
        TestLocation, read_only=Backends.read_only.provider, storages=Backends.storages
    )
    request_scan = providers.Factory(RequestScan, **_makes, queue=Backends.queue)
    approve_removal = providers.Factory(ApproveRemoval, **_makes, queue=Backends.queue)
    refuse_removal = providers.Factory(RefuseRemoval, **_writes)
    ask_again = providers.Factory(AskAgain, **_writes, request_scan=request_scan)
    scan_location = providers.Factory(
        ScanLocation,
        tools=providers.Factory(
            ScanTools,
            **_all,
            assets=Backends.assets,
            looking=providers.Factory(
                LookingTools,
                probe=Backends.media,
                remote=Backends.media,
                nfo=Backends.nfo,
                names=Backends.names,
                clock=Backends.clock,
                budget_bytes=given.storage.probe_bytes,
            ),
            batch=given.library.scan_batch,
            parallel=given.media.probe_processes,
        ),
        storages=Backends.storages,
        queue=Backends.queue,
        others=providers.Dict({StorageType.VELOUR: sync_peer}),
        thumbnails=providers.Callable(
            lambda s: THUMBNAILS if s.media.thumbnails else "", Backends.settings
        ),
    )
    scan_due = providers.Factory(
        ScanDue,
        read_only=Backends.read_only.provider,
        clock=Backends.clock,
        request_scan=request_scan,
    )
    scan_changed = providers.Factory(
        ScanChanged,
        read_only=Backends.read_only.provider,
        watcher=Backends.folder_watcher,
        request_scan=request_scan,
        report=providers.Object(_log_unwatched),
    )
    picture_maker = providers.Factory(
        PictureMaker,
        unit_of_work=Backends.unit_of_work.provider,
        read_only=Backends.read_only.provider,
        storages=Backends.storages,
        assets=Backends.assets,
        tools=providers.Factory(
            PictureTools,
            thumbnailer=Backends.media,
            remote=Backends.media,
            artist=Backends.media,
            budget_bytes=given.storage.probe_bytes,
        ),
        remote_picture=providers.Callable(_remote_pictures, open_peer),
    )
    read_thumbnail = providers.Factory(
        ReadThumbnail,
        enqueue=ResourceUses.enqueue,
        read_only=Backends.read_only.provider,
        clock=Backends.clock,
        assets=Backends.assets,
    )
    request_storyboards = providers.Factory(RequestStoryboards, ResourceUses.enqueue)
    make_storyboards = providers.Factory(
        MakeStoryboards,
        read_only=Backends.read_only.provider,
        storages=Backends.storages,
        assets=Backends.assets,
        storyboarder=Backends.media,
        go_on=request_storyboards,
    )
    record_progress = providers.Factory(RecordProgress, **_writes)
    mark_watched = providers.Factory(MarkWatched, **_writes, catalogue=Backends.catalogue)

    # -- jobs
    cancel_job = providers.Factory(CancelJob, **_writes)
    stop_jobs = providers.ThreadSafeSingleton(Event)
    handlers = providers.Dict(
        {
            "scan": scan_location,
            THUMBNAIL: providers.Factory(MakeThumbnail, picture_maker),
            THUMBNAILS: providers.Factory(
                MakeThumbnails,
                picture_maker,
                providers.Callable(_next, Backends.settings, request_storyboards),
            ),
            STORYBOARDS: make_storyboards,
            COLLECT: ResourceUses.collect_orphans,
        }
    )
    run_job = providers.Factory(
        RunJob,
        **_all,
        workers=Backends.process_names,
        handlers=handlers,
        report=providers.Object(_log_job_fault),
        stop=stop_jobs,
    )
    run_job_here = providers.Factory(RunJobHere, run_job)
    run_due = providers.Factory(
        RunDue, **_both, workers=Backends.process_names, queue=Backends.queue
    )
    tidy_up = providers.Factory(
        TidyUp,
        **_writes,
        keep_jobs=providers.Callable(lambda s: timedelta(days=s.jobs.keep_days), Backends.settings),
    )
    worker = providers.Factory(
        Worker,
        consumer=Backends.queue,
        run_job=run_job,
        run_due=run_due,
        tidy_up=providers.Callable(
            _chores, Backends.settings, tidy_up, ResourceUses.request_collection
        ),
        scan_due=scan_due,
        scan_changed=scan_changed,
        report=providers.Object(_log_worker),
        stop=stop_jobs,
        threads=given.jobs.threads,
    )

    # -- streaming
    open_stream = providers.ThreadSafeSingleton(
        OpenStream,
        catalogue=Backends.catalogue,
        storages=Backends.storages,
        read_only=Backends.read_only.provider,
        audit=Backends.audit_trail,
        clock=Backends.clock,
        accel_prefix=given.server.x_accel_prefix,
        redirect_s=providers.Callable(lambda s: s.storage.redirect_minutes * 60, Backends.settings),
    )
    subjects = providers.ThreadSafeSingleton(
        StreamSubjects, credentials=Backends.credentials, authenticate=authenticate
    )
    sign_stream_url = providers.Factory(
        SignStreamUrl,
        secrets=Backends.secrets,
        clock=Backends.clock,
        catalogue=Backends.catalogue,
        subjects=subjects,
        life=providers.Callable(
            lambda s: timedelta(minutes=s.library.stream_url_minutes), Backends.settings
        ),
    )
    open_signed_stream = providers.Factory(
        OpenSignedStream,
        secrets=Backends.secrets,
        clock=Backends.clock,
        subjects=subjects,
        open_stream=open_stream,
    )

    # -- people
    create_user = providers.Factory(
        CreateUser,
        unit_of_work=Backends.unit_of_work.provider,
        hasher=Backends.hasher,
        clock=Backends.clock,
        new_id=Backends.new_id,
    )
    change_password = providers.Factory(
        ChangePassword,
        unit_of_work=Backends.unit_of_work.provider,
        hasher=Backends.hasher,
        clock=Backends.clock,
    )
    set_role = providers.Factory(SetRole, **_writes)
    deactivate = providers.Factory(Deactivate, **_writes)
