"""Giving up what a process that decodes strange files does not need, for good.

Limits of memory, CPU, files and processes; and a seccomp filter under which no socket is made, no
program started, no other process touched and no file opened for writing, whatever a decoder is
tricked into. Where the kernel has no such filter (another system or processor) the limits remain.
Nothing of this replaces the parent's clock: a child that hangs is killed from outside.
"""

import ctypes
import os
import platform
import resource
import struct
from contextlib import suppress

CPU_S = 900  # over the child's whole life; it is replaced long before
OPEN_FILES = 32

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050000 | 1  # EPERM
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _PROCESSOR, _OPENAT_FLAGS = 0, 4, 16 + 2 * 8  # offsets in struct seccomp_data
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

# Names -> numbers, for the two processors that servers have.
_X86_64 = {
    "openat": 257,
    "refused": (
        2, 85,  # open, creat: libc opens with openat
        41, 42, 43, 49, 50, 53, 288,  # socket connect accept bind listen socketpair accept4
        44, 46, 307,  # sendto sendmsg sendmmsg: the answer goes out by write
        56, 57, 58, 435, 59, 322,  # clone fork vfork clone3 execve execveat
        62, 200, 234, 129, 297, 424,  # kill tkill tgkill rt_(tg)sigqueueinfo pidfd_send_signal
        101, 310, 311, 312, 438,  # ptrace process_vm_readv/writev kcmp pidfd_getfd
        76, 82, 83, 84, 86, 87, 88, 90, 91, 92, 94, 133,  # truncate rename mkdir ... mknod
        258, 259, 260, 263, 264, 265, 266, 268, 280, 316, 452,  # the same, relative to a folder
        155, 161, 165, 166, 272, 308, 428, 429, 430, 442,  # roots, mounts, namespaces
        248, 249, 250, 298, 321, 323, 425, 426, 427, 437,  # keys perf bpf io_uring openat2
        105, 106, 113, 114, 116, 117, 119, 157, 317,  # set*id prctl seccomp
    ),
}  # fmt: skip
_AARCH64 = {
    "openat": 56,
    "refused": (
        198, 199, 200, 201, 202, 203, 242,  # socket socketpair bind listen accept connect accept4
        206, 211, 269,  # sendto sendmsg sendmmsg
        220, 435, 221, 281,  # clone clone3 execve execveat
        129, 130, 131, 138, 240, 424,  # kill tkill tgkill rt_(tg)sigqueueinfo pidfd_send_signal
        117, 270, 271, 272, 438,  # ptrace process_vm_readv/writev kcmp pidfd_getfd
        33, 34, 35, 36, 37, 38, 45, 53, 54, 88, 276, 452,  # mknod mkdir unlink ... renameat2
        39, 40, 41, 51, 97, 268, 428, 429, 430, 442,  # roots, mounts, namespaces
        217, 218, 219, 241, 280, 282, 425, 426, 427, 437,  # keys perf bpf userfaultfd io_uring
        143, 144, 145, 146, 147, 149, 159, 167, 277,  # set*id prctl seccomp
    ),
}  # fmt: skip
_PROCESSORS = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}


def lock_down(*, memory_mib: int) -> None:
    """Limit this process; there is no way back."""
    os.nice(10)
    for what, limit in (
        (resource.RLIMIT_AS, memory_mib * 1024 * 1024),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
    ):
        _, hard = resource.getrlimit(what)
        lower = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (lower, lower))
    with suppress(OSError):
        _filter_system_calls()


def _filter_system_calls() -> None:
    known = _PROCESSORS.get(platform.machine())
    if known is None or not hasattr(ctypes.CDLL(None), "prctl"):
        return
    program = _program(*known)
    code = ctypes.create_string_buffer(program, len(program))
    header = ctypes.create_string_buffer(
        struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    )
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    arguments = [ctypes.c_ulong(number) for number in (1, 0, 0, 0)]
    if prctl(_PR_SET_NO_NEW_PRIVS, *arguments) or prctl(
        _PR_SET_SECCOMP,
        ctypes.c_ulong(_SECCOMP_MODE_FILTER),
        ctypes.c_ulong(ctypes.addressof(header)),
        ctypes.c_ulong(0),
        ctypes.c_ulong(0),
    ):
        raise OSError(ctypes.get_errno(), "the kernel takes no filter")


def _program(processor: int, calls: dict[str, object]) -> bytes:
    """Return the filter as instructions of classic BPF.

    A foreign processor number or the x32 call table ends the process; refused calls and opening
    for writing fail with EPERM; the rest goes through.
    """
    refused = calls["refused"]
    assert isinstance(refused, tuple)  # noqa: S101 - for the type checker
    lines = [
        _line(_LOAD, _PROCESSOR),
        _line(_EQUAL, processor, 1, 0),
        _line(_RETURN, _KILL),
        _line(_LOAD, _NUMBER),
        _line(_AT_LEAST, 0x40000000, 0, 1),
        _line(_RETURN, _KILL),
        _line(_EQUAL, int(str(calls["openat"])), 0, 4),
        _line(_LOAD, _OPENAT_FLAGS),
        _line(_ANY_BIT, _WRITING, 0, 1),
        _line(_RETURN, _REFUSE),
        _line(_RETURN, _ALLOW),
    ]
    for number in refused:
        lines += [_line(_EQUAL, number, 0, 1), _line(_RETURN, _REFUSE)]
    return b"".join([*lines, _line(_RETURN, _ALLOW)])


def _line(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
