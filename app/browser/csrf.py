"""Forms come from our own pages: a token of the session, and the site that the browser names."""

from typing import cast

from flask import Flask, current_app, request
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import BadRequest

from app.api.problems import is_machine_path
from ports.crypto import Secrets

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES = frozenset({"same-origin", "none"})


class ForeignForm(BadRequest):
    """The browser says that another site sent the form."""

    description = "The form was sent by another site. Nothing was changed."


def protect_forms(app: Flask, secrets: Secrets) -> None:
    """Check every request of a page that changes something.

    Below ``/api`` a foreign page cannot make a browser send a key, and what a session may change
    there asks for ``check_form`` itself.
    Flask-WTF's look at the Referer is replaced by Sec-Fetch-Site and Origin: our pages send no
    Referer at all.
    """
    app.config["WTF_CSRF_SECRET_KEY"] = secrets.sign("csrf-token", b"flask-wtf").hex()
    app.config["WTF_CSRF_TIME_LIMIT"] = None
    app.config["WTF_CSRF_SSL_STRICT"] = False
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    csrf = CSRFProtect(app)

    @app.before_request
    def _check() -> None:
        answered_anyway = request.method in _SAFE or request.routing_exception is not None
        if answered_anyway or is_machine_path(request.path):
            return
        _check_site()
        csrf.protect()


def check_form() -> None:
    """Check the running request as a form is checked; the token may stand in ``X-CSRFToken``.

    Raises:
        BadRequest: no token of this session, or another site sent it.
    """
    _check_site()
    cast(CSRFProtect, current_app.extensions["csrf"]).protect()


def _check_site() -> None:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in _OWN_SITES:
            raise ForeignForm
        return
    origin = request.headers.get("Origin", "null")
    # "null" is what browsers send from pages with our Referrer-Policy; the token decides then.
    if origin != "null" and origin.partition("://")[2] != request.host:
        raise ForeignForm
