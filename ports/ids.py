"""New identifiers."""

from collections.abc import Callable
from uuid import UUID

IdFactory = Callable[[], UUID]
"""Makes UUIDv7: unique, ordered by time."""
