"""Who is looking: doors of the frames, and the actor for the audit trail."""

from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from app.api.auth import client_address
from app.browser.sessions import browser_session
from domain.errors import Forbidden, Unauthenticated
from domain.federation.audit import Actor
from domain.people import User


class NotAnAdmin(Forbidden):
    """The page is for those who run the node."""

    code = "access.not-an-admin"
    title = "This page is for the admins of this node"


class NotSignedIn(Unauthenticated):
    """Something was sent without a session, or after its end."""

    code = "access.not-signed-in"
    title = "You are signed out. Sign in and try again"


def the_user() -> User:
    """Return the person who is signed in.

    Raises:
        NotSignedIn: nobody is.
    """
    user = browser_session().user
    if user is None:
        raise NotSignedIn
    return user


def the_actor() -> Actor:
    """Return the signed-in person as the audit trail names them."""
    return Actor(f"user:{the_user().id}", client_address())


def let_people_in() -> Response | None:
    """Let signed-in people pass; send others to the sign-in page, and back afterwards."""
    if browser_session().user is not None:
        return None
    if request.method != "GET":
        raise NotSignedIn
    wanted = request.full_path.rstrip("?")
    return redirect(url_for("entrance.sign_in", next=None if wanted == "/" else wanted))


def let_admins_in() -> Response | None:
    """Let admins pass, and nobody else."""
    answer = let_people_in()
    if answer is None and not the_user().is_admin:
        raise NotAnAdmin
    return answer


def own_path(wanted: str) -> str:
    """Return ``wanted`` if it is a path of this node, else the start page.

    Browsers read backslashes as slashes and skip tabs and line ends, so neither may stand in it.
    """
    is_path = wanted.startswith("/") and not wanted.startswith("//")
    return wanted if is_path and "\\" not in wanted and wanted.isprintable() else "/"
