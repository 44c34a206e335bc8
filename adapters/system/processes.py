"""Processes by names that are never used twice."""

import hashlib
import os
import socket
from functools import cache
from pathlib import Path


class ProcessNames:
    """``host.space:pid:start``: which machine, boot and pid namespace, which process, begun when.

    A pid comes back after a while; together with the time its process began it does not.
    """

    def own(self) -> str:
        """Return the name of this process."""
        pid = os.getpid()
        return f"{_machine()}:{pid}:{_start_of(pid)}"

    def is_dead(self, name: str) -> bool:
        """Tell whether the process is gone; False for one of another machine or a bad name."""
        machine, _, rest = name.partition(":")
        pid, _, start = rest.partition(":")
        if machine != _machine() or not (pid.isascii() and pid.isdigit()):
            return False
        return _start_of(int(pid)) != start


@cache
def _machine() -> str:
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        space, boot = "", ""
    digest = hashlib.sha256(f"{space}|{boot}".encode()).hexdigest()
    return f"{socket.gethostname().replace(':', '-')}.{digest[:12]}"


def _start_of(pid: int) -> str:
    """Return when the process began, in ticks since boot; empty if there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    state, *others = stat.rpartition(")")[2].split()  # the name before it may hold anything
    return "" if state in {"Z", "X"} else others[18]
