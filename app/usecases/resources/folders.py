"""Folders of resources, and who was granted them."""

from dataclasses import dataclass
from uuid import UUID

from app.usecases.resources.accounts import set_role
from domain.errors import Invalid
from domain.federation.audit import Actor
from domain.ids import FolderId, UserId
from domain.resources.names import folder_name
from domain.resources.resource import Folder, FolderNotFound, Grant
from domain.resources.roles import ResourceRole
from ports.clock import Clock
from ports.ids import IdFactory
from ports.unit_of_work import UnitOfWork, UnitOfWorkFactory


def find_folder(tx: UnitOfWork, ref: str) -> Folder:
    """Return the folder with that id or name; raises FolderNotFound."""
    try:
        return tx.folders.get(FolderId(UUID(ref)))
    except (ValueError, FolderNotFound):
        pass
    try:
        found = tx.folders.find_by_name(folder_name(ref))
    except Invalid as exc:
        raise FolderNotFound from exc
    if found is None:
        raise FolderNotFound
    return found


@dataclass(frozen=True, slots=True)
class CreateFolder:
    """Make an empty folder that nobody was granted."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock
    new_id: IdFactory

    def __call__(self, *, name: str, actor: Actor) -> Folder:
        """Make a folder; raises Invalid, AlreadyExists."""
        now = self.clock.now()
        folder = Folder(id=FolderId(self.new_id()), name=name, created_at=now)
        with self.unit_of_work() as tx:
            tx.folders.add(folder)
            tx.audit.append(
                [actor.did("folder.create", f"folder:{folder.id}", at=now, detail=folder.name)]
            )
            tx.commit()
        return folder


@dataclass(frozen=True, slots=True)
class GrantFolder:
    """Let a person into a folder."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(
        self, *, folder_id: FolderId, user_id: UserId, actor: Actor, role: str = ""
    ) -> ResourceRole:
        """Grant a folder, and set the person's role where one is given.

        Args:
            folder_id: of the folder.
            user_id: of the person.
            actor: for the trail.
            role: by its name, for all folders of the person; empty keeps the one they have, and
                makes somebody without one an Operator.

        Returns:
            The role they have now.

        Raises:
            FolderNotFound, UserNotFound, Invalid
        """
        now = self.clock.now()
        with self.unit_of_work() as tx:
            detail = f"user:{user_id}"
            tx.audit.append(
                [actor.did("folder.grant", f"folder:{folder_id}", at=now, detail=detail)]
            )
            folder, user = tx.folders.get(folder_id), tx.users.get(user_id)
            tx.folders.grant(Grant(folder_id=folder.id, user_id=user.id, granted_at=now))
            account = tx.resource_accounts.find(user.id)
            if not role and account.role is ResourceRole.NONE:
                role = ResourceRole.OPERATOR.label
            if role:
                account = set_role(tx, user.id, role, actor, self.clock)
            tx.commit()
        return account.role


@dataclass(frozen=True, slots=True)
class WithdrawFolder:
    """Take a grant back: the person's next request for the folder is refused."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, *, folder_id: FolderId, user_id: UserId, actor: Actor) -> None:
        """Take a grant back; one that is not there is no error."""
        now = self.clock.now()
        with self.unit_of_work() as tx:
            detail = f"user:{user_id}"
            tx.audit.append(
                [actor.did("folder.withdraw", f"folder:{folder_id}", at=now, detail=detail)]
            )
            tx.folders.withdraw(tx.folders.get(folder_id).id, user_id)
            tx.commit()
