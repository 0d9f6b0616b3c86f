"""Open descriptors below a root: what is checked, locked and hashed once something is open."""

import contextlib
import errno
import hashlib
import os
import stat
import time
from collections.abc import Generator

from servers.machine.beneath_lock import take
from servers.machine.beneath_values import NotThereError, TakenError
from servers.machine.errors import ServerError
from servers.machine.names import show
from servers.machine.openat2 import rename_new
from servers.machine.store import explain
from servers.machine.walk import Spot, link_at

__all__ = [
    "FILE",
    "closing",
    "errors",
    "etag_at",
    "etag_of",
    "existing",
    "fail",
    "failure",
    "lock",
    "locked",
    "matching",
    "regular",
    "renamed",
]

FILE = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
"""Flags that open a file for reading and never wait for a FIFO's other end."""

_LOCK_SECONDS = 10.0
_HASH_LIMIT = 8_000_000
"""Up to this size (bytes) an etag is of the content; above, of inode, size and time of change."""
_PART = 1 << 20


def fail(code: int) -> OSError:
    """Return the system's error of a number."""
    return OSError(code, os.strerror(code))


def etag_of(fd: int, state: os.stat_result, *, data: bytes | None = None) -> str:
    """Return the etag of an open file; `data` is its whole content where that is known already."""
    if state.st_size > _HASH_LIMIT:
        text = f"{state.st_dev} {state.st_ino} {state.st_size} {state.st_mtime_ns}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]
    if data is not None:
        return hashlib.sha256(data).hexdigest()[:16]
    digest, offset = hashlib.sha256(), 0
    while part := os.pread(fd, _PART, offset):
        digest.update(part)
        offset += len(part)
    return digest.hexdigest()[:16]


def regular(fd: int) -> os.stat_result:
    """Return the state of an open regular file; OSError for anything else."""
    state = os.fstat(fd)
    if not stat.S_ISREG(state.st_mode):
        raise fail(errno.EISDIR if stat.S_ISDIR(state.st_mode) else errno.ENXIO)
    return state


@contextlib.contextmanager
def errors(path: str) -> Generator[None]:
    """Turn an OSError into a ServerError that names the caller's path."""
    try:
        yield
    except OSError as error:
        raise failure(error, path) from error


def failure(error: OSError, path: str) -> ServerError:
    """Return the error that names the caller's path; NotThereError where nothing is there."""
    told = explain(error, path)
    return NotThereError(str(told)) if error.errno == errno.ENOENT else told


@contextlib.contextmanager
def closing(fd: int) -> Generator[int]:
    """Close a descriptor at the end."""
    try:
        yield fd
    finally:
        os.close(fd)


def lock(folder: int, path: str) -> None:
    """Lock an open folder; the lock goes with the descriptor, also when the process is killed."""
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            return take(folder)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                text = f"{show(path)}: its folder has been locked for {_LOCK_SECONDS:.0f} s; try again"
                raise ServerError(text) from error
            time.sleep(0.002)


def locked(folders: tuple[int, ...], path: str) -> None:
    """Lock several open folders, always in one order, and a folder that is open twice only once."""
    states = [(os.fstat(fd), fd) for fd in folders]
    for _, fd in sorted({(state.st_dev, state.st_ino): fd for state, fd in states}.items()):
        lock(fd, path)


@contextlib.contextmanager
def existing(folder: int, name: bytes) -> Generator[int | None]:
    """Open the regular file of that name to be replaced; None where there is none.

    Raises OSError: it is no regular file, or this user may not write it.
    """
    try:
        fd = os.open(name, FILE | os.O_NOFOLLOW, dir_fd=folder)
    except FileNotFoundError:
        yield None
        return
    with closing(fd):
        if not regular(fd).st_mode & 0o222 or not os.access(name, os.W_OK, dir_fd=folder):
            fixed = os.fstatvfs(fd).f_flag & os.ST_RDONLY
            raise fail(errno.EROFS if fixed else errno.EACCES)
        yield fd


def matching(fd: int | None, etag: str, path: str) -> None:
    """Raise ServerError where a file is not what it was when it had the etag; an empty one matches all."""
    if etag and (fd is None or etag_of(fd, os.fstat(fd)) != etag):
        what = "is gone" if fd is None else "has changed"
        raise ServerError(f"{show(path)} {what} since it was read (etag {show(etag)}); read it again, then write")


def etag_at(spot: Spot) -> str:
    """Return the etag of the file at a spot; empty where it may not be read."""
    try:
        fd = os.open(spot.name, FILE | os.O_NOFOLLOW, dir_fd=spot.folder)
    except OSError:
        return ""
    with closing(fd):
        return etag_of(fd, regular(fd))


def renamed(origin: Spot, goal: Spot, target: str, *, replace: bool) -> bool:
    """Rename one spot to another, durably; return whether something was replaced."""
    existed = False
    try:
        if replace:
            existed = link_at(goal.folder, goal.name) is not None  # the link itself is what is replaced
            if not existed:
                with existing(goal.folder, goal.name) as old:
                    existed = old is not None
            os.replace(origin.name, goal.name, src_dir_fd=origin.folder, dst_dir_fd=goal.folder)
        else:
            rename_new(origin.folder, origin.name, goal.folder, goal.name)
    except FileExistsError as error:
        raise TakenError(f"{show(target)} already exists; choose another name, or move with replace") from error
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        text = f"{show(target)} is on another file system; write it there, then remove the old one"
        raise ServerError(text) from error
    os.fsync(goal.folder)
    os.fsync(origin.folder)
    return existed
