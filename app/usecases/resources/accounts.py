"""Who uses the resource API, and what they may do there."""

from dataclasses import dataclass
from datetime import timedelta

from app.usecases.people.users import SignIn
from domain.errors import Invalid
from domain.federation.audit import Actor
from domain.ids import UserId
from domain.people import SignInRefused, User, UserNotFound
from domain.resources.resource import Folder, FolderNotGranted, ResourceAccount, RoleMissing
from domain.resources.roles import ResourceRole, may_read, may_upload, role_of
from ports.clock import Clock
from ports.ids import IdFactory
from ports.resources.tokens import AccessTokens, TokenClaims, TokenRefused
from ports.unit_of_work import ReadOnlyFactory, UnitOfWork, UnitOfWorkFactory


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceCaller:
    """A person with a good token."""

    user: User
    role: ResourceRole
    actor: Actor

    def require_reader(self) -> None:
        """Raise RoleMissing for a role that reads nothing."""
        if not may_read(self.role):
            raise RoleMissing("reading takes the role Operator or a higher one")

    def require_uploader(self) -> None:
        """Raise RoleMissing for a role that uploads nothing."""
        if not may_upload(self.role):
            raise RoleMissing("uploading takes the role ResourceUploader, Admin or ApiAdmin")

    def folder(self, tx: UnitOfWork, name: str) -> Folder:
        """Return a folder of the person.

        Raises:
            FolderNotGranted: it was not granted, or does not exist.
        """
        found = tx.folders.find_granted(self.user.id, name)
        if found is None:
            raise FolderNotGranted
        return found


@dataclass(frozen=True, slots=True)
class LogIn:
    """Give out a token for a name and a password. The caller throttles."""

    sign_in: SignIn
    unit_of_work: UnitOfWorkFactory
    tokens: AccessTokens
    clock: Clock
    new_id: IdFactory
    life: timedelta

    def __call__(self, *, email: str, password: str, address: str) -> str:
        """Return the token.

        Raises:
            SignInRefused: unknown, wrong or switched off; all look alike and take as long.
        """
        user = self.sign_in(name=email, password=password, address=address)
        now, token_id = self.clock.now(), str(self.new_id())
        with self.unit_of_work() as tx:
            entry = Actor(f"user:{user.id}", address).did(
                "resource.login", f"user:{user.id}", at=now, detail=f"token {token_id}"
            )
            tx.audit.append([entry])
            account = tx.resource_accounts.find(user.id)
            if tx.users.get(user.id).version != user.version:
                raise SignInRefused  # the password changed in between
            tx.commit()
        return self.tokens.issue(
            TokenClaims(
                user_id=user.id,
                email=user.email,
                role=account.role.label,
                stamp=_stamp(user, account),
                token_id=token_id,
                issued_at=now,
                expires_at=now + self.life,
            )
        )


@dataclass(frozen=True, slots=True)
class Identify:
    """Say who holds a token. It ends when the person's password, role or state changes."""

    read_only: ReadOnlyFactory
    tokens: AccessTokens
    clock: Clock

    def __call__(self, token: str, *, address: str) -> ResourceCaller:
        """Return the person; raises TokenRefused."""
        claims = self.tokens.verify(token, now=self.clock.now())
        with self.read_only() as tx:
            try:
                user = tx.users.get(claims.user_id)
            except UserNotFound as exc:
                raise TokenRefused from exc
            account = tx.resource_accounts.find(user.id)
        if not user.active or _stamp(user, account) != claims.stamp:
            raise TokenRefused
        actor = Actor(f"user:{user.id}", address)
        return ResourceCaller(user=user, role=account.role, actor=actor)


@dataclass(frozen=True, slots=True)
class SetResourceRole:
    """Say what a person may do in the folders granted to them; their tokens end."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, *, user_id: UserId, role: str, actor: Actor) -> ResourceAccount:
        """Set the role by its name; raises Invalid, UserNotFound."""
        with self.unit_of_work() as tx:
            account = set_role(tx, user_id, role, actor, self.clock)
            tx.commit()
        return account


def set_role(
    tx: UnitOfWork, user_id: UserId, role: str, actor: Actor, clock: Clock
) -> ResourceAccount:
    """Write a person's role and its entry in the trail."""
    wanted = parse_role(role)
    entry = actor.did("resource.set-role", f"user:{user_id}", at=clock.now(), detail=wanted.label)
    tx.audit.append([entry])  # first: writers take turns from here
    account = tx.resource_accounts.find(tx.users.get(user_id).id)
    if account.role is not wanted:
        account.role = wanted
        tx.resource_accounts.put(account)
    return account


def parse_role(text: str) -> ResourceRole:
    """Return the role of that name; raises Invalid where there is none."""
    role = role_of(text)
    if role is ResourceRole.NONE and text != ResourceRole.NONE.label:
        names = ", ".join(one.label for one in ResourceRole)
        raise Invalid(f"roles are {names}", field="role")
    return role


def _stamp(user: User, account: ResourceAccount) -> str:
    return f"{user.version}.{account.version}"
