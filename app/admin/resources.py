"""Resources: folders and their files, who may open them, and on which device."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask.views import MethodView
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from app.admin import Section
from app.admin.actions import AskingView, Question, Route
from app.admin.trail import Trail
from app.browser.access import the_actor
from app.browser.forms import PageForm, act
from app.usecases.people.users import find_user
from app.usecases.resources.accounts import SetResourceRole
from app.usecases.resources.devices import ResetDevice
from app.usecases.resources.folders import CreateFolder, GrantFolder, WithdrawFolder
from domain.errors import NotFound
from domain.ids import DeviceId, FolderId, UserId
from domain.people import User
from domain.resources.device import Device
from domain.resources.names import MAX_CHARS
from domain.resources.resource import Folder
from domain.resources.roles import ResourceRole
from ports.unit_of_work import ReadOnlyFactory, UnitOfWork

SECTION = Section("resources", "Resources", "vault")
ROLE_WORDS = {
    ResourceRole.NONE: "Nothing",
    ResourceRole.OPERATOR: "Operator: loads files",
    ResourceRole.VALIDATOR: "Validator: loads files",
    ResourceRole.COMPANION_PC: "Companion PC: loads files",
    ResourceRole.ADMIN: "Admin: loads and uploads files",
    ResourceRole.RESOURCE_UPLOADER: "Resource uploader: loads and uploads files",
    ResourceRole.API_ADMIN: "API admin: loads and uploads files",
}
_CHOICES = [SelectChoice(role.label, words) for role, words in ROLE_WORDS.items()]


class FolderForm(PageForm):
    """A folder's name."""

    folder = StringField(
        "Name",
        [InputRequired("Give it a name."), Length(max=MAX_CHARS)],
        description="Letters, digits, blanks, dots, dashes and underscores.",
    )


class GrantForm(PageForm):
    """Who is let into a folder, and what they may do."""

    user = StringField(
        "Who",
        [InputRequired("Type a user name or an e-mail address."), Length(max=254)],
        description="User name or e-mail address of somebody with an account.",
    )
    role = SelectField(
        "May",
        choices=[SelectChoice("", "What they may do already; a new one loads files"), *_CHOICES],
        description="Counts for all folders of this person.",
    )


class RoleForm(PageForm):
    """What a person may do in their folders."""

    role = SelectField("May", choices=_CHOICES)


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody who has to do with resources."""

    user: User
    role: str
    folders: Sequence[Folder]
    device: Device | None


def folder_page(item_id: UUID) -> str:
    """Return the path of a folder's page."""
    return url_for("admin.resource_folder", item_id=item_id)


def person_page(item_id: UUID) -> str:
    """Return the path of a person's page about resources."""
    return url_for("admin.resource_person", item_id=item_id)


def _person(tx: UnitOfWork, user: User) -> PersonRow:
    return PersonRow(
        user=user,
        role=ROLE_WORDS[tx.resource_accounts.find(user.id).role],
        folders=tx.folders.granted_to(user.id),
        device=tx.devices.find_of(user.id),
    )


class ResourcesView(MethodView):
    """All folders, and everybody who has a role, a grant or a device."""

    init_every_request = False

    def __init__(self, read_only: ReadOnlyFactory) -> None:
        self._read_only = read_only

    def get(self) -> ResponseReturnValue:
        with self._read_only() as tx:
            folders = tx.folders.all()
            grants = {folder.id: tx.folders.grants(folder.id) for folder in folders}
            files = {folder.id: tx.resources.of(folder.id) for folder in folders}
            known = {account.id for account in tx.resource_accounts.all()}
            known |= {device.user_id for device in tx.devices.all()}
            known |= {grant.user_id for some in grants.values() for grant in some}
            people = [_person(tx, user) for user in tx.users.all() if user.id in known]
        return render_template(
            "admin/resources.html", folders=folders, grants=grants, files=files, people=people
        )


class NewFolderView(MethodView):
    """Makes a folder."""

    init_every_request = False

    def __init__(self, create_folder: CreateFolder) -> None:
        self._create_folder = create_folder

    def get(self) -> ResponseReturnValue:
        return render_template("admin/resource_folder_new.html", form=FolderForm())

    def post(self) -> ResponseReturnValue:
        form = FolderForm()
        folder = form.submitted(
            lambda: self._create_folder(name=form.folder.data, actor=the_actor())
        )
        if folder is None:
            page = render_template("admin/resource_folder_new.html", form=form)
            return page, form.status, form.headers
        flash(f"The folder {folder.name} is there. Now say who may open it.", "good")
        return redirect(folder_page(folder.id), code=303)


