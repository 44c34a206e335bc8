"""The composition root: beside the factory, the only module that names concrete adapters.

One section per area. Nothing outside ``app/__init__.py`` ever sees a container.
"""

from typing import Any

from dependency_injector import containers, providers

from adapters.system.clock import SystemClock
from adapters.system.ids import new_uuid7


class Container(containers.DeclarativeContainer):
    """Providers by name; tests replace some before anything is built."""

    settings: providers.Dependency[Any] = providers.Dependency()
    engine: providers.Dependency[Any] = providers.Dependency()
    key_files: providers.Dependency[Any] = providers.Dependency()

    # -- system
    clock = providers.ThreadSafeSingleton(SystemClock)
    new_id = providers.Object(new_uuid7)

    # -- sql

    # -- crypto

    # -- jobs

    # -- library

    # -- streaming

    # -- federation

    # -- people
