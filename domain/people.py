"""People who sign in, and their sessions."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from domain.errors import Invalid, NotFound, Unauthenticated
from domain.ids import UserId
from domain.text import clean

MIN_PASSWORD, MAX_PASSWORD = 8, 4096
SESSION_IDLE = timedelta(days=14)
SESSION_LIFE = timedelta(days=60)
_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,49}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(\.[^@\s.]+)*")


class UserNotFound(NotFound):
    """No user has this id or name."""

    code = "user.not-found"
    title = "No such user"


class SignInRefused(Unauthenticated):
    """Unknown name and wrong password look the same."""

    code = "sign-in.refused"
    title = "The name or the password is wrong"


class Role(StrEnum):
    """What a person may do: watch, or also run the node."""

    ADMIN = "admin"
    USER = "user"


@dataclass(slots=True, kw_only=True)
class User:
    """A person of this node. ``email`` and ``username`` are unique without regard to case."""

    id: UserId
    username: str
    email: str
    password_hash: str
    role: Role
    created_at: datetime
    active: bool = True
    version: int = 0

    def __post_init__(self) -> None:
        if not _USERNAME.fullmatch(self.username):
            raise Invalid(
                "username takes 1 to 50 letters, digits, dots, dashes and underscores",
                field="username",
            )
        self.email = clean(self.email, field="email", max_length=254, min_length=3)
        if not _EMAIL.fullmatch(self.email):
            raise Invalid("email is not an e-mail address", field="email")

    @property
    def is_admin(self) -> bool:
        """Whether the person runs the node."""
        return self.role is Role.ADMIN


def check_password(password: str) -> str:
    """Return ``password`` if its length is allowed (8 to 4096 characters)."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise Invalid(
            f"password takes {MIN_PASSWORD} to {MAX_PASSWORD} characters", field="password"
        )
    return password


@dataclass(slots=True, kw_only=True)
class Session:
    """A browser, signed in or about to (``user_id`` None). Stored by the id's digest."""

    id_digest: bytes
    user_id: UserId | None
    values: str  # JSON of what the pages keep (CSRF secret, messages)
    created_at: datetime
    seen_at: datetime

    def is_alive(self, now: datetime) -> bool:
        """Tell whether the session still counts."""
        return now - self.seen_at < SESSION_IDLE and now - self.created_at < SESSION_LIFE
