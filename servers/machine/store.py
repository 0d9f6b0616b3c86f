"""Whole files written so that a reader sees the old content or the new, never a mixture and never half.

A write goes to a temporary file in the same folder (created exclusively, mode 0600), is flushed to the disk
and renamed over the target; when anything fails the target keeps its old content and the temporary file is
removed.
"""

import contextlib
import errno
import os
import re
import secrets
import stat
from pathlib import Path
from typing import NamedTuple

from servers.machine.beneath_lock import take, wait
from servers.machine.errors import ServerError
from servers.machine.names import show
from servers.machine.openat2 import rename_new

__all__ = ["TEMP_SUFFIX", "append_line", "explain", "is_temporary", "replace_at", "sweep_at", "write_atomic"]

TEMP_SUFFIX = ".afs-tmp"
"""End of a temporary file's name. Its writer holds a lock on it, so one that nobody has locked is a leftover."""
_TEMPORARY = re.compile(rb"\.[0-9a-f]{16}\.afs-tmp")

_NEXT_STEP = {
    errno.ENOSPC: "the disk is full; free some space and write again (the old content is intact)",
    errno.EDQUOT: "the disk quota is used up; free some space and write again (the old content is intact)",
    errno.EFBIG: "it is above this process's file size limit; write less (the old content is intact)",
    errno.EROFS: "the file system is read-only; choose a folder on a writable one",
    errno.EACCES: "permission denied; change its permissions or choose another folder",
    errno.EPERM: "the operation is not permitted; choose another folder",
    errno.ENOENT: "there is no such file or folder; list its folder to see what is there",
    errno.ENOTDIR: "a part of the path is a file, not a folder; list the folder above it",
    errno.EEXIST: "a file of that name is in the way; choose another folder",
    errno.EISDIR: "it is a folder, not a file; name a file in it",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one (a name holds at most 255 bytes)",
    errno.EXDEV: "it leads outside the root; use a path below the root, without links or '..' that leave it",
    errno.ENXIO: "it is not a regular file; name a text file",
    errno.ELOOP: "its links go in a circle; name the file itself",
    errno.EMFILE: "too many files are open; try again in a moment",
    errno.ENFILE: "too many files are open; try again in a moment",
    errno.ENOTEMPTY: "a folder that is not empty is in the way; choose another name",
    errno.EINVAL: "the system refuses it (a folder cannot be moved into itself); choose another path",
    errno.ESTALE: "the network file system lost it; try again",
    errno.EIO: "the disk reports an error; check it before writing again",
}


def explain(error: OSError, path: str) -> ServerError:
    """Return the error that tells what failed at `path`, as the caller gave it, and what to do next."""
    reason = (error.strerror or type(error).__name__).lower()
    step = _NEXT_STEP.get(error.errno or 0, f"the system says: {reason}; check the path and try again")
    return ServerError(f"{show(path)}: {step}")


def is_temporary(name: bytes) -> bool:
    """Tell whether a name is one that a write gives to its temporary file."""
    return _TEMPORARY.fullmatch(name) is not None


def sweep_at(folder: int, name: bytes) -> bool:
    """Remove a temporary file whose writer is dead; False where a living one holds it or it is gone."""
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        return False
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return False
        take(fd)
        os.unlink(name, dir_fd=folder)
    except OSError:  # held by its writer, renamed by it meanwhile, or not ours
        return False
    finally:
        os.close(fd)
    return True


def _temporary_in(folder: int, mode: int) -> "_Temporary":
    """Make a temporary file and lock it. One that was swept before it was locked is made again."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    while True:
        name = f".{secrets.token_hex(8)}{TEMP_SUFFIX}"
        fd = os.open(name, flags, mode, dir_fd=folder)
        try:
            with contextlib.suppress(OSError):  # a file system without locks is never swept either
                wait(fd)
            if os.fstat(fd).st_nlink:
                return _Temporary(fd, name)
        except BaseException:
            os.close(fd)
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=folder)
            raise
        os.close(fd)


class _Temporary(NamedTuple):
    fd: int
    name: str


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:  # a nearly full disk takes a part first and fails on the next call
        view = view[os.write(fd, view) :]


def replace_at(
    folder: int,
    name: str | bytes,
    data: bytes,
    *,
    mode: int | None = 0o600,
    old: os.stat_result | None = None,
    only_new: bool = False,
) -> os.stat_result:
    """Put `data` into the file `name` of the open folder, atomically and durably; return the new file's state.

    `folder` is a descriptor open for reading; `name` has no slash. A link of that name is replaced, not followed.
    With `old` the new file keeps that one's mode and, where this user may, its owner; else it has `mode` (None: as
    the user's mask says). With `only_new` nothing is ever overwritten. Raises OSError; the old content is intact
    then and no temporary file is left.
    """
    fd, temporary = _temporary_in(folder, 0o600 if old is not None or mode is not None else 0o666)
    try:
        try:
            _write_all(fd, data)
            _give(fd, mode, old)
            os.fsync(fd)
            state = os.fstat(fd)
            if only_new:
                rename_new(folder, os.fsencode(temporary), folder, os.fsencode(name))
            else:
                os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        finally:
            os.close(fd)  # after the rename: until then the lock says that the writer lives
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)
    return state


def _give(fd: int, mode: int | None, old: os.stat_result | None) -> None:
    """Give a new file the mode that it is to have, or the mode and owner of the file that it replaces."""
    now = os.fstat(fd)
    if old is not None:
        mode = stat.S_IMODE(old.st_mode) & 0o777
        if (now.st_uid, now.st_gid) != (old.st_uid, old.st_gid):
            with contextlib.suppress(PermissionError):
                os.fchown(fd, old.st_uid, old.st_gid)
    if mode is not None and stat.S_IMODE(now.st_mode) != mode:
        os.fchmod(fd, mode)


def write_atomic(path: Path, data: bytes) -> None:
    """Write `data` to `path` atomically and durably; missing folders are made.

    For paths that the program itself chose; a path from a caller goes through `servers.machine.beneath`.
    Raises ServerError, which names the path and the next step; the old content is intact then.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            replace_at(folder, path.name, data)
        finally:
            os.close(folder)
    except OSError as error:
        raise explain(error, str(path)) from error
    except ValueError as error:  # a NUL or a lone surrogate in the path
        raise ServerError(f"{show(str(path))} is not a path; name a file") from error


def append_line(path: Path, line: bytes) -> None:
    """Add a line (without its end) to a file of lines, whole, whoever else adds to it at the same time.

    A missing file is made, with mode 0600; half a line that a crash left at the end is closed off. A link is not
    followed. Raises ServerError, which names the path and the next step.
    """
    try:
        fd = _open_lines(path)
        try:
            with contextlib.suppress(OSError):  # a file system without locks: one write is still one piece
                wait(fd)
            state = os.fstat(fd)
            if not stat.S_ISREG(state.st_mode):
                raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
            torn = state.st_size > 0 and os.pread(fd, 1, state.st_size - 1) != b"\n"
            _write_all(fd, (b"\n" if torn else b"") + line + b"\n")
        finally:
            os.close(fd)
    except OSError as error:
        raise explain(error, str(path)) from error
    except ValueError as error:  # a NUL or a lone surrogate in the path
        raise ServerError(f"{show(str(path))} is not a path; name a file") from error


def _open_lines(path: Path) -> int:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return os.open(path, flags, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(path, flags, 0o600)
