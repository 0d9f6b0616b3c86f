"""A walk through a tree of folders that is quick, never leaves the tree and fails at nothing odd in it.

Every folder is opened by its name from the open folder above it, never by a path, so that depth has no limit
and a folder that is swapped for a link meanwhile is left out. Only a few folders are held open: on the way
back up the others are opened again by `..` and must be the very same ones.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator
from typing import TYPE_CHECKING

from servers.machine.beneath_values import KINDS, Seen
from servers.machine.store import TEMP_SUFFIX, is_temporary
from servers.machine.walk import FOLDER

if TYPE_CHECKING:
    from servers.machine.beneath_values import Kind

__all__ = ["Walk"]

_HELD = 64
"""Folders held open at once."""
_FORMAT = 0o170000
_ENCODING = sys.getfilesystemencoding()
_TEMPORARY = TEMP_SUFFIX.encode()
_INTO = FOLDER | os.O_NOFOLLOW | os.O_NONBLOCK


class _Level:
    """A folder on the way down: its descriptor (-1: closed meanwhile), which one it is, what is to be entered."""

    def __init__(self, fd: int, prefix: bytes) -> None:
        self.fd = fd
        state = os.fstat(fd)
        self.same = (state.st_dev, state.st_ino)
        self.prefix = prefix
        self.todo: list[bytes] = []

    def __del__(self) -> None:  # a walk that never began has no steps that could close it
        self.close()

    def close(self) -> None:
        fd, self.fd = self.fd, -1
        if fd >= 0:
            os.close(fd)


class Walk(Iterator[Seen]):
    """Everything below a folder, each folder's names before what is in them; iterate over it once.

    `problems` counts folders and names that could not be looked at; not `complete` when the cap was reached.
    """

    def __init__(
        self,
        fd: int,
        *,
        prefix: bytes = b"",
        cap: int,
        enter: Callable[[bytes], bool] | None = None,
        measured: bool = True,
        leftovers: bool = False,
    ) -> None:
        """Walk below the open folder `fd`, which is closed at the end; `prefix` goes before each path.

        `enter` is asked for each folder by its path. Without `measured` the four numbers of each name stay 0.
        With `leftovers` the temporary files of writers are shown too.
        """
        self.problems = 0
        self.complete = True
        self._cap = cap
        self._enter = enter
        self._measured = measured
        self._leftovers = leftovers
        self._top = _Level(fd, prefix)
        self._steps = self._walk(self._top)

    def __iter__(self) -> Generator[Seen]:
        return self._steps

    def __next__(self) -> Seen:
        return next(self._steps)

    def close(self) -> None:
        """End the walk early and close its folders."""
        self._steps.close()
        self._top.close()

    def _walk(self, top: _Level) -> Generator[Seen]:
        levels = [top]
        try:
            yield from self._names(top)
            while levels and self.complete:
                level = levels[-1]
                if not level.todo:
                    self._leave(levels)
                    continue
                inner = self._into(level, level.todo.pop())
                if inner is None:
                    continue
                levels.append(inner)
                if len(levels) > _HELD:
                    levels[-1 - _HELD].close()
                yield from self._names(inner)
        finally:
            for level in levels:
                level.close()

    def _into(self, level: _Level, name: bytes) -> _Level | None:
        path = level.prefix + name
        if self._enter is not None and not self._enter(path):
            return None
        try:
            fd = os.open(name, _INTO, dir_fd=level.fd)
        except OSError:  # gone, swapped for a link, or not ours to read
            self.problems += 1
            return None
        return _Level(fd, path + b"/")

    def _leave(self, levels: list[_Level]) -> None:
        """Go up; where the folder above was closed, open it again and be sure that it is the same."""
        level = levels.pop()
        try:
            if levels and levels[-1].fd < 0:
                levels[-1].fd = os.open("..", _INTO, dir_fd=level.fd)
                state = os.fstat(levels[-1].fd)
                if (state.st_dev, state.st_ino) != levels[-1].same:
                    raise NotADirectoryError
        except OSError:  # the folder was moved elsewhere meanwhile: the way back is lost
            self.problems += 1
            while levels:
                levels.pop().close()
        finally:
            level.close()

    def _names(self, level: _Level) -> Generator[Seen]:
        prefix, todo, look = level.prefix, level.todo, _measured if self._measured else _named
        try:
            with os.scandir(level.fd) as names:
                for item in names:
                    name = item.name.encode(_ENCODING, "surrogateescape")
                    if name.endswith(_TEMPORARY) and is_temporary(name) and not self._leftovers:
                        continue
                    if self._cap <= 0:
                        self.complete = False
                        return
                    try:
                        seen = look(item, prefix + name)
                    except OSError:  # gone meanwhile
                        self.problems += 1
                        continue
                    if seen.kind == "folder":
                        todo.append(name)
                    self._cap -= 1
                    yield seen
        except OSError:  # it, or the rest of it, cannot be read
            self.problems += 1
        todo.sort(reverse=True)


def _measured(item: os.DirEntry[str], path: bytes) -> Seen:
    state = item.stat(follow_symlinks=False)
    kind = KINDS.get(state.st_mode & _FORMAT, "other")
    return Seen(path, kind, state.st_size, state.st_mtime_ns, state.st_dev, state.st_ino)


def _named(item: os.DirEntry[str], path: bytes) -> Seen:
    kind: Kind = "other"
    if item.is_file(follow_symlinks=False):
        kind = "file"
    elif item.is_dir(follow_symlinks=False):
        kind = "folder"
    elif item.is_symlink():
        kind = "link"
    return Seen(path, kind, 0, 0, 0, 0)
