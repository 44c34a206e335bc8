"""The application factory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask_migrate import Migrate

from adapters.crypto.keyfiles import KeyFilesBroken, load_or_create
from adapters.sql.database import MIGRATIONS, DatabaseUnavailable, bind_app, db
from adapters.sql.upgrade import has_tables, upgrade_to_head
from app import logging as app_logging
from app import player
from app.admin_pages import admin_pages
from app.api import cdn, editing, library, node, openapi, problems, resources, streams
from app.api.addresses import ClientAddresses
from app.api.auth import Guard
from app.api.fast_streams import FastStreams
from app.api.resource_auth import ResourceGuard
from app.browser import entrance, pages
from app.browser.csrf import check_form
from app.browser.sessions import SessionStore
from app.cli import audit, connections, folders, keys, storage, users
from app.cli import library as library_commands
from app.cli.serve import serve_command
from app.container import Container
from app.logging import setup_logging
from app.settings import Settings, SettingsInvalid, load_settings
from app.worker import worker_command

__all__ = ["VERSION", "create_app"]

VERSION = "0.1.0"


class SyncFlask(Flask):
    """Flask without coroutines: asking each hook of each request whether it is one takes longer
    than most of them run.
    """

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``func`` as it is."""
        return func


def create_app(
    settings: Settings | None = None, *, override: Callable[[Container], None] | None = None
) -> Flask:
    """Build one application. Two applications in one process share nothing.

    Args:
        settings: read from config.ini and the environment unless given.
        override: called with the container before anything is built from it; tests replace
            providers here.

    Raises:
        SystemExit: a setting or a secret file is wrong; the text says what to do.
    """
    try:
        settings = settings or load_settings()
        settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        app = SyncFlask(__name__, static_folder=None, template_folder=None)
        engine = bind_app(app, settings.database_url, pool_size=settings.database.pool_size)
        is_new = not has_tables(engine)
        key_files = load_or_create(settings.data_dir, fresh=is_new)
        if is_new:
            upgrade_to_head(engine)
            if engine.dialect.name == "sqlite" and engine.url.database:
                Path(engine.url.database).chmod(0o600)  # its journals follow it
    except (SettingsInvalid, KeyFilesBroken, DatabaseUnavailable, OSError) as exc:
        raise SystemExit(f"Velour does not start.\n{exc}") from exc
    request_line = setup_logging(settings.logging.level, settings.logging.format)
    Migrate(app, db, directory=str(MIGRATIONS), render_as_batch=True)
    container = Container(settings=settings, engine=engine, key_files=key_files)
    if override:
        override(container)
    app.secret_key = key_files.session
    app.extensions["velour"] = container
    app_logging.init_app(app, request_line)
    problems.init_app(app, page=pages.error_page)
    _add_api(app, container, settings, request_line)
    _add_pages(app, container, settings)
    app.register_blueprint(admin_pages(container, settings))
    _add_commands(app, container, settings, engine)
    return app


def _add_api(
    app: Flask, container: Container, settings: Settings, line: app_logging.RequestLine
) -> None:
    """Register what programs and other nodes talk to."""
    node_settings = settings.node
    guard = Guard(
        authenticate=container.authenticate(),
        session_user=pages.session_user,
        addresses=ClientAddresses(settings.server.trusted_proxies),
        limits=container.limits(),
        audit=container.audit_trail(),
        clock=container.clock(),
        federation_enabled=settings.federation.enabled,
        check_form=check_form,
    )
    guard.init_app(app)
    app.register_blueprint(
        library.blueprint(
            catalogue=container.catalogue(),
            read_picture=lambda target: container.read_thumbnail()(target=target),
            clock=container.clock(),
            node=library.NodeNames(
                name=node_settings.name, description=node_settings.description, version=VERSION
            ),
        )
    )
    app.register_blueprint(
        editing.blueprint(
            catalogue=container.catalogue(),
            read_only=container.read_only,
            edit_work=container.edit_work(),
        )
    )
    app.register_blueprint(
        streams.blueprint(
            open_stream=container.open_stream(),
            open_signed=container.open_signed_stream(),
            subjects=container.subjects(),
            limits=container.limits(),
        )
    )
    if not settings.server.x_accel_prefix:
        _add_fast_streams(app, container, guard, line)
    app.register_blueprint(
        node.blueprint(
            identity=container.identity(),
            description=node.NodeDescription(
                name=node_settings.name,
                version=VERSION,
                base_url=node_settings.base_url,
                links={
                    "terms": node_settings.terms_url,
                    "privacy": node_settings.privacy_url,
                    "abuse_contact": node_settings.abuse_contact,
                },
                federation_enabled=settings.federation.enabled,
            ),
            is_ready=container.is_ready(),
        )
    )
    if settings.resources.enabled:
        _add_resource_api(app, container, settings)
    app.register_blueprint(openapi.blueprint(title="Velour", version=VERSION))


