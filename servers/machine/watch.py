"""Changes below a folder as the kernel tells them (inotify): a long-living server need not look through it again.

The kernel queues an event before the write returns, so what was written before a question is known to it. What
it cannot tell (a full queue, a renamed folder, file systems of other machines) is said as `whole`: look again.
"""

import contextlib
import ctypes
import errno
import os
import struct
import sys
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from servers.machine.store import is_temporary

__all__ = ["Changes", "Watch", "open_watch"]

_EVENT = struct.Struct("iIII")
_MODIFY, _ATTRIB, _MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x2, 0x4, 0x40, 0x80, 0x100, 0x200
_DELETE_SELF, _MOVE_SELF = 0x400, 0x800
_UNMOUNT, _OVERFLOW, _IGNORED = 0x2000, 0x4000, 0x8000
_ISDIR = 0x40000000
_HOW = 0x01000000 | 0x02000000 | 0x04000000
"""Folders only, no link followed, no events of files that are already deleted."""
_TOLD = _MODIFY | _ATTRIB | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _DELETE_SELF | _MOVE_SELF | _HOW
_NAMES_CHANGED = _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE
_AT_ONCE = 1 << 16
_MOST_FOLDERS = 50_000

_NEAR = frozenset([0xEF53, 0x9123683E, 0x58465342, 0x01021994, 0x794C7630, 0x2FC12FC1, 0xF2F52010, 0x858458F6])
"""File systems of this machine's own (`statfs`): ext, btrfs, xfs, tmpfs, overlay, zfs, f2fs, ramfs."""


class Changes(NamedTuple):
    """What has changed since the last time it was asked: files, as paths below the root."""

    files: frozenset[bytes]
    whole: bool
    """Something that is not known in detail: all has to be looked at again, folders watched anew."""


class _Calls(NamedTuple):
    init: Callable[[int], int]
    add: Callable[[int, bytes, int], int]
    statfs: Callable[[bytes, object], int]


@cache
def _calls() -> _Calls | None:
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None, use_errno=True)
    try:
        library.inotify_add_watch.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32)
        return _Calls(library.inotify_init1, library.inotify_add_watch, library.statfs)
    except AttributeError:
        return None


class Watch:
    """The watched folders of one tree; open it by `open_watch`."""

    def __init__(self, fd: int, calls: _Calls, root: bytes) -> None:
        self._fd = fd
        self._calls = calls
        self._root = root
        self._folders: dict[int, bytes] = {}

    def add(self, folder: bytes) -> bool:
        """Watch one folder below the root (empty: the root itself), before it is listed; False: it cannot be."""
        if self._fd < 0 or len(self._folders) >= _MOST_FOLDERS:
            return False
        number = self._calls.add(self._fd, os.path.join(self._root, folder) if folder else self._root, _TOLD)
        if number < 0:
            return ctypes.get_errno() in (errno.ENOENT, errno.ENOTDIR)  # gone meanwhile: its parent tells
        self._folders[number] = folder
        return True

    def fileno(self) -> int:
        """Return the descriptor that can be read when something has changed; -1 when it is closed."""
        return self._fd

    def changes(self) -> Changes:
        """Return what has changed since the last call, without waiting."""
        files: set[bytes] = set()
        whole = self._fd < 0
        while data := self._read():
            whole = self._take(data, files) or whole
        return Changes(frozenset(files), whole)

    def close(self) -> None:
        """Watch nothing any more; closing twice does no harm."""
        fd, self._fd = self._fd, -1
        self._folders.clear()
        if fd >= 0:
            os.close(fd)

    def _read(self) -> bytes:
        if self._fd >= 0:
            with contextlib.suppress(BlockingIOError, InterruptedError):
                return os.read(self._fd, _AT_ONCE)
        return b""

    def _take(self, data: bytes, files: set[bytes]) -> bool:
        """Note the files of some events, and tell whether one concerns more than a file."""
        whole, at = False, 0
        while at < len(data):
            number, mask, _, length = _EVENT.unpack_from(data, at)
            name = data[at + _EVENT.size : at + _EVENT.size + length].rstrip(b"\0")
            at += _EVENT.size + length
            folder = self._folders.get(number)
            if mask & _IGNORED:
                self._folders.pop(number, None)
            elif mask & (_OVERFLOW | _UNMOUNT | _DELETE_SELF | _MOVE_SELF) or folder is None:
                whole = True
            elif mask & _ISDIR:
                whole = whole or bool(mask & (_NAMES_CHANGED | _ATTRIB))
            elif name and not is_temporary(name):
                files.add(folder + b"/" + name if folder else name)
        return whole


def open_watch(root: bytes) -> Watch | None:
    """Begin to watch `root` (an absolute path) and, as they are added, the folders below it.

    None where the kernel cannot tell all changes: another system, a file system of another machine, no more
    watches to be had.
    """
    calls = _calls()
    if calls is None:
        return None
    buffer = ctypes.create_string_buffer(256)
    if calls.statfs(root, buffer) != 0 or struct.unpack_from("l", buffer)[0] & 0xFFFFFFFF not in _NEAR:
        return None
    fd = calls.init(os.O_NONBLOCK | os.O_CLOEXEC)
    if fd < 0:
        return None
    watch = Watch(fd, calls, root)
    if watch.add(b""):
        return watch
    watch.close()
    return None
