"""What a process asks of Linux about itself."""

import ctypes
import os
import resource
import signal

_PR_SET_PDEATHSIG = 1
_WANTED_DESCRIPTORS = 65536

_libc = ctypes.CDLL(None, use_errno=True)


def end_with_parent() -> None:
    """Have the kernel kill this process when its parent dies, however it dies.

    A node is all of its processes: one that was left over would hold the port and serve on with
    nobody to stop it.
    """
    if _libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def raise_descriptor_limit() -> None:
    """Allow as many open files as the hard limit does: a proxied stream needs up to four."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = (
        _WANTED_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _WANTED_DESCRIPTORS)
    )
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def prepare_child() -> None:
    """Between fork and exec: signals as a fresh process has them, and an end with the parent."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    end_with_parent()
    if os.getppid() == 1:  # it died before the line above
        os._exit(0)