class FolderView(MethodView):
    """A folder: its files, who was granted it, and the form that grants it."""

    init_every_request = False

    def __init__(self, read_only: ReadOnlyFactory, trail: Trail, grant: GrantFolder) -> None:
        self._read_only, self._trail, self._grant = read_only, trail, grant

    def get(self, item_id: UUID) -> ResponseReturnValue:
        return self._page(item_id, GrantForm())

    def post(self, item_id: UUID) -> ResponseReturnValue:
        form = GrantForm()
        user = form.submitted(lambda: self._granted(item_id, form), show=(NotFound,))
        if user is None:
            return self._page(item_id, form), form.status, form.headers
        flash(f"{user.username} may open this folder.", "good")
        return redirect(folder_page(item_id), code=303)

    def _granted(self, item_id: UUID, form: GrantForm) -> User:
        with self._read_only() as tx:
            user = find_user(tx, form.user.data.strip())
        self._grant(
            folder_id=FolderId(item_id), user_id=user.id, role=form.role.data, actor=the_actor()
        )
        return user

    def _page(self, item_id: UUID, form: GrantForm) -> str:
        with self._read_only() as tx:
            folder = tx.folders.get(FolderId(item_id))
            files = tx.resources.of(folder.id)
            people = [
                _person(tx, tx.users.get(one.user_id)) for one in tx.folders.grants(folder.id)
            ]
        return render_template(
            "admin/resource_folder.html",
            folder=folder,
            files=files,
            granted=people,
            form=form,
            trail=self._trail.of(f"folder:{folder.id}"),
            people=self._trail.people(),
        )


class PersonView(MethodView):
    """What one person may do with resources, and on which device."""

    init_every_request = False

    def __init__(self, read_only: ReadOnlyFactory, trail: Trail, set_role: SetResourceRole) -> None:
        self._read_only, self._trail, self._set_role = read_only, trail, set_role

    def get(self, item_id: UUID) -> ResponseReturnValue:
        with self._read_only() as tx:
            role = tx.resource_accounts.find(UserId(item_id)).role
        return self._page(item_id, RoleForm(role=role.label))

    def post(self, item_id: UUID) -> ResponseReturnValue:
        form = RoleForm()
        account = form.submitted(
            lambda: self._set_role(user_id=UserId(item_id), role=form.role.data, actor=the_actor())
        )
        if account is None:
            return self._page(item_id, form), form.status, form.headers
        flash("The role is changed. Whoever was signed in with the old one signs in anew.", "good")
        return redirect(person_page(item_id), code=303)

    def _page(self, item_id: UUID, form: RoleForm) -> str:
        with self._read_only() as tx:
            row = _person(tx, tx.users.get(UserId(item_id)))
        return render_template(
            "admin/resource_person.html",
            row=row,
            form=form,
            trail=self._trail.of(f"user:{row.user.id}"),
            people=self._trail.people(),
        )


class WithdrawView(MethodView):
    """Takes a grant back; granting again brings it back."""

    init_every_request = False

    def __init__(self, withdraw_folder: WithdrawFolder) -> None:
        self._withdraw = withdraw_folder

    def post(self, item_id: UUID, user_id: UUID) -> ResponseReturnValue:
        return act(
            lambda: self._withdraw(
                folder_id=FolderId(item_id), user_id=UserId(user_id), actor=the_actor()
            ),
            done="The folder is closed to this person from the next request on.",
            back=folder_page(item_id),
        )


def routes(
    *,
    read_only: ReadOnlyFactory,
    trail: Trail,
    create_folder: CreateFolder,
    grant_folder: GrantFolder,
    withdraw_folder: WithdrawFolder,
    set_role: SetResourceRole,
    reset_device: ResetDevice,
) -> Sequence[Route]:
    """Build the pages of resources."""

    def owner(device_id: UUID) -> User:
        with read_only() as tx:
            return tx.users.get(tx.devices.get(DeviceId(device_id)).user_id)

    def question(item_id: UUID) -> Question:
        user = owner(item_id)
        return Question(
            title=f"Reset the device of {user.username}?",
            goes=(
                "The device is forgotten and gets no more keys.",
                f"The next device that {user.username} signs in on is bound instead.",
            ),
            stays=("Account, role, folders and files that were loaded already stay.",),
            button="Reset the device",
            back=person_page(user.id),
        )

    def reset(item_id: UUID) -> None:
        reset_device(device_id=DeviceId(item_id), actor=the_actor())

    one, person = "/resources/folders/<uuid:item_id>", "/resources/people/<uuid:item_id>"
    return (
        Route("/resources", ResourcesView.as_view("resources", read_only)),
        Route(
            "/resources/folders/new", NewFolderView.as_view("resource_folder_new", create_folder)
        ),
        Route(one, FolderView.as_view("resource_folder", read_only, trail, grant_folder)),
        Route(
            f"{one}/withdraw/<uuid:user_id>",
            WithdrawView.as_view("resource_withdraw", withdraw_folder),
        ),
        Route(person, PersonView.as_view("resource_person", read_only, trail, set_role)),
        Route(
            "/resources/devices/<uuid:item_id>/reset",
            AskingView.as_view(
                "resource_device_reset",
                question,
                reset,
                "The device is forgotten.",
                lambda device_id: person_page(owner(device_id).id),
            ),
        ),
    )
