"""The Linux system call `openat2`, which opens a path that cannot leave the folder it starts from.

Source of the numbers: linux/openat2.h and openat2(2); system call 437 on every architecture.
"""

import ctypes
import errno
import functools
import os
import sys

__all__ = ["available", "open_beneath"]

_NUMBER = 437
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_BENEATH = 0x08
_TRIES = 8
"""A rename elsewhere in the tree makes the kernel answer EAGAIN; openat2(2) says to try again."""


class _How(ctypes.Structure):
    _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]


@functools.cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(folder: int, path: bytes, flags: int) -> int:
    how = _How(flags=flags, mode=0, resolve=_RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS)
    fd: int = _library().syscall(
        ctypes.c_long(_NUMBER),
        ctypes.c_int(folder),
        ctypes.c_char_p(path),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    if fd < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return fd


def open_beneath(folder: int, path: bytes, flags: int) -> int:
    """Open `path` below the open `folder` and return the descriptor.

    Raises OSError: EXDEV when the path would leave the folder (also for an absolute link that leads back in),
    EAGAIN when the tree kept changing, ENOSYS or EPERM where the call is missing or forbidden.
    """
    for _ in range(_TRIES - 1):
        try:
            return _call(folder, path, flags)
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EINTR):
                raise
    return _call(folder, path, flags)


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
