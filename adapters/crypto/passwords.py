"""Passwords: Argon2id."""

from functools import cached_property
from threading import BoundedSemaphore

from argon2 import PasswordHasher as Argon2
from argon2.exceptions import InvalidHashError, VerificationError

MEMORY_KIB, ROUNDS, LANES = 19_456, 2, 1
AT_ONCE = 4


class Argon2Hasher:
    """Argon2id with 19 MiB and 2 rounds; at most ``at_once`` at a time.

    The cap keeps a burst of sign-ins from taking every core and a gigabyte.
    """

    def __init__(self, *, at_once: int = AT_ONCE) -> None:
        self._argon2 = Argon2(time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._turns = BoundedSemaphore(at_once)

    def hash(self, password: str) -> str:
        """Return an encoded hash with its parameters and salt."""
        with self._turns:
            return self._argon2.hash(_as_bytes(password))

    def verify(self, encoded: str, password: str) -> bool:
        """Tell whether the password fits; an unreadable hash costs the same time and fits nothing.

        An empty ``encoded`` is what callers pass for a user that does not exist.
        """
        stand_in = self._stand_in
        with self._turns:
            try:
                return self._argon2.verify(encoded, _as_bytes(password))
            except InvalidHashError:
                self._burn(stand_in, password)
                return False
            except VerificationError:
                return False

    def needs_rehash(self, encoded: str) -> bool:
        """Tell whether the parameters have moved on since; an unreadable hash always needs one."""
        try:
            return self._argon2.check_needs_rehash(encoded)
        except InvalidHashError:
            return True

    @cached_property
    def _stand_in(self) -> str:
        return self._argon2.hash("stand-in for users that do not exist")

    def _burn(self, encoded: str, password: str) -> None:
        try:
            self._argon2.verify(encoded, _as_bytes(password))
        except VerificationError:
            return


def _as_bytes(password: str) -> bytes:
    # A lone surrogate of a hostile form is a wrong password, not an error.
    return password.encode("utf-8", "surrogatepass")
