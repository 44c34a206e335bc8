"""Errors a caller can act on.

* DomainError
  x Invalid          the input breaks a rule; retrying the same input is pointless
  x Unauthenticated  nobody is known by these credentials
  x Forbidden        the caller is known and may not do this
  x NotFound         the named thing does not exist, or the caller may not know that it does
  x Conflict         the thing exists, and its present state refuses the change
  x Limited          the caller asks too often; the same call succeeds later
  x BadUpstream      a peer or a store answered nonsense
  x Unavailable      a dependency did not answer; the same call may succeed later
  x OutOfSpace       a disk of the node is full; nothing was changed

Every error has a public ``code`` (``thing.what``, never reused) and a ``title`` in plain words.
The web layer picks the HTTP status from the *family*, the direct subclass of DomainError.
"""

from typing import ClassVar


class DomainError(Exception):
    """Base of every error shown to a caller.

    Args:
        detail: one sentence in the reader's terms; the title where empty. Never a secret,
            a path of the server or a statement of a database.
        context: extension members of the problem document, by name.
    """

    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str = "", **context: str | int) -> None:
        super().__init__(detail or self.title)
        self.context = context


class Invalid(DomainError):
    """The input breaks a rule."""

    code = "input.invalid"
    title = "The input is not valid"

    def __init__(self, detail: str = "", *, field: str = "", **context: str | int) -> None:
        super().__init__(detail, **context)
        self.field = field


class Unauthenticated(DomainError):
    """Nobody is known by these credentials."""

    code = "credentials.invalid"
    title = "Valid credentials are needed"


class Forbidden(DomainError):
    """The caller may not do this."""

    code = "access.forbidden"
    title = "That is not allowed"


class NotFound(DomainError):
    """No such thing, as far as this caller may know."""

    code = "thing.not-found"
    title = "Not found"


class Conflict(DomainError):
    """The present state refuses the change."""

    code = "state.conflict"
    title = "The present state does not allow that"


class AlreadyExists(Conflict):
    """Something else has that name or value already."""

    code = "name.taken"
    title = "That exists already"


class StaleWrite(Conflict):
    """Someone else wrote first; read again and decide anew."""

    code = "write.stale"
    title = "The record changed since it was read"


class Limited(DomainError):
    """The caller asks too often."""

    code = "rate.limited"
    title = "Too many requests"

    def __init__(self, detail: str = "", *, retry_after_s: int = 60) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class BadUpstream(DomainError):
    """A peer or a store answered nonsense."""

    code = "upstream.bad"
    title = "The source answered in a way that cannot be used"


class OutOfSpace(DomainError):
    """A disk of the node is full; nothing was changed, and reading goes on."""

    code = "space.exhausted"
    title = "There is no space left on this node's disk"


class Unavailable(DomainError):
    """A dependency failed; retrying later may help."""

    code = "dependency.unavailable"
    title = "Something this needs is not available at the moment"
    retry_after_s: ClassVar[int] = 30
