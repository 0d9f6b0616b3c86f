"""Open files on Windows: how they are read, hashed and locked, and what their names are as bytes."""

import contextlib
import errno
import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

from servers.machine.beneath_lock import take
from servers.machine.beneath_values import NotThereError
from servers.machine.errors import ServerError
from servers.machine.names import show
from servers.machine.store import explain

__all__ = ["content_of", "errors", "etag_of", "fail", "is_link", "locked", "raw", "shown"]

_HASH_LIMIT = 8_000_000
_LOCK_SECONDS = 10.0
_PART = 1 << 20
_REPARSE_POINT = 0x400


def fail(code: int) -> OSError:
    """Return the system's error of a number."""
    return OSError(code, os.strerror(code))


@contextlib.contextmanager
def errors(path: str) -> Generator[None]:
    """Turn an OSError into a ServerError that names the caller's path."""
    try:
        yield
    except OSError as error:
        failure = explain(error, path)
        raise (NotThereError(str(failure)) if error.errno == errno.ENOENT else failure) from error


def content_of(fd: int, limit: int) -> bytes:
    """Return at most `limit` bytes of an open file from its start."""
    os.lseek(fd, 0, os.SEEK_SET)
    parts: list[bytes] = []
    while limit > 0 and (part := os.read(fd, min(limit, _PART))):
        parts.append(part)
        limit -= len(part)
    return b"".join(parts)


def etag_of(fd: int) -> str:
    """Return the etag of an open file: of its content, above 8 MB of size and time."""
    state = os.fstat(fd)
    if state.st_size > _HASH_LIMIT:
        text = f"{state.st_dev} {state.st_ino} {state.st_size} {state.st_mtime_ns}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]
    return hashlib.sha256(content_of(fd, _HASH_LIMIT + 1)).hexdigest()[:16]


def is_link(item: os.DirEntry[str] | str) -> bool:
    """Tell whether a name is a link or another reparse point."""
    state = os.lstat(item) if isinstance(item, str) else item.stat(follow_symlinks=False)
    return stat.S_ISLNK(state.st_mode) or bool(getattr(state, "st_file_attributes", 0) & _REPARSE_POINT)


@contextlib.contextmanager
def locked(folder: str, path: str) -> Generator[None]:
    """Hold the lock of a folder: a file of the user's own, which is never removed."""
    place = Path(tempfile.gettempdir(), "afs-locks")
    place.mkdir(mode=0o700, exist_ok=True)
    name = hashlib.sha256(os.path.normcase(folder).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    fd = os.open(place / name, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                take(fd)
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    text = f"{show(path)}: its folder has been locked for {_LOCK_SECONDS:.0f} s; try again"
                    raise ServerError(text) from error
                time.sleep(0.002)
        yield
    finally:
        os.close(fd)


def raw(parts: tuple[str, ...]) -> bytes:
    """Return a path as bytes."""
    return "/".join(parts).encode("utf-8", "surrogatepass")


def shown(parts: tuple[str, ...]) -> str:
    """Return a path as text that can be written."""
    return raw(parts).decode("utf-8", "backslashreplace")
