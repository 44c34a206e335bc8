"""The pages for running a node, put together: part of the composition, as the factory is."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint

from app import admin
from app.admin import connections as admin_connections
from app.admin import jobs as admin_jobs
from app.admin import keys as admin_keys
from app.admin import libraries as admin_libraries
from app.admin import locations as admin_locations
from app.admin import merging as admin_merging
from app.admin import overview as admin_overview
from app.admin import people as admin_people
from app.admin import removal as admin_removal
from app.admin import resources as admin_resources
from app.admin import settings as admin_settings
from app.admin import trail as admin_trail
from app.admin import works as admin_works
from app.admin.actions import Route
from app.container import Container
from app.settings import ROOT, Settings


def admin_pages(container: Container, settings: Settings) -> Blueprint:
    """Build the pages for running the node."""
    read_only = container.read_only
    read: dict[str, Any] = {"read_only": read_only, "clock": container.clock()}
    films: dict[str, Any] = {**read, "catalogue": container.catalogue()}
    trail = admin_trail.Trail(container.audit_reader(), read_only)
    request_scan = container.request_scan()
    has_resources = settings.resources.enabled
    return admin.blueprint(
        admin_overview.routes(**films, base_url=settings.node.base_url),
        admin_locations.routes(
            **films,
            trail=trail,
            storages=container.storages(),
            add_location=container.add_location(),
            edit_location=container.edit_location(),
            remove_location=container.remove_location(),
            test_location=container.test_location(),
            name_secrets=container.name_secrets(),
            request_scan=request_scan,
            probe_bytes=settings.storage.probe_bytes,
        ),
        admin_removal.routes(
            **films,
            approve_removal=container.approve_removal(),
            refuse_removal=container.refuse_removal(),
            ask_again=container.ask_again(),
        ),
        admin_works.routes(
            read_only=read_only,
            trail=trail,
            edit_work=container.edit_work(),
            edit_series=container.edit_series(),
            set_work_poster=container.set_work_poster(),
            set_series_poster=container.set_series_poster(),
            remove_work_poster=container.remove_work_poster(),
            remove_series_poster=container.remove_series_poster(),
            list_merged=container.list_merged(),
        ),
        admin_merging.routes(
            **films,
            merge_works=container.merge_works(),
            undo_merge=container.undo_merge(),
            split_video=container.split_video(),
        ),
        admin_libraries.routes(
            **films,
            create_library=container.create_library(),
            remove_library=container.remove_library(),
        ),
        admin_people.routes(
            read_only=read_only,
            trail=trail,
            create_user=container.create_user(),
            change_password=container.change_password(),
            set_role=container.set_role(),
            deactivate=container.deactivate(),
        ),
        admin_keys.routes(
            **read,
            trail=trail,
            issue_key=container.issue_key(),
            revoke_key=container.revoke_key(),
            rotate_key=container.rotate_key(),
            overlap_hours=settings.federation.token_expiry_hours,
        ),
        admin_connections.routes(
            **films,
            trail=trail,
            add_connection=container.add_connection(),
            rename_connection=container.rename_connection(),
            test_connection=container.test_connection(),
            request_scan=request_scan,
            moves={
                "approve": container.approve_connection(),
                "suspend": container.suspend_connection(),
                "resume": container.resume_connection(),
                "reject": container.reject_connection(),
                "revoke": container.revoke_connection(),
            },
        ),
        admin_jobs.routes(**read, trail=trail, cancel_job=container.cancel_job()),
        admin_trail.routes(trail=trail, verify_audit=container.verify_audit()),
        admin_settings.routes(settings=settings, template=ROOT / "config.ini"),
        _resource_pages(container, trail) if has_resources else (),
        more=(admin_resources.SECTION,) if has_resources else (),
    )


def _resource_pages(container: Container, trail: admin_trail.Trail) -> Sequence[Route]:
    """Build the pages of resources."""
    return admin_resources.routes(
        read_only=container.read_only,
        trail=trail,
        create_folder=container.create_folder(),
        grant_folder=container.grant_folder(),
        withdraw_folder=container.withdraw_folder(),
        set_role=container.set_resource_role(),
        reset_device=container.reset_device(),
    )
