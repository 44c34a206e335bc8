"""People: making accounts, signing in, changing what they may do."""

from dataclasses import dataclass

from domain.errors import Conflict, Invalid
from domain.federation.audit import Actor
from domain.ids import UserId
from domain.people import MAX_PASSWORD, Role, SignInRefused, User, UserNotFound, check_password
from ports.clock import Clock
from ports.crypto import PasswordHasher
from ports.ids import IdFactory
from ports.unit_of_work import ReadOnlyFactory, UnitOfWork, UnitOfWorkFactory


class LastAdmin(Conflict):
    """A node without an admin could not be run any more."""

    code = "user.last-admin"
    title = "The node needs at least one active admin"


@dataclass(frozen=True, slots=True)
class CreateUser:
    """Make an account. The first one of a node is an admin, whatever was asked."""

    unit_of_work: UnitOfWorkFactory
    hasher: PasswordHasher
    clock: Clock
    new_id: IdFactory

    def __call__(
        self, *, username: str, email: str, password: str, actor: Actor, admin: bool = False
    ) -> User:
        """Make an account.

        Raises:
            Invalid: a name, an address or a password that cannot be.
            AlreadyExists: somebody has that user name or e-mail.
        """
        now, user_id = self.clock.now(), UserId(self.new_id())
        # Hashing takes long, so it is done before other writers have to wait.
        password_hash = self.hasher.hash(check_password(password))
        with self.unit_of_work() as tx:
            # Writing to the trail first makes writers take turns from here to the commit, on every
            # database: of two first sign-ups at once, the second sees the first.
            entry = actor.did("user.create", f"user:{user_id}", at=now, detail=username[:50])
            tx.audit.append([entry])
            is_first = tx.users.count() == 0
            user = User(
                id=user_id,
                username=username,
                email=email,
                password_hash=password_hash,
                role=Role.ADMIN if admin or is_first else Role.USER,
                created_at=now,
            )
            tx.users.add(user)
            tx.commit()
        return user


@dataclass(frozen=True, slots=True)
class SignIn:
    """Check a name and a password. The caller throttles, and begins the session."""

    unit_of_work: UnitOfWorkFactory
    read_only: ReadOnlyFactory
    hasher: PasswordHasher
    clock: Clock

    def __call__(self, *, name: str, password: str, address: str) -> User:
        """Return the person.

        Args:
            name: user name or e-mail.
            password: as it was typed.
            address: where the request came from, for the trail.

        Raises:
            SignInRefused: unknown, wrong or switched off; all look alike and take as long.
        """
        with self.read_only() as tx:
            user = tx.users.find(name.strip()[:254])
        # An empty hash fits nothing and takes as long as a real one; so does an endless password.
        typed = password if len(password) <= MAX_PASSWORD else ""
        fits = self.hasher.verify(user.password_hash if user else "", typed)
        if user is None or not fits or not user.active:
            self._note_refusal(user, address)
            raise SignInRefused
        new_hash = ""
        if self.hasher.needs_rehash(user.password_hash):
            new_hash = self.hasher.hash(password)
        return self._note_success(user, new_hash, address)

    def _note_refusal(self, user: User | None, address: str) -> None:
        # What was typed is not written down: people type passwords into the wrong field.
        target = f"user:{user.id}" if user else ""
        entry = Actor("anonymous", address).did(
            "user.sign-in", target, at=self.clock.now(), result=SignInRefused.code
        )
        with self.unit_of_work() as tx:
            tx.audit.append([entry])
            tx.commit()

    def _note_success(self, user: User, new_hash: str, address: str) -> User:
        actor = Actor(f"user:{user.id}", address)
        with self.unit_of_work() as tx:
            present = tx.users.get(user.id)
            if present.password_hash != user.password_hash or not present.active:
                raise SignInRefused
            if new_hash:
                present.password_hash = new_hash
                tx.users.save(present)
            tx.audit.append([actor.did("user.sign-in", f"user:{user.id}", at=self.clock.now())])
            tx.commit()
        return present


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """Set a new password; every session of the person ends."""

    unit_of_work: UnitOfWorkFactory
    hasher: PasswordHasher
    clock: Clock

    def __call__(self, *, user_id: UserId, password: str, actor: Actor) -> User:
        password_hash = self.hasher.hash(check_password(password))
        with self.unit_of_work() as tx:
            user = tx.users.get(user_id)
            user.password_hash = password_hash
            _save(tx, user)
            tx.audit.append(
                [actor.did("user.change-password", f"user:{user.id}", at=self.clock.now())]
            )
            tx.commit()
        return user


@dataclass(frozen=True, slots=True)
class SetRole:
    """Make somebody an admin, or no admin any more; every session of the person ends."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, *, user_id: UserId, role: str, actor: Actor) -> User:
        """Change the role.

        Raises:
            LastAdmin: nobody would run the node.
        """
        wanted = _role(role)
        with self.unit_of_work() as tx:
            entry = actor.did("user.set-role", f"user:{user_id}", at=self.clock.now(), detail=role)
            tx.audit.append([entry])  # first: writers take turns from here
            user = tx.users.get(user_id)
            user.role = wanted
            _save(tx, user)
            _require_admin(tx)
            tx.commit()
        return user


@dataclass(frozen=True, slots=True)
class Deactivate:
    """Shut somebody out, or let them in again; every session of the person ends."""

    unit_of_work: UnitOfWorkFactory
    clock: Clock

    def __call__(self, *, user_id: UserId, actor: Actor, active: bool = False) -> User:
        """Switch the account off (or on).

        Raises:
            LastAdmin: nobody would run the node.
        """
        with self.unit_of_work() as tx:
            verb = "user.activate" if active else "user.deactivate"
            tx.audit.append([actor.did(verb, f"user:{user_id}", at=self.clock.now())])  # first
            user = tx.users.get(user_id)
            user.active = active
            _save(tx, user)
            _require_admin(tx)
            tx.commit()
        return user


def find_user(tx: UnitOfWork, name: str) -> User:
    """Return the user of that user name, e-mail or id.

    Raises:
        UserNotFound: there is none.
    """
    user = tx.users.find(name)
    if user is None:
        user = next((u for u in tx.users.all() if str(u.id) == name), None)
    if user is None:
        raise UserNotFound
    return user


def _save(tx: UnitOfWork, user: User) -> None:
    tx.users.save(user)
    tx.sessions.remove_of(user.id)


def _require_admin(tx: UnitOfWork) -> None:
    if not any(user.is_admin and user.active for user in tx.users.all()):
        raise LastAdmin


def _role(name: str) -> Role:
    if name not in {*Role}:
        raise Invalid(f"roles are {', '.join(Role)}", field="role")
    return Role(name)
