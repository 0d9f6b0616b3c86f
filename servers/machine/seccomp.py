"""A filter of system calls, written as the kernel's own small program: what a confined program may not ask for.

The back ends hide files; this refuses what needs no file: sockets to other programs, other programs' memory, keys,
namespaces, mounts, and typing into a terminal. A refused call fails with EPERM, so that a program can go on. Numbers
are those of the kernel's tables for x86-64 and arm64, the layout that of `linux/seccomp.h` and `linux/filter.h`.
"""

import ctypes
import errno
import functools
import os
import platform
import struct
from collections.abc import Sequence
from typing import Literal, NamedTuple

__all__ = ["Sockets", "filter_file", "filter_program", "filter_thread", "filters_here"]

Sockets = Literal["inside", "none"]
"""Sockets that may be made: `inside`, those of a network of the program's own; `none` at all (pairs always)."""


class _Processor(NamedTuple):
    """What differs between processors: the kernel's name, the column of numbers, and the first foreign number."""

    audit: int
    column: int
    foreign: int
    """From here on numbers are another table's (x32); 0 where there is none."""


_PROCESSORS = {"x86_64": _Processor(0xC000003E, 0, 0x40000000), "aarch64": _Processor(0xC00000B7, 1, 0)}

_NONE = -1
_REFUSED: tuple[tuple[str, int, int], ...] = (
    ("ptrace", 101, 117),
    ("process_vm_readv", 310, 270),
    ("process_vm_writev", 311, 271),
    ("process_madvise", 440, 440),
    ("kcmp", 312, 272),
    ("pidfd_getfd", 438, 438),
    ("add_key", 248, 217),
    ("request_key", 249, 218),
    ("keyctl", 250, 219),
    ("mount", 165, 40),
    ("umount2", 166, 39),
    ("pivot_root", 155, 41),
    ("chroot", 161, 51),
    ("open_tree", 428, 428),
    ("move_mount", 429, 429),
    ("fsopen", 430, 430),
    ("fsconfig", 431, 431),
    ("fsmount", 432, 432),
    ("fspick", 433, 433),
    ("mount_setattr", 442, 442),
    ("unshare", 272, 97),
    ("setns", 308, 268),
    ("bpf", 321, 280),
    ("perf_event_open", 298, 241),
    ("userfaultfd", 323, 282),
    ("io_uring_setup", 425, 425),
    ("io_uring_enter", 426, 426),
    ("io_uring_register", 427, 427),
    ("open_by_handle_at", 304, 265),
    ("kexec_load", 246, 104),
    ("kexec_file_load", 320, 294),
    ("init_module", 175, 105),
    ("finit_module", 313, 273),
    ("delete_module", 176, 106),
    ("swapon", 167, 224),
    ("swapoff", 168, 225),
    ("reboot", 169, 142),
    ("syslog", 103, 116),
    ("acct", 163, 89),
    ("quotactl", 179, 60),
    ("iopl", 172, _NONE),
    ("ioperm", 173, _NONE),
    ("settimeofday", 164, 170),
    ("clock_settime", 227, 112),
    ("adjtimex", 159, 171),
    ("clock_adjtime", 305, 266),
    ("sethostname", 170, 161),
    ("setdomainname", 171, 162),
    ("vhangup", 153, 58),
    ("fanotify_init", 300, 262),
    ("lookup_dcookie", 212, 18),
)
"""name, number on x86-64, number on arm64."""
_SOCKET, _CLONE, _CLONE3, _IOCTL = (41, 198), (56, 220), (435, 435), (16, 29)
_SETRLIMIT, _PRLIMIT = (160, 164), (302, 261)
_NEW_NAMESPACES = 0x7E020080
"""CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""
_FAMILIES = (2, 10)
"""AF_INET and AF_INET6."""
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_MARK = 12
"""RLIMIT_MSGQUEUE: the limit that marks the processes of one run."""

_LOAD, _JUMP_EQUAL, _JUMP_ABOVE, _JUMP_ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER_MODE = 38, 22, 2


def filters_here() -> bool:
    """Say whether the filter is written for this processor."""
    return platform.machine() in _PROCESSORS


def _word(code: int, value: int, *, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def _argument(index: int) -> bytes:
    """Load the low half of an argument: the kernel looks at no more of a family, of flags and of an ioctl."""
    return _word(_LOAD, _ARGUMENTS + 8 * index)


def _refuse(code: int = errno.EPERM) -> bytes:
    return _word(_RETURN, _ERRNO | code)


def _when(number: int, body: Sequence[bytes]) -> list[bytes]:
    """Do `body`, which returns, when the call has this number; the number is loaded before and after."""
    return [_word(_JUMP_EQUAL, number, no=len(body)), *body]


def _socket_body(sockets: Sockets) -> list[bytes]:
    if sockets == "none":
        return [_refuse()]
    first, second = _FAMILIES
    known = [_word(_JUMP_EQUAL, first, yes=2), _word(_JUMP_EQUAL, second, yes=1)]
    return [_argument(0), *known, _refuse(), _word(_RETURN, _ALLOW)]


def _ioctl_body() -> list[bytes]:
    bad = [_word(_JUMP_EQUAL, _TIOCSTI, yes=2), _word(_JUMP_EQUAL, _TIOCLINUX, yes=1)]
    return [_argument(1), *bad, _word(_RETURN, _ALLOW), _refuse()]


def _clone_body() -> list[bytes]:
    test = _word(_JUMP_ANY_BIT, _NEW_NAMESPACES, yes=1)
    return [_argument(0), test, _word(_RETURN, _ALLOW), _refuse()]


def _kept_mark(index: int) -> list[bytes]:
    """Refuse to set the limit that marks a run; `index` is the argument that names the limit."""
    return [_argument(index), _word(_JUMP_EQUAL, _MARK, yes=1), _word(_RETURN, _ALLOW), _refuse()]


@functools.cache
def filter_program(sockets: Sockets) -> bytes:
    """Return the filter for this processor. Raises KeyError where there is none (see `filters_here`).

    The limit that marks the processes of a run (RLIMIT_MSGQUEUE) can't be set. A call in the way of another processor
    ends the program.
    """
    here = _PROCESSORS[platform.machine()]
    column = here.column
    words = [
        _word(_LOAD, _ARCHITECTURE),
        _word(_JUMP_EQUAL, here.audit, yes=1),
        _word(_RETURN, _KILL),
        _word(_LOAD, _NUMBER),
    ]
    if here.foreign:
        words += [_word(_JUMP_ABOVE, here.foreign, no=1), _refuse(errno.ENOSYS)]
    words += _when(_SOCKET[column], _socket_body(sockets))
    words += _when(_IOCTL[column], _ioctl_body())
    words += _when(_CLONE[column], _clone_body())
    words += _when(_CLONE3[column], [_refuse(errno.ENOSYS)])  # its flags lie in memory: the C library then uses clone
    words += _when(_SETRLIMIT[column], _kept_mark(0))
    words += _when(_PRLIMIT[column], _kept_mark(1))
    numbers = [number for _, *columns in _REFUSED for number in columns[column : column + 1] if number != _NONE]
    words += [_word(_JUMP_EQUAL, number, yes=len(numbers) - place) for place, number in enumerate(numbers)]
    words += [_word(_RETURN, _ALLOW), _refuse()]
    return b"".join(words)


class _Program(ctypes.Structure):
    """`struct sock_fprog`: how many words, and where."""

    _fields_ = (("count", ctypes.c_ushort), ("words", ctypes.c_char_p))


def filter_thread(sockets: Sockets) -> None:
    """Put the calling thread, and all that it starts, under the filter for good. Raises OSError."""
    words = filter_program(sockets)
    program = _Program(len(words) // 8, words)
    libc = ctypes.CDLL(None, use_errno=True)
    for call in ((_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (_PR_SET_SECCOMP, _FILTER_MODE, ctypes.byref(program), 0, 0)):
        if libc.prctl(*call) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), "seccomp filter")


def filter_file(sockets: Sockets) -> int:
    """Return the descriptor of a file in memory with the filter, to be read from its start; the caller closes it."""
    file = os.memfd_create("afs-filter", os.MFD_CLOEXEC)
    os.write(file, filter_program(sockets))
    os.lseek(file, 0, os.SEEK_SET)
    return file
