"""Reading a file for its hash: only when it is still what the scan saw, and stays so to the end."""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import TYPE_CHECKING, NamedTuple

from servers.machine.errors import ServerError
from servers.machine.names import escape

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

    from servers.machine.beneath import Root, State

__all__ = ["WHOLE", "Hashes", "Wanted", "full_hash", "full_of", "head_of", "joined", "reached", "state_of"]

HEAD = 4_096
"""Bytes of the head hash."""
WHOLE = 65_536
"""Up to this size (bytes) a file is read whole at once: opening it costs more than reading it."""
_PART = 1 << 20
_SHORT = 800
"""Bytes of a path that is opened at once, however it has to be escaped."""


class Wanted(NamedTuple):
    """A file to hash, as the scan saw it: its folder's number and path, its name, bytes, nanoseconds, inode."""

    folder: int
    path: bytes
    name: bytes
    size: int
    mtime: int
    inode: int


class Hashes(NamedTuple):
    """16 bytes of the SHA-256 of a file's head, and the 32 of all of it; None where it was not made."""

    head: bytes | None
    full: bytes | None


def joined(folder: bytes, name: bytes) -> bytes:
    """Return the path of a name in a folder."""
    return folder + b"/" + name if folder else name


def reached(root: Root, path: bytes) -> AbstractContextManager[int]:
    """Give the descriptor of a regular file at any depth. Raises ServerError."""
    return root.opened(escape(path)) if len(path) < _SHORT else _deep(root, path)


@contextlib.contextmanager
def _deep(root: Root, path: bytes) -> Generator[int]:
    cut = path.rfind(b"/", 0, _SHORT)
    with root.below(escape(path[:cut])) as inner, reached(inner, path[cut + 1 :]) as fd:
        yield fd


def state_of(root: Root, path: bytes) -> State:
    """Return what a path names, at any depth. Raises ServerError."""
    if len(path) < _SHORT:
        return root.state(escape(path))
    cut = path.rfind(b"/", 0, _SHORT)
    if cut < 0:
        return root.state(escape(path))
    with root.below(escape(path[:cut])) as inner:
        return state_of(inner, path[cut + 1 :])


def full_hash(fd: int, stop: Callable[[], bool] = lambda: False) -> bytes:
    """Return the SHA-256 of an open file; empty when `stop` says so."""
    digest, offset = hashlib.sha256(), 0
    while part := os.pread(fd, _PART, offset):
        digest.update(part)
        offset += len(part)
        if stop():
            return b""
    return digest.digest()


def _same(fd: int, wanted: Wanted) -> bool:
    state = os.fstat(fd)
    return state.st_size == wanted.size and state.st_mtime_ns == wanted.mtime and state.st_ino == wanted.inode


def head_of(root: Root, wanted: Wanted) -> Hashes:
    """Hash the head of a file; of a small one all of it, of which the head's hash is a part then."""
    small = wanted.size <= WHOLE
    length = wanted.size if small else HEAD
    with contextlib.suppress(ServerError, OSError), reached(root, joined(wanted.path, wanted.name)) as fd:
        data = os.pread(fd, length, 0)
        if len(data) == length and _same(fd, wanted):
            digest = hashlib.sha256(data).digest()
            return Hashes(digest[:16], digest if small else None)
    return Hashes(None, None)


def full_of(root: Root, wanted: Wanted, stop: Callable[[], bool] = lambda: False) -> Hashes:
    """Hash all of a file."""
    with contextlib.suppress(ServerError, OSError), reached(root, joined(wanted.path, wanted.name)) as fd:
        full = full_hash(fd, stop)
        if full and _same(fd, wanted):
            return Hashes(None, full)
    return Hashes(None, None)
