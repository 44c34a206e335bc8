"""People: making accounts, roles, shutting out and letting in, new passwords."""

from collections.abc import Sequence
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask.views import MethodView
from wtforms import BooleanField, EmailField, StringField
from wtforms.validators import InputRequired, Length

from app.admin.actions import AskingView, ButtonView, Question, Route
from app.admin.trail import Trail
from app.browser.access import the_actor
from app.browser.entrance import NewPasswordForm
from app.usecases.people.users import ChangePassword, CreateUser, Deactivate, SetRole
from domain.ids import UserId
from domain.people import Role, User
from ports.unit_of_work import ReadOnlyFactory

_KEPT = "Account, password and what was watched stay."
_CHANGED = "The role is changed."


class NewPersonForm(NewPasswordForm):
    """An account for somebody else."""

    username = StringField(
        "User name",
        [InputRequired("Choose a user name."), Length(1, 50)],
        description="Letters, digits, dots, dashes and underscores.",
    )
    email = EmailField("E-mail", [InputRequired("Type an e-mail address."), Length(max=254)])
    admin = BooleanField(
        "Admin", description="Runs this node: sees and changes everything in these pages."
    )


def page_of(item_id: UUID) -> str:
    """Return the path of a person's page."""
    return url_for("admin.person", item_id=item_id)


class PeopleView(MethodView):
    """Everybody with an account."""

    init_every_request = False

    def __init__(self, read_only: ReadOnlyFactory) -> None:
        self._read_only = read_only

    def get(self) -> ResponseReturnValue:
        with self._read_only() as tx:
            people = sorted(tx.users.all(), key=lambda user: user.username.casefold())
        return render_template("admin/people.html", people=people)


class PersonView(MethodView):
    """One person's account."""

    init_every_request = False

    def __init__(self, read_only: ReadOnlyFactory, trail: Trail) -> None:
        self._read_only, self._trail = read_only, trail

    def get(self, item_id: UUID) -> ResponseReturnValue:
        with self._read_only() as tx:
            person = tx.users.get(UserId(item_id))
        return render_template(
            "admin/person.html",
            person=person,
            trail=self._trail.of(f"user:{person.id}"),
            people=self._trail.people(),
        )


class NewPersonView(MethodView):
    """Makes an account."""

    init_every_request = False

    def __init__(self, create_user: CreateUser) -> None:
        self._create_user = create_user

    def get(self) -> ResponseReturnValue:
        return render_template("admin/person_new.html", form=NewPersonForm())

    def post(self) -> ResponseReturnValue:
        form = NewPersonForm()
        user = form.submitted(
            lambda: self._create_user(
                username=form.username.data,
                email=form.email.data,
                password=form.password.data,
                admin=form.admin.data,
                actor=the_actor(),
            )
        )
        if user is None:
            return render_template("admin/person_new.html", form=form), form.status, form.headers
        flash(f"{user.username} has an account. Hand the password over in private.", "good")
        return redirect(page_of(user.id), code=303)


class PasswordView(MethodView):
    """Sets a new password for somebody who lost theirs."""

    init_every_request = False

    def __init__(self, change_password: ChangePassword, read_only: ReadOnlyFactory) -> None:
        self._change_password, self._read_only = change_password, read_only

    def get(self, item_id: UUID) -> ResponseReturnValue:
        return self._page(NewPasswordForm(), self._person(item_id))

    def post(self, item_id: UUID) -> ResponseReturnValue:
        person, form = self._person(item_id), NewPasswordForm()
        user = form.submitted(
            lambda: self._change_password(
                user_id=person.id, password=form.password.data, actor=the_actor()
            )
        )
        if user is None:
            return self._page(form, person)
        flash(f"{user.username} has a new password and is signed out everywhere.", "good")
        return redirect(page_of(item_id), code=303)

    def _person(self, item_id: UUID) -> User:
        with self._read_only() as tx:
            return tx.users.get(UserId(item_id))

    def _page(self, form: NewPasswordForm, person: User) -> ResponseReturnValue:
        page = render_template("admin/person_password.html", form=form, person=person)
        return page, form.status, form.headers


def _signed_out(name: str) -> str:
    return f"{name} is signed out everywhere and signs in anew."


class Questions:
    """What is asked before somebody's rights change."""

    def __init__(self, read_only: ReadOnlyFactory) -> None:
        self._read_only = read_only

    def promote(self, item_id: UUID) -> Question:
        """Ask before somebody becomes an admin."""
        name = self._name(item_id)
        return Question(
            title=f"Make {name} an admin?",
            goes=(f"{name} may see and change everything in these pages.", _signed_out(name)),
            stays=(_KEPT,),
            button="Make an admin",
            back=page_of(item_id),
        )

    def demote(self, item_id: UUID) -> Question:
        """Ask before somebody is an admin no more."""
        name = self._name(item_id)
        return Question(
            title=f"Make {name} a viewer?",
            goes=(f"{name} may watch, and no longer run the node.", _signed_out(name)),
            stays=(_KEPT,),
            button="Make a viewer",
            back=page_of(item_id),
        )

    def deactivate(self, item_id: UUID) -> Question:
        """Ask before somebody is shut out."""
        name = self._name(item_id)
        return Question(
            title=f"Shut {name} out?",
            goes=(
                f"{name} is signed out everywhere at once and cannot sign in.",
                "A film that is running ends within half a minute.",
            ),
            stays=("Account and what was watched stay; letting in again brings all back.",),
            button="Shut out",
            back=page_of(item_id),
        )

    def _name(self, item_id: UUID) -> str:
        with self._read_only() as tx:
            return tx.users.get(UserId(item_id)).username


def routes(
    *,
    read_only: ReadOnlyFactory,
    trail: Trail,
    create_user: CreateUser,
    change_password: ChangePassword,
    set_role: SetRole,
    deactivate: Deactivate,
) -> Sequence[Route]:
    """Build the pages of people."""
    ask = Questions(read_only)

    def promote(item_id: UUID) -> None:
        set_role(user_id=UserId(item_id), role=Role.ADMIN, actor=the_actor())

    def demote(item_id: UUID) -> None:
        set_role(user_id=UserId(item_id), role=Role.USER, actor=the_actor())

    def shut_out(item_id: UUID) -> None:
        deactivate(user_id=UserId(item_id), actor=the_actor())

    def let_in(item_id: UUID) -> None:
        deactivate(user_id=UserId(item_id), actor=the_actor(), active=True)

    one = "/people/<uuid:item_id>"
    return (
        Route("/people", PeopleView.as_view("people", read_only)),
        Route("/people/new", NewPersonView.as_view("person_new", create_user)),
        Route(one, PersonView.as_view("person", read_only, trail)),
        Route(
            f"{one}/promote",
            AskingView.as_view("person_promote", ask.promote, promote, _CHANGED, page_of),
        ),
        Route(
            f"{one}/demote",
            AskingView.as_view("person_demote", ask.demote, demote, _CHANGED, page_of),
        ),
        Route(
            f"{one}/deactivate",
            AskingView.as_view(
                "person_deactivate", ask.deactivate, shut_out, "The account is shut.", page_of
            ),
        ),
        Route(
            f"{one}/activate",
            ButtonView.as_view("person_activate", let_in, "The account is open again.", page_of),
        ),
        Route(
            f"{one}/password",
            PasswordView.as_view("person_password", change_password, read_only),
        ),
    )
