"""The application factory."""

from collections.abc import Callable

from flask import Flask
from flask_migrate import Migrate

from adapters.crypto.keyfiles import KeyFilesBroken, load_or_create
from adapters.sql.database import MIGRATIONS, bind_app, db
from adapters.sql.upgrade import has_tables
from app.container import Container
from app.settings import Settings, SettingsInvalid, load_settings

__all__ = ["create_app"]


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
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        app = Flask(__name__, static_folder=None, template_folder=None)
        engine = bind_app(app, settings.database_url, pool_size=settings.database.pool_size)
        key_files = load_or_create(settings.data_dir, fresh=not has_tables(engine))
    except (SettingsInvalid, KeyFilesBroken, OSError) as exc:
        raise SystemExit(f"Velour does not start.\n{exc}") from exc
    Migrate(app, db, directory=str(MIGRATIONS), render_as_batch=True)
    container = Container(settings=settings, engine=engine, key_files=key_files)
    if override:
        override(container)
    app.secret_key = key_files.session
    app.extensions["velour"] = container
    # -- api

    # -- streams

    # -- pages

    # -- commands
    return app
