"""Coming and going: the first account, signing in and out, one's own password."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask.views import MethodView
from wtforms import EmailField, PasswordField, StringField
from wtforms.validators import EqualTo, InputRequired, Length

from app.api.auth import client_address
from app.browser.access import let_people_in, own_path, the_actor, the_user
from app.browser.forms import PageForm
from app.browser.sessions import browser_session
from app.limits import Limits
from app.usecases.people.users import ChangePassword, CreateUser, SignIn
from domain.errors import Conflict, Limited, Unauthenticated
from domain.federation.audit import Actor
from domain.people import MAX_PASSWORD, MIN_PASSWORD, SignInRefused, User
from ports.unit_of_work import ReadOnlyFactory


class AlreadySetUp(Conflict):
    """The first account is there; others are made by an admin."""

    code = "node.already-set-up"
    title = "This node has its first account already"


class SignInForm(PageForm):
    """``username`` takes the e-mail address too."""

    username = StringField(
        "Name or e-mail", [InputRequired("Type your name or e-mail address."), Length(max=254)]
    )
    password = PasswordField("Password", [InputRequired("Type your password.")])


class NewPasswordForm(PageForm):
    """A password, typed twice."""

    password = PasswordField(
        "New password",
        [InputRequired("Choose a password."), Length(MIN_PASSWORD, MAX_PASSWORD)],
        description=f"At least {MIN_PASSWORD} characters. A sentence is easier to remember.",
    )
    again = PasswordField(
        "New password again",
        [EqualTo("password", "The two passwords differ. Type the same one twice.")],
    )


class OwnPasswordForm(NewPasswordForm):
    """A change of one's own password takes the present one."""

    present = PasswordField("Present password", [InputRequired("Type your present password.")])


class FirstAccountForm(NewPasswordForm):
    """The node's first person, who runs it."""

    username = StringField(
        "User name",
        [InputRequired("Choose a user name."), Length(1, 50)],
        description="Letters, digits, dots, dashes and underscores.",
    )
    email = EmailField("E-mail", [InputRequired("Type your e-mail address."), Length(max=254)])


class SignInView(MethodView):
    """The door. Wrong name and wrong password look the same."""

    init_every_request = False

    def __init__(self, sign_in: SignIn, limits: Limits, read_only: ReadOnlyFactory) -> None:
        self._sign_in, self._limits, self._read_only = sign_in, limits, read_only

    def get(self) -> ResponseReturnValue:
        if browser_session().user is not None:
            return redirect(own_path(request.args.get("next", "/")))
        with self._read_only() as tx:
            is_empty = tx.users.count() == 0
        if is_empty:
            return redirect(url_for("entrance.setup"))
        return self._page(SignInForm())

    def post(self) -> ResponseReturnValue:
        form = SignInForm()
        user = form.submitted(lambda: self._checked(form), show=(SignInRefused, Limited))
        if user is None:
            return self._page(form)
        browser_session().sign_in(user)
        return redirect(own_path(request.args.get("next", "/")), code=303)

    def _checked(self, form: SignInForm) -> User:
        name, address = form.username.data, client_address()
        self._limits.begin_sign_in(name, address)
        user = self._sign_in(name=name, password=form.password.data, address=address)
        self._limits.sign_in_succeeded(name, address)
        return user

    def _page(self, form: SignInForm) -> ResponseReturnValue:
        return render_template("browser/sign_in.html", form=form), form.status, form.headers


class SignOutView(MethodView):
    """Ends the session, here and in the database."""

    init_every_request = False

    def post(self) -> ResponseReturnValue:
        browser_session().sign_out()
        return redirect(url_for("entrance.sign_in"), code=303)


class SetupView(MethodView):
    """Makes the first account; there is no such page once it exists."""

    init_every_request = False

    def __init__(self, create_user: CreateUser, read_only: ReadOnlyFactory) -> None:
        self._create_user, self._read_only = create_user, read_only

    def get(self) -> ResponseReturnValue:
        self._require_nobody()
        return render_template("browser/setup.html", form=FirstAccountForm())

    def post(self) -> ResponseReturnValue:
        self._require_nobody()
        form = FirstAccountForm()
        user = form.submitted(lambda: self._created(form))
        if user is None:
            return render_template("browser/setup.html", form=form), form.status, form.headers
        browser_session().sign_in(user)
        flash("Welcome. Add a storage location, scan it, and your films are here.", "good")
        return redirect(url_for("admin.overview"), code=303)

    def _created(self, form: FirstAccountForm) -> User:
        # Not asked to be an admin: the first one is, and whoever comes second at the same
        # moment is not.
        return self._create_user(
            username=form.username.data,
            email=form.email.data,
            password=form.password.data,
            actor=Actor("anonymous", client_address()),
        )

    def _require_nobody(self) -> None:
        with self._read_only() as tx:
            if tx.users.count():
                raise AlreadySetUp("Ask an admin of this node for an account, or sign in.")


class AccountView(MethodView):
    """One's own account: the password. Every other session ends with the old one."""

    init_every_request = False

    def __init__(self, sign_in: SignIn, change_password: ChangePassword, limits: Limits) -> None:
        self._sign_in, self._change_password, self._limits = sign_in, change_password, limits

    def get(self) -> ResponseReturnValue:
        return render_template("browser/account.html", form=OwnPasswordForm())

    def post(self) -> ResponseReturnValue:
        form = OwnPasswordForm()
        user = form.submitted(lambda: self._changed(form), show=(Unauthenticated, Limited))
        if user is None:
            return render_template("browser/account.html", form=form), form.status, form.headers
        browser_session().sign_in(user)
        flash("Your password is changed. You are signed out everywhere else.", "good")
        return redirect(url_for("entrance.own.account"), code=303)

    def _changed(self, form: OwnPasswordForm) -> User:
        user, address = the_user(), client_address()
        self._limits.begin_sign_in(user.username, address)
        self._sign_in(name=user.username, password=form.present.data, address=address)
        self._limits.sign_in_succeeded(user.username, address)
        return self._change_password(
            user_id=user.id, password=form.password.data, actor=the_actor()
        )


def blueprint(
    *,
    sign_in: SignIn,
    create_user: CreateUser,
    change_password: ChangePassword,
    read_only: ReadOnlyFactory,
    limits: Limits,
) -> Blueprint:
    """Build the pages of coming and going."""
    pages = Blueprint("entrance", __name__)
    for path, view in (
        ("/sign-in", SignInView.as_view("sign_in", sign_in, limits, read_only)),
        ("/sign-out", SignOutView.as_view("sign_out")),
        ("/setup", SetupView.as_view("setup", create_user, read_only)),
    ):
        pages.add_url_rule(path, view_func=view)
    own = Blueprint("own", __name__)
    own.before_request(let_people_in)
    own.add_url_rule(
        "/account", view_func=AccountView.as_view("account", sign_in, change_password, limits)
    )
    pages.register_blueprint(own)
    return pages
