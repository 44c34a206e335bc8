"""The ground all pages stand on: sessions, checks, headers, templates, files, errors."""

import hashlib
from pathlib import Path

from flask import Blueprint, Flask, render_template, request, url_for

from app.api.problems import Problem, request_id
from app.browser.csrf import protect_forms
from app.browser.headers import add_headers
from app.browser.sessions import DatabaseSessions, SessionStore, browser_session
from app.browser.words import teach_words
from domain.people import User

_STATIC = Path(__file__).parent / "static"


def init_app(app: Flask, *, store: SessionStore, node_name: str, https: bool) -> None:
    """Prepare ``app`` for pages.

    Args:
        app: the application, before its first request.
        store: rows of sessions; its clock and secrets are used for pages too.
        node_name: what the node is called.
        https: whether the node's address is https; if not, pages carry a warning.
    """
    app.session_interface = DatabaseSessions(store, secure=https)
    _let_admins_upload(app)
    protect_forms(app, store.secrets)
    add_headers(app, https=https)
    teach_words(app, store.clock)
    hashes = {path.name: _hash(path) for path in _STATIC.iterdir() if path.is_file()}

    def asset(name: str) -> str:
        return url_for("browser.static", filename=name, v=hashes[name])

    app.jinja_env.globals.update(
        asset=asset, node_name=node_name, is_encrypted=https, visitor=session_user
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.register_blueprint(
        Blueprint(
            "browser",
            __name__,
            static_folder=str(_STATIC),
            static_url_path="/static",
            template_folder="templates",
        )
    )


def _let_admins_upload(app: Flask) -> None:
    """Take bodies as large as a view's ``max_body_bytes`` says, from admins alone."""

    @app.before_request
    def _limit() -> None:
        view = app.view_functions.get(request.endpoint or "")
        most = getattr(getattr(view, "view_class", None), "max_body_bytes", None)
        user = session_user() if most and request.method == "POST" else None
        if user is not None and user.is_admin:
            request.max_content_length = most


def session_user() -> User | None:
    """Return the person who is signed in, or None."""
    return browser_session().user


def error_page(problem: Problem) -> str:
    """Show a problem to a person. Reads nothing: it also tells that the database is away."""
    return render_template("browser/error.html", problem=problem, request_id=request_id())


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
