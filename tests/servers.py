"""Servers that some tests need: absent ones skip with a reason, or fail where they must be there."""

import os
from collections.abc import Callable
from typing import NoReturn

import pytest


def require(name: str, probe: Callable[[], object]) -> None:
    """Go on if ``probe`` does not raise; else skip, or fail where REQUIRE_ADAPTERS lists ``name``."""
    try:
        probe()
    except Exception as exc:
        absent(name, f"{type(exc).__name__}: {exc}".splitlines()[0])


def absent(name: str, reason: str) -> NoReturn:
    """Skip for want of ``name``, or fail where REQUIRE_ADAPTERS lists it."""
    if name in os.environ.get("REQUIRE_ADAPTERS", "").replace(",", " ").split():
        pytest.fail(f"REQUIRE_ADAPTERS lists {name}: {reason}", pytrace=False)
    pytest.skip(f"needs {name}: {reason}")
