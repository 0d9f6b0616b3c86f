"""Landlock by raw system calls: what one thread, and all that it starts, may still touch.

A Landlock domain, `no_new_privs` and the ids belong to a thread, and a child inherits those of the thread
that starts it. So a thread that confines itself and then starts a program is a launcher that costs no
interpreter. Numbers and bits are those of `linux/landlock.h` and of the kernel's system call tables.
"""

import ctypes
import functools
import os
import platform
import stat
import struct
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

__all__ = ["abi_version", "become_nobody", "can_become_nobody", "open_ruleset", "restrict_thread"]

NOBODY = 65534
"""The id, of a user and of a group, that owns nothing."""

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_QUERY_VERSION = 1
_RULE_PATH_BENEATH = 1
_PR_SET_NO_NEW_PRIVS = 38

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_MAKE_CHAR, _MAKE_BLOCK = 1 << 6, 1 << 11
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_READ_ONLY = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_BIND_AND_CONNECT_TCP = 3
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 3


class _IdCalls(NamedTuple):
    """Numbers of the raw calls, which change one thread where the C library's change all."""

    setgroups: int
    setresgid: int
    setresuid: int


_ID_CALLS = {
    "x86_64": _IdCalls(116, 119, 117),
    "aarch64": _IdCalls(159, 149, 147),
    "riscv64": _IdCalls(159, 149, 147),
}


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    libc = _libc()
    libc.syscall.restype = ctypes.c_long
    words = [ctypes.c_long(item) if isinstance(item, int) else item for item in arguments]
    result = int(libc.syscall(ctypes.c_long(number), *words))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), f"system call {number}")
    return result


def abi_version() -> int:
    """Return the version of Landlock's interface in the running kernel; 0 where there is none."""
    if platform.system() != "Linux":
        return 0
    try:
        return _call(_CREATE_RULESET, None, 0, _QUERY_VERSION)
    except OSError:
        return 0


def _all_rights(abi: int) -> int:
    bits = {1: 13, 2: 14, 3: 15, 4: 15}.get(abi, 16)
    return (1 << bits) - 1


def open_ruleset(*, read_only: Iterable[Path], read_write: Iterable[Path]) -> int:
    """Return the descriptor of a ruleset that allows these paths and nothing else; the caller closes it.

    Paths that do not exist are passed over. Device nodes can't be made. TCP, abstract sockets and signals to
    others are refused too where the kernel knows how (interface 4 and 6). Raises OSError.
    """
    abi = abi_version()
    rights = _all_rights(abi)
    fields = (
        rights,
        _BIND_AND_CONNECT_TCP if abi >= 4 else 0,
        _SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS if abi >= 6 else 0,
    )
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = _call(_CREATE_RULESET, struct.pack("=QQQ", *fields)[:size], size, 0)
    try:
        for path in read_only:
            _allow(ruleset, path, _READ_ONLY & rights)
        for path in read_write:
            _allow(ruleset, path, rights & ~(_MAKE_CHAR | _MAKE_BLOCK))
    except OSError:
        os.close(ruleset)
        raise
    return ruleset


def _allow(ruleset: int, path: Path, rights: int) -> None:
    try:
        target = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(target).st_mode):
            rights &= _OF_FILES
        _call(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, struct.pack("=Qi", rights, target), 0)
    finally:
        os.close(target)


def restrict_thread(ruleset: int) -> None:
    """Put the calling thread, for good, under the ruleset, with `no_new_privs`. Raises OSError."""
    if _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), "no_new_privs")
    _call(_RESTRICT_SELF, ruleset, 0)


def can_become_nobody() -> bool:
    """Say whether the ids of a single thread can be given up on this processor."""
    return platform.machine() in _ID_CALLS


def become_nobody() -> None:
    """Give up root in the calling thread, for good: no groups, group and user 65534. Raises OSError."""
    calls = _ID_CALLS[platform.machine()]
    _call(calls.setgroups, 0, None)
    _call(calls.setresgid, NOBODY, NOBODY, NOBODY)
    _call(calls.setresuid, NOBODY, NOBODY, NOBODY)
