"""Giving up what a process that decodes strange files does not need. Linux; best effort elsewhere.

Nothing of this replaces the parent's clock: a child that hangs is killed from outside.
"""

import os
import resource

CPU_S = 900  # over the child's whole life; it is replaced long before
OPEN_FILES = 32


def lock_down(*, memory_mib: int) -> None:
    """Limit memory, CPU time, files and processes of this process for good."""
    os.nice(10)
    for what, limit in (
        (resource.RLIMIT_AS, memory_mib * 1024 * 1024),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        resource.setrlimit(what, (limit, limit))
