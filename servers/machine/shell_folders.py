"""Open folders of a workspace: entered one name at a time, through no link."""

import contextlib
import os
import stat
from collections.abc import Generator
from typing import NamedTuple

__all__ = ["FOLDER", "Kept", "inside", "kept", "kept_of", "names_of", "opened"]

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class Kept(NamedTuple):
    """What a name was when it was looked at: enough to tell whether it has changed."""

    kind: int
    """`stat.S_IFREG`, `stat.S_IFDIR`, `stat.S_IFLNK`, or another."""
    mode: int
    size: int
    modified_ns: int
    changed_ns: int
    inode: int
    link: bytes = b""
    """Where a link leads."""

    def same(self, other: "Kept") -> bool:
        """Say whether it is still what it was; of a folder and a link the times do not count."""
        if self.kind != other.kind:
            return False
        if self.kind == stat.S_IFLNK:
            return self.link == other.link
        if self.kind == stat.S_IFDIR:
            return self.mode == other.mode
        return self[:6] == other[:6]


def kept_of(state: os.stat_result, link: bytes = b"") -> Kept:
    """Return what is worth keeping of a state; of the mode only the plain bits."""
    kind, mode = stat.S_IFMT(state.st_mode), state.st_mode & 0o777
    return Kept(kind, mode, state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino, link)


def kept(name: bytes, folder: int) -> Kept:
    """Return what a name in an open folder is. Raises OSError."""
    state = os.stat(name, dir_fd=folder, follow_symlinks=False)
    return kept_of(state, os.readlink(name, dir_fd=folder) if stat.S_ISLNK(state.st_mode) else b"")


@contextlib.contextmanager
def opened(name: bytes, folder: int) -> Generator[int]:
    """Open a folder in an open folder, through no link. Raises OSError."""
    inner = os.open(name, FOLDER, dir_fd=folder)
    try:
        yield inner
    finally:
        os.close(inner)


@contextlib.contextmanager
def inside(root: int, path: bytes) -> Generator[int]:
    """Open a folder by its path below another one. Raises OSError."""
    here = os.open(b".", FOLDER, dir_fd=root)
    try:
        for part in path.split(b"/") if path else ():
            inner = os.open(part, FOLDER, dir_fd=here)
            os.close(here)
            here = inner
        yield here
    finally:
        os.close(here)


def names_of(folder: int) -> list[bytes]:
    """Return the names in an open folder, in order. Raises OSError."""
    return sorted(map(os.fsencode, os.listdir(folder)))