def _add_resource_api(app: Flask, container: Container, settings: Settings) -> None:
    """Register the resource API, and the CDN where it is this node's."""
    ResourceGuard(identify=container.identify(), limits=container.limits()).init_app(app)
    app.register_blueprint(
        resources.blueprint(
            resources.ResourceUses(
                log_in=container.log_in(),
                list_folders=container.list_folders(),
                check_device=container.check_device(),
                list_folder=container.list_folder(),
                deliver=container.deliver_resource(),
                read_address=container.address_for_reading(),
                plan=container.plan_version(),
                publish=container.publish_version(),
                limits=container.limits(),
                base_url=settings.node.base_url,
            )
        )
    )
    if settings.resources.cdn == "local":
        app.register_blueprint(cdn.blueprint(container.local_cdn()))


def _add_fast_streams(
    app: Flask, container: Container, guard: Guard, line: app_logging.RequestLine
) -> None:
    """Let plain requests for streams pass Flask by."""
    app.wsgi_app = FastStreams(  # type: ignore[method-assign]
        app.wsgi_app,
        guard=guard,
        open_stream=container.open_stream(),
        open_signed=container.open_signed_stream(),
        subjects=container.subjects(),
        limits=container.limits(),
        addresses=guard.addresses,
        line=line,
    )


def _add_pages(app: Flask, container: Container, settings: Settings) -> None:
    """Register what people look at."""
    read_only = container.read_only
    pages.init_app(
        app,
        store=SessionStore(
            unit_of_work=container.unit_of_work,
            credentials=container.credentials(),
            secrets=container.secrets(),
            clock=container.clock(),
        ),
        node_name=settings.node.name,
        https=settings.node.base_url.startswith("https://"),
    )
    app.register_blueprint(
        entrance.blueprint(
            sign_in=container.sign_in(),
            create_user=container.create_user(),
            change_password=container.change_password(),
            read_only=read_only,
            limits=container.limits(),
        )
    )
    app.register_blueprint(
        player.blueprint(
            catalogue=container.catalogue(),
            read_only=read_only,
            sign_stream_url=container.sign_stream_url(),
            read_thumbnail=container.read_thumbnail(),
            kept_pictures=container.kept_pictures(),
            read_subtitles=container.read_subtitles(),
            record_progress=container.record_progress(),
            mark_watched=container.mark_watched(),
        )
    )


def _add_commands(app: Flask, container: Container, settings: Settings, engine: sa.Engine) -> None:
    """Register the commands of ``flask --app wsgi``."""
    read_only = container.read_only
    groups = [
        users.group(
            create_user=container.create_user,
            change_password=container.change_password,
            deactivate=container.deactivate,
            read_only=read_only,
        ),
        library_commands.group(
            create_library=container.create_library,
            remove_library=container.remove_library,
            catalogue=container.catalogue,
            read_only=read_only,
        ),
        storage.group(
            add_location=container.add_location,
            remove_location=container.remove_location,
            test_location=container.test_location,
            request_scan=container.request_scan,
            approve_removal=container.approve_removal,
            refuse_removal=container.refuse_removal,
            catalogue=container.catalogue,
            run_job_here=container.run_job_here,
            read_only=read_only,
        ),
        keys.group(
            issue_key=container.issue_key,
            revoke_key=container.revoke_key,
            rotate_key=container.rotate_key,
            read_only=read_only,
            overlap_hours=settings.federation.token_expiry_hours,
        ),
        connections.group(
            add_connection=container.add_connection,
            test_connection=container.test_connection,
            moves={
                "suspend": container.suspend_connection,
                "resume": container.resume_connection,
                "reject": container.reject_connection,
                "revoke": container.revoke_connection,
            },
            read_only=read_only,
        ),
        folders.group(
            create_folder=container.create_folder,
            grant_folder=container.grant_folder,
            withdraw_folder=container.withdraw_folder,
            reseal_keys=container.reseal_keys,
            read_only=read_only,
        ),
        audit.group(verify_audit=container.verify_audit, audit_reader=container.audit_reader),
        serve_command(
            run=container.node_server(),
            defaults=settings.server,
            prepare=lambda: upgrade_to_head(engine),
        ),
        worker_command(worker=container.worker, prepare=lambda: upgrade_to_head(engine)),
    ]
    for command in groups:
        app.cli.add_command(command)
