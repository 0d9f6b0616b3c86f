"""Whole files written so that a reader sees the old content or the new, never a mixture and never half.

A write goes to a temporary file in the same folder (created exclusively, mode 0600), is flushed to the disk
and renamed over the target; when anything fails the target keeps its old content and the temporary file is
removed.
"""

import contextlib
import errno
import os
import secrets
from pathlib import Path

from servers.machine.errors import ServerError
from servers.machine.names import show

__all__ = ["TEMP_SUFFIX", "explain", "replace_at", "write_atomic"]

TEMP_SUFFIX = ".afs-tmp"
"""End of a temporary file's name; one that a killed process left behind may be deleted."""

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
    errno.EIO: "the disk reports an error; check it before writing again",
}


def explain(error: OSError, path: str) -> ServerError:
    """Return the error that tells what failed at `path`, as the caller gave it, and what to do next."""
    reason = (error.strerror or type(error).__name__).lower()
    step = _NEXT_STEP.get(error.errno or 0, f"the system says: {reason}; check the path and try again")
    return ServerError(f"{show(path)}: {step}")


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:  # a nearly full disk takes a part first and fails on the next call
        view = view[os.write(fd, view) :]
    os.fsync(fd)


def replace_at(folder: int, name: str | bytes, data: bytes, *, mode: int = 0o600) -> None:
    """Put `data` into the file `name` of the open folder, atomically and durably.

    `folder` is a descriptor open for reading; `name` has no slash. A link of that name is replaced, not
    followed. Raises OSError; the old content is intact then and no temporary file is left.
    """
    temporary = f".{secrets.token_hex(8)}{TEMP_SUFFIX}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    fd = os.open(temporary, flags, 0o600, dir_fd=folder)
    try:
        try:
            _write_all(fd, data)
            if mode != 0o600:
                os.fchmod(fd, mode)
        finally:
            os.close(fd)
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)


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
