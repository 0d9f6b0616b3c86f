"""What an open file or folder really is, by its final path: how Windows keeps below a root without folder descriptors.

A folder that is held open so cannot be renamed or removed on Windows, nor can any above it. On Linux the same
questions are answered from /proc, so that what is built on them can be tried; nothing is held there.
"""

import contextlib
import os
import sys
from collections.abc import Generator

__all__ = ["PLATFORM", "final_path", "held_folder"]

if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    from servers.machine.containment import Platform

    PLATFORM: Platform = "win32"
    _SHARE_READ_WRITE = 0x1 | 0x2  # and not FILE_SHARE_DELETE: nobody renames it meanwhile
    _OPEN_EXISTING = 3
    _BACKUP_SEMANTICS = 0x02000000
    _LIST = 0x1
    _kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel.CreateFileW.restype = wintypes.HANDLE
    _kernel.CreateFileW.argtypes = [
        wintypes.LPCWSTR,
        wintypes.DWORD,
        wintypes.DWORD,
        wintypes.LPVOID,
        wintypes.DWORD,
        wintypes.DWORD,
        wintypes.HANDLE,
    ]
    _kernel.GetFinalPathNameByHandleW.restype = wintypes.DWORD
    _kernel.GetFinalPathNameByHandleW.argtypes = [wintypes.HANDLE, wintypes.LPWSTR, wintypes.DWORD, wintypes.DWORD]
    _kernel.CloseHandle.argtypes = [wintypes.HANDLE]

    def _final(handle: int) -> str:
        buffer = ctypes.create_unicode_buffer(32_768)
        if not _kernel.GetFinalPathNameByHandleW(handle, buffer, len(buffer), 0):
            raise ctypes.WinError(ctypes.get_last_error())
        text = buffer.value
        return "\\\\" + text[8:] if text.startswith("\\\\?\\UNC\\") else text.removeprefix("\\\\?\\")

    def final_path(fd: int) -> str:
        """Return the path of an open file, all links and short names resolved. Raises OSError."""
        return _final(msvcrt.get_osfhandle(fd))

    @contextlib.contextmanager
    def held_folder(path: str) -> Generator[str]:
        """Hold a folder open, so that it stays where it is; give its final path. Raises OSError."""
        handle = _kernel.CreateFileW(path, _LIST, _SHARE_READ_WRITE, None, _OPEN_EXISTING, _BACKUP_SEMANTICS, None)
        if handle == wintypes.HANDLE(-1).value:
            raise ctypes.WinError(ctypes.get_last_error())
        try:
            yield _final(handle)
        finally:
            _kernel.CloseHandle(handle)

else:
    from servers.machine.containment import Platform

    PLATFORM: Platform = "posix"

    def final_path(fd: int) -> str:
        """Return the path of an open file, all links resolved. Raises OSError."""
        return os.readlink(f"/proc/self/fd/{fd}")

    @contextlib.contextmanager
    def held_folder(path: str) -> Generator[str]:
        """Open a folder; give its final path. Raises OSError."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            yield final_path(fd)
        finally:
            os.close(fd)
