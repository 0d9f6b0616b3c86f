"""The Linux system calls that Python has no names for: `openat2`, which cannot leave a folder, and `renameat2`.

Source of the numbers: linux/openat2.h and openat2(2), system call 437 on every architecture; renameat2(2), which
the C library has by that name.
"""

import ctypes
import errno
import functools
import os
import sys
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["available", "open_beneath", "rename_new"]

_NUMBER = 437
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_BENEATH = 0x08
_RENAME_NOREPLACE = 1
_TRIES = 8
"""A rename elsewhere in the tree makes the kernel answer EAGAIN; openat2(2) says to try again."""


class _How(ctypes.Structure):
    _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]


class _Prepared(NamedTuple):
    """An `open_how` that stays in memory, and its address."""

    how: _How
    address: int


_SIZE = ctypes.sizeof(_How)


@functools.cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


@functools.cache
def _syscall() -> Callable[[int, int, bytes, int, int], int]:
    call = ctypes.CDLL(None, use_errno=True).syscall  # an object of its own: its types are set here
    call.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t]
    call.restype = ctypes.c_long
    return call


@functools.cache
def _how(flags: int, resolve: int) -> _Prepared:
    how = _How(flags=flags, mode=0, resolve=resolve)
    return _Prepared(how, ctypes.addressof(how))


def _call(folder: int, path: bytes, flags: int, resolve: int) -> int:
    fd = _syscall()(_NUMBER, folder, path, _how(flags, resolve).address, _SIZE)
    if fd < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return fd


def open_beneath(folder: int, path: bytes, flags: int, *, links: bool = True) -> int:
    """Open `path` below the open `folder` and return the descriptor; without `links`, ELOOP where one is met.

    Raises OSError: EXDEV when the path would leave the folder (also for an absolute link that leads back in),
    EAGAIN when the tree kept changing, ENOSYS or EPERM where the call is missing or forbidden.
    """
    resolve = _RESOLVE_BENEATH | (_RESOLVE_NO_MAGICLINKS if links else _RESOLVE_NO_SYMLINKS)
    for _ in range(_TRIES - 1):
        try:
            return _call(folder, path, flags, resolve)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EINTR):
                raise
    return _call(folder, path, flags, resolve)


@functools.cache
def available() -> bool:
    """Tell whether this kernel has the call and lets this process use it."""
    if not sys.platform.startswith("linux"):
        return False
    start = os.open("/", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.close(open_beneath(start, b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    except OSError:
        return False
    finally:
        os.close(start)
    return True


def rename_new(source_folder: int, source: bytes, folder: int, name: bytes) -> None:
    """Rename a name in an open folder to another one that must be new, in one step where the system can.

    Raises OSError: EEXIST where the new name is taken.
    """
    call = getattr(_library(), "renameat2", None)
    if call is not None:
        arguments = (source_folder, ctypes.c_char_p(source), folder, ctypes.c_char_p(name), _RENAME_NOREPLACE)
        if call(*arguments) == 0:
            return
        code = ctypes.get_errno()
        if code not in (errno.ENOSYS, errno.EINVAL, errno.EPERM):
            raise OSError(code, os.strerror(code))
    _rename_checked(source_folder, source, folder, name)


def _rename_checked(source_folder: int, source: bytes, folder: int, name: bytes) -> None:
    """Rename where the file system cannot do it in one step; writers of this suite hold the folder's lock."""
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(source, name, src_dir_fd=source_folder, dst_dir_fd=folder)
        return
    raise OSError(errno.EEXIST, os.strerror(errno.EEXIST))
